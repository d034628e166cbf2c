"""The command line says what the Python API says, and the reference says what both say."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest
import typer

from timbre import Engine, Settings
from timbre.cli import app
from timbre.cli.commands.diarize import diarize
from timbre.cli.commands.identify import identify
from timbre.cli.commands.voiceprint import voiceprint

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
SHOWN = {"format", "json", "output", "exclusive_turns", "confidence", "turn_confidence"}  # what is printed, and where

FOLDERS = {
    "models_dir": "`timbre/models` in the user's cache folder",
    "data_dir": "`timbre` in the user's data folder; for root `/var/lib/timbre`",
}

WHO = {"voiceprint", "speakers", "team", "data_dir"}  # may speak
READ = {"tracks"}  # from text, as typer knows no unions
UNTOLD = {"progress", "gallery", "clip_seconds"}  # what only a program has a use for

PAIRS = [
    pytest.param(Engine.diarize, diarize, SHOWN | {"model", "device"}, id="diarize"),
    pytest.param(Engine.identify, identify, SHOWN | WHO | {"model", "device"}, id="identify"),
    pytest.param(Engine.voiceprint, voiceprint, {"json", "output", "model", "device"}, id="voiceprint"),
]


def commands(group=None, path=("timbre",)):
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands())


def keyword_only(function):
    """Names of keyword-only parameters with their types and defaults."""
    hints = typing.get_type_hints(function)
    return {
        name: (hints[name], parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }


@pytest.mark.parametrize(("method", "command", "own"), PAIRS)
def test_options_are_the_keyword_arguments_of_the_engine(method, command, own):
    hearing = {name: value for name, value in keyword_only(method).items() if name not in UNTOLD}
    hearing |= {name: (str, hearing[name][1]) for name in READ & hearing.keys()}
    options = {name: value for name, value in keyword_only(command).items() if name not in own}
    assert options == hearing


@pytest.mark.parametrize(("method", "command", "own"), PAIRS)
def test_every_keyword_argument_is_spelt_with_hyphens_and_has_its_default(method, command, own):
    parameters = {parameter.name: parameter for parameter in COMMANDS[f"timbre {command.__name__}"].params}
    for name, (_, default) in keyword_only(method).items():
        if name not in UNTOLD:
            assert f"--{name.replace('_', '-')}" in parameters[name].opts
            assert parameters[name].default == default


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_explains_itself(name):
    command = COMMANDS[name]
    assert command.help
    assert all(parameter.help.endswith(".") for parameter in shown(command))


def shown(command):
    return [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]


def row(parameter):
    """The row of the reference's table."""
    if parameter.param_type_name == "argument":
        return f"| `{parameter.metavar}` | {parameter.help} | {'required' if parameter.required else ''} |"
    names = [*sorted(parameter.opts, key=len, reverse=True), *parameter.secondary_opts]
    match parameter.show_default, parameter.default:
        case str() as default, _:
            pass
        case _, None | False:
            default = "required" if parameter.required else ""
        case _, True:
            default = f"`{parameter.opts[0]}`"
        case _, str() as value:
            default = f"`{value}`"
        case _, value:
            default = f"`{value:g}`"
    return f"| {', '.join(f'`{name}`' for name in names)} | {parameter.help} | {default} |"


def sections():
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## `([^`]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


def test_the_reference_has_a_section_for_every_command_and_for_nothing_else():
    assert sections().keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_lists_every_option_with_its_help_and_default_and_nothing_else(name):
    lines = sections()[name].splitlines()
    command = COMMANDS[name]
    assert command.help in lines
    assert [line for line in lines if line.startswith("| `")] == [row(parameter) for parameter in shown(command)]


def test_the_reference_lists_the_options_before_the_command():
    lines = (REFERENCE / "cli.md").read_text(encoding="utf-8").splitlines()
    for parameter in typer.main.get_command(app).params:
        assert f"| `{parameter.opts[0]}` | {parameter.help} |" in lines


def test_the_reference_lists_every_setting_with_its_default_and_description_and_nothing_else():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", (REFERENCE / "settings.md").read_text("utf-8"), re.MULTILINE)
    expected = []
    for name, field in Settings.model_fields.items():
        match field:
            case object(default_factory=made) if made is not None:
                default = FOLDERS[name]
            case object(default=tuple() as listed):
                default = f"`{','.join(map(str, listed))}`" if listed else ""
            case object(default=None):
                default = ""
            case _:
                default = f"`{str(field.default).lower()}`"
        expected.append((f"TIMBRE_{name.upper()}", default, field.description))
    assert rows == expected


def test_help_waits_for_nothing_that_is_slow_to_import():
    slow = {"av", "huggingface_hub", "matplotlib", "onnx", "onnxruntime", "rich", "scipy"}
    code = "import sys, timbre.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not slow & set(imported.split())
