"""What is kept for how long, in words."""

import pytest

from timbre.service.upkeep.retention_periods import duration, rules
from timbre.settings import Settings


def test_every_rule_names_its_setting_and_says_its_number():
    for rule in rules(Settings()):
        assert rule.setting == f"TIMBRE_{rule.name.upper()}"
        assert rule.value == getattr(Settings(), rule.name)
        assert rule.text.endswith(".")
        if rule.value:
            assert duration(rule.value, rule.unit) in rule.text


def test_nothing_that_is_deleted_by_time_is_left_out():
    told = {rule.name for rule in rules(Settings())}
    assert {"media_hours", "output_hours", "job_days", "speaker_months", "webhook_secret_hours"} <= told


@pytest.mark.parametrize("field", ["speaker_months", "clip_seconds", "webhook_secret_hours"])
def test_zero_is_said_in_other_words(field):
    (rule,) = (rule for rule in rules(Settings(**{field: 0})) if rule.name == field)
    assert "0" not in rule.text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (24, "hours", "24 hours"),
        (720, "hours", "30 days"),
        (30, "hours", "30 hours"),
        (1, "days", "1 day"),
        (1.5, "hours", "1.5 hours"),
        (8, "seconds", "8 seconds"),
        (300, "seconds", "5 minutes"),
        (7200, "seconds", "2 hours"),
    ],
)
def test_durations(value, unit, text):
    assert duration(value, unit) == text
