"""Nothing is ever connected to but what was checked: in a network whose name server changes its mind."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

APART = ["unshare", "--user", "--map-root-user", "--net", "--mount"]


def test_no_name_and_no_literal_leads_to_a_connection_that_was_not_allowed(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or subprocess.run([*APART, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network of its own is to be had here: unshare is not allowed")
    script = Path(__file__).parent / "changing_names.py"
    (tmp_path / "resolv.conf").touch()
    done = subprocess.run(
        [*APART, sys.executable, script, tmp_path / "resolv.conf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["addresses"] >= 80
    assert told["opened"] == 0
    assert told["opened_when_allowed"] == 1
    assert len(told["refused"]) == 1
    assert "TIMBRE_ALLOWED_NETWORKS" in told["refused"][0]
    # The public address that a name had when it was looked up cannot be reached here; it is not looked up again.
    assert all("TIMBRE_ALLOWED_NETWORKS" not in one for one in told["changed"])
