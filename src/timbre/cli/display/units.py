"""Times, sizes and shares as people read them."""

from __future__ import annotations

NOTHING = "-"  # stands where there is no value


def clock(seconds: float) -> str:
    """Return a time as minutes, seconds and hundredths, with hours from the first hour on: `1:02:03.45`."""
    minutes, hundredths = divmod(round(100 * seconds), 6000)
    hours, minutes = divmod(minutes, 60)
    rest = f"{hundredths // 100:02d}.{hundredths % 100:02d}"
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"


def megabytes(count: int) -> str:
    """Return a number of bytes in MB, those of a million bytes."""
    return f"{count / 1e6:.1f} MB"


def percent(share: float | None) -> str:
    """Return a share in per cent with one decimal, or `NOTHING` where there is none."""
    return NOTHING if share is None else f"{100 * share:.1f} %"
