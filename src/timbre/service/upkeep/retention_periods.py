"""What is kept for how long, in words and numbers, for those who look at a server and not at its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from timbre.settings import Settings

Unit = Literal["seconds", "hours", "days", "months"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How long one kind of thing is kept."""

    name: str  # what is kept
    setting: str  # environment variable that says so
    value: float
    unit: Unit
    text: str


def rules(settings: Settings) -> tuple[Rule, ...]:
    """All of them, as they are set."""
    return tuple(
        Rule(
            name=field,
            setting=f"TIMBRE_{field.upper()}",
            value=(value := float(getattr(settings, field))),
            unit=unit,
            text=says(duration(value, unit) if value else ""),
        )
        for field, unit, says in _RULES
    )


def duration(value: float, unit: str) -> str:
    """Return `24 hours`, `1 day`, `1.5 days`, `30 days` for 720 hours, `5 minutes` for 300 seconds."""
    for small, number, large in _LARGER:
        if unit == small and value > number and value % number == 0:
            value, unit = value / number, large
    return f"{value:g} {unit.removesuffix('s') if value == 1 else unit}"


_LARGER: Final = (("seconds", 60, "minutes"), ("minutes", 60, "hours"), ("hours", 24, "days"))  # so many make one
_RULES: Final[tuple[tuple[str, Unit, Callable[[str], str]], ...]] = (
    (
        "media_hours",
        "hours",
        lambda kept: f"Uploaded recordings are deleted {kept} after the upload, unless a result of theirs is kept.",
    ),
    (
        "output_hours",
        "hours",
        lambda kept: (
            f"Results, and the voices heard in them, are deleted {kept} after the job ended, unless they are kept."
        ),
    ),
    ("job_days", "days", lambda kept: f"What is known of a job, such as its length, is deleted {kept} after it ended."),
    (
        "speaker_months",
        "months",
        lambda kept: (
            f"People whom no recording has named for {kept} are erased."
            if kept
            else "People are kept until somebody erases them."
        ),
    ),
    (
        "clip_seconds",
        "seconds",
        lambda kept: (
            f"Of every sample of a person, {kept} are kept to listen to, as long as the sample."
            if kept
            else "Nothing of a person's samples is kept to listen to."
        ),
    ),
    ("session_hours", "hours", lambda kept: f"Browsers stay signed in for {kept}."),
    (
        "webhook_secret_hours",
        "hours",
        lambda kept: (
            f"A webhook secret that was replaced stays valid for {kept}."
            if kept
            else "A webhook secret that was replaced is worthless at once."
        ),
    ),
    ("sweep_seconds", "seconds", lambda kept: f"What is over its time is looked for every {kept}."),
)
