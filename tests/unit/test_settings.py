"""Settings as the environment has them."""

from __future__ import annotations

import re
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


OIDC = {"oidc_issuer": "https://login.example.org", "oidc_client_id": "timbre", "oidc_roles": "speech=default:editor"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"oidc_issuer": "http://127.0.0.1:8080/realms/staff"}, None),
        ({"oidc_issuer": "http://login.example.org"}, "begins with https://"),
        ({"oidc_issuer": "login.example.org"}, "begins with https://"),
        ({"oidc_client_id": None}, "needs oidc_client_id"),
        ({"oidc_roles": ""}, "nobody may come in"),
        ({"oidc_roles": "speech=default:owner"}, "is none of GROUP=TEAM:viewer"),
        ({"oidc_roles": "speech=default"}, "is none of GROUP=TEAM:viewer"),
        ({"oidc_roles": "=default:admin"}, "is none of GROUP=TEAM:viewer"),
        ({"oidc_roles": "cn=a:b=my team:admin"}, None),
        ({"oidc_roles": "*=default:viewer"}, "say whose in oidc_domains"),
        ({"oidc_roles": "*=default:viewer", "oidc_domains": "*"}, None),
    ],
)
def test_a_provider_is_set_so_that_it_lets_in_whom_it_says(change: dict[str, str | None], reason: str | None):
    if reason is None:
        Settings(**OIDC | change)
        return
    with pytest.raises(ValueError, match=re.escape(reason)):
        Settings(**OIDC | change)
