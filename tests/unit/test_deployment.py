"""What is deployed names commands, options, settings and lanes that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from timbre import Settings
from timbre.cli import app
from timbre.store.queue import Lane

PROJECT = Path(__file__).parents[2]
FILES = [
    *(PROJECT / name for name in ("Dockerfile", "compose.yaml", "compose.fleet.yaml")),
    *(path for path in (PROJECT / "deploy").rglob("*") if path.is_file()),
]
FLOW = re.compile(r"(?:command|args|CMD):? \[([\w, \"-]+)\]")


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", FILES, ids=named)
def test_variables_are_settings(path: Path) -> None:
    known = {f"TIMBRE_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bTIMBRE_[A-Z_]*[A-Z]", path.read_text("utf-8"))) <= known


def test_commands_and_options_exist() -> None:
    lines = [
        *(
            line
            for path in FILES
            for line in re.findall(r"^ExecStart=\S*/timbre (.+)$", path.read_text(), re.MULTILINE)
        ),
        *(found.replace(",", " ", 1).replace(", ", " ") for path in FILES for found in FLOW.findall(path.read_text())),
    ]
    ours = typer.main.get_command(app).commands
    checked = 0
    for line in lines:
        command, *words = shlex.split(line)
        if command in ours:  # others' containers have commands of their own
            options = {option for parameter in ours[command].params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, line
            checked += 1
    assert checked >= 8


def test_every_lane_has_a_worker() -> None:
    for path in (PROJECT / "compose.fleet.yaml", PROJECT / "deploy" / "helm" / "timbre" / "values.yaml"):
        served = re.findall(r'--lanes, "([\w,]+)"', path.read_text())
        assert {lane for lanes in served for lane in lanes.split(",")} == set(Lane), path
