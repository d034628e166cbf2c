"""Times in the JSON of transcribers, in whatever way each writes them.

{"start": 0.5}  {"start_time": "0.5"}  {"startTime": "0.500s"}  {"timestamp": [0.5, 2.0]}
{"offsets": {"from": 500, "to": 2000}}  {"offsetInTicks": 5000000, "durationInTicks": 15000000}
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

# Key to what a second is in its unit.
_STARTS: Final = {
    "start": 1.0,
    "start_time": 1.0,
    "startTime": 1.0,
    "startOffset": 1.0,
    "start_offset": 1.0,
    "begin": 1.0,
    "ts": 1.0,
    "start_ms": 1e3,
    "startMs": 1e3,
    "offsetMilliseconds": 1e3,
    "t0": 1e2,
    "offsetInTicks": 1e7,
    "offset": 1.0,
    "Offset": 1e7,
}
_ENDS: Final = {
    "end": 1.0,
    "end_time": 1.0,
    "endTime": 1.0,
    "endOffset": 1.0,
    "end_offset": 1.0,
    "end_ts": 1.0,
    "end_ms": 1e3,
    "endMs": 1e3,
    "t1": 1e2,
}
_LENGTHS: Final = {"duration": 1.0, "durationMilliseconds": 1e3, "durationInTicks": 1e7, "Duration": 1e7}
_PAIRS: Final = {"timestamp": 1.0, "timestamps": 1.0}  # lists of a start and an end
_SPANS: Final = {"offsets": 1e3, "timestamps": 1.0}  # objects with `from` and `to`
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)s?", re.ASCII)
_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,9}))?", re.ASCII)
_ISO: Final = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", re.ASCII)


def times_of(record: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return start and end in seconds, or in the unit of the file where only its numbers tell; None if it lacks one."""
    for key, unit in _SPANS.items():
        if isinstance(span := record.get(key), dict):
            return moment(span.get("from"), unit), moment(span.get("to"), unit)
    for key, unit in _PAIRS.items():
        if isinstance(pair := record.get(key), list) and len(pair) == len(("start", "end")):
            return moment(pair[0], unit), moment(pair[1], unit)
    start, end = _first(record, _STARTS), _first(record, _ENDS)
    if end is None and start is not None and (length := _first(record, _LENGTHS)) is not None:
        end = start + length
    return start, end


def moment(value: Any, unit: float = 1.0) -> float | None:
    """Return a time in seconds, given what a second is in its unit; texts say their unit themselves."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value / unit if math.isfinite(value) and value >= 0 else None
    if isinstance(value, dict):  # as protocol buffers have it
        whole, rest = moment(value.get("seconds", 0)), moment(value.get("nanos", 0), 1e9)
        return None if whole is None or rest is None or not value else whole + rest
    return _read(value, unit) if isinstance(value, str) else None


def _first(record: Mapping[str, Any], keys: Mapping[str, float]) -> float | None:
    return next((at for key, unit in keys.items() if (at := moment(record.get(key), unit)) is not None), None)


def _read(text: str, unit: float) -> float | None:
    if match := _NUMBER.fullmatch(text):
        return float(match[1]) / (1.0 if text.endswith("s") else unit)
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(digits or 0) for digits in match.groups()[:3])
        return 3600 * hours + 60 * minutes + seconds + float(f"0.{match[4] or 0}")
    if text != "PT" and (match := _ISO.fullmatch(text)):
        return 3600 * float(match[1] or 0) + 60 * float(match[2] or 0) + float(match[3] or 0)
    return None
