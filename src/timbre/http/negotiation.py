"""What a client would rather have: headers that list offers with weights (RFC 9110, 2022, section 12)."""

from __future__ import annotations

import re
from typing import Final

_WEIGHT: Final = re.compile(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", re.IGNORECASE)


def weight(header: str, *names: str) -> float:
    """How much a client wants something, from 0, for not at all, to 1.

    Args:
        header: `Accept`, `Accept-Encoding` or the like, as it was sent.
        names: What the thing may be listed as, the most particular first: `gzip`, `*`. The first that is listed counts.
    """
    offered: dict[str, float] = {}
    for offer in header.split(","):
        name, *parameters = offer.split(";")
        found = next(filter(None, map(_WEIGHT.fullmatch, parameters)), None)
        offered[name.strip().lower()] = float(found[1]) if found else 1.0
    return next((offered[name] for name in names if name in offered), 0.0)
