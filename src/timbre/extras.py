"""Extras: packages that one seldom task needs and nothing else does, so that they are not installed everywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from timbre.errors import ExtraMissing

Extra = Literal["asr", "conversion", "cuda", "docx", "evaluation", "mcp", "otel"]


@contextmanager
def needing(extra: Extra) -> Iterator[None]:
    """Wrap the import of a package of an extra; raises ExtraMissing, saying how to install it, where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"This needs the package {error.name}; get it with `{install_command(extra)}`.") from error


def install_command(extra: Extra) -> str:
    """Return the command that adds an extra to this very installation: elsewhere the name means another package."""
    return f'{sys.executable} -m pip install "timbre[{extra}]"'
