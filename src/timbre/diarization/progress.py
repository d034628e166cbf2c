"""How long work tells how far it is, and is stopped: what a callback raises ends the work."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]  # stage, and the fraction of it that is done


def silent(stage: str, fraction: float) -> None:
    """Tell nobody."""


def ignore(samples: int) -> None:
    """Tell nobody how many samples have been heard."""
