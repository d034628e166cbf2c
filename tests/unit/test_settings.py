"""Settings as the environment has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from timbre.settings import Settings

PATHS = ("calibration", "data_dir", "log_file", "master_key_file", "models_dir", "temp_dir")


@pytest.mark.parametrize("name", PATHS)
def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv(f"TIMBRE_{name.upper()}", "~/timbre")
    assert getattr(Settings(), name) == Path("/home/ada/timbre")
    monkeypatch.setenv(f"TIMBRE_{name.upper()}", "~nobody-such/timbre")
    with pytest.raises(ValueError, match="~nobody-such/timbre begins with the home of nobody who is known here"):
        Settings()


@pytest.mark.parametrize("name", [*PATHS, "database_url", "master_key", "port", "public_url", "storage_url"])
def test_what_is_empty_is_unset(monkeypatch: pytest.MonkeyPatch, name: str):
    unset = getattr(Settings(), name)
    monkeypatch.setenv(f"TIMBRE_{name.upper()}", "")
    assert getattr(Settings(), name) == unset


def test_a_list_may_be_empty(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TIMBRE_WEBHOOK_RETRIES", "")
    assert Settings().webhook_retries == ()
