"""SQL lives in files, one a noun; each query has its name above it as `-- name --`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

_HEADING: Final = re.compile(r"^-- ([a-z_]+) --$", re.MULTILINE)


@cache
def queries(noun: str) -> Mapping[str, bytes]:
    """The queries of `sql/<noun>.sql` by name."""
    text = (resources.files("timbre.store") / "sql" / f"{noun}.sql").read_text("utf-8")
    _, *parts = _HEADING.split(text)
    return MappingProxyType({name: body.strip().encode() for name, body in zip(parts[::2], parts[1::2], strict=True)})
