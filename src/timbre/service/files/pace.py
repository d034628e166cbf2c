"""How fast a recording has to arrive, so that nobody holds a place by sending next to nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final

WINDOW: Final = 30.0  # seconds of waiting over which it is measured


async def paced(
    pieces: AsyncIterator[bytes], least: float, refusal: Callable[[], Exception], *, window: float = WINDOW
) -> AsyncGenerator[bytes, None]:
    """Hand on what arrives as long as it comes fast enough.

    Only the time that is spent waiting for the peer counts, not what becomes of the pieces.

    Args:
        pieces: What arrives.
        least: Bytes a second.
        refusal: Makes what is raised when it comes slower.
        window: Seconds of waiting over which it is measured.
    """
    waited, arrived, began = 0.0, 0, time.monotonic()
    async for piece in pieces:
        waited += time.monotonic() - began
        arrived += len(piece)
        if waited >= window:
            if arrived < least * waited:
                raise refusal()
            waited, arrived = 0.0, 0
        yield piece
        began = time.monotonic()
