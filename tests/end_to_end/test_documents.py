"""The documentation is true: code runs and prints what it says, links lead somewhere, and nothing public is left out.

What the fences of a page mean:

    python      is run, in one namespace a page; a `text` block right below it is what it prints
    console     lines that begin with `$` are run by a shell, and the others are what they print
    sh          commands for data that the reader has; only their options are checked
    csv NAME    is a file that later blocks of the page use

In printed text `...` stands for anything and white space is one. Decimals may differ by 1 and whole numbers of two or
more digits by 3: what is measured moves a little with the processor and the models.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

import timbre
from timbre import Engine, errors
from timbre.cli import app
from timbre.diarization.recipe import WITH_SEGMENTER, WITHOUT_SEGMENTER
from timbre.formats import Format
from timbre.models.catalogue import catalogue

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
PAGES = [PROJECT / "README.md", *sorted(DOCS.rglob("*.md"))]

FILES = {  # what a page finds in its folder
    "samples": "samples",
    "ada.wav": "samples/enrol/Ada.flac",
    "ben.wav": "samples/enrol/Ben.flac",
    "meeting.mp3": "samples/conversation.ogg",
}
FENCE = re.compile(r"^```(?P<language>\w*) ?(?P<name>\S*)\n(?P<text>.*?)^```$(?P<blank>\n*)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^]]+\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SET_UP = re.compile(r"(make|git|cd|source|pip|timbre models pull)\b")
NUMBER = re.compile(r"(?<![\w.])(?:\d+\.\d+|\d\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    language: str
    name: str
    text: str
    line: int
    printed: str | None  # the text block right below


def blocks(page: Path) -> Iterator[Block]:
    content = page.read_text("utf-8")
    for found in FENCE.finditer(content):
        below = FENCE.match(content, found.end())
        yield Block(
            language=found["language"],
            name=found["name"],
            text=found["text"],
            line=content.count("\n", 0, found.start("text")),
            printed=below["text"] if below and below["language"] == "text" else None,
        )


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console with what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = 1
        while length < len(lines) and (lines[length].startswith("> ") or lines[length - 1].endswith("\\")):
            length += 1
        yield "\n".join(line.removeprefix("> ") for line in lines[:length]), "\n".join(lines[length:])


def assert_prints(expected: str, printed: str) -> None:
    expected, printed = (" ".join(text.split()) for text in (expected, printed))
    pattern = re.escape(NUMBER.sub("<NUMBER>", expected).replace("...", "<ANYTHING>"))
    pattern = re.sub(r"(\\ )?<ANYTHING>(\\ )?", ".*?", pattern).replace("<NUMBER>", f"({NUMBER.pattern})")
    found = re.fullmatch(pattern, printed)
    assert found, f"expected {expected!r}, got {printed!r}"
    for said, came in zip(NUMBER.findall(expected), found.groups(), strict=True):
        assert float(came) == pytest.approx(float(said), abs=1.0 if "." in said else 3.0), printed


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where a page is run, with the sample speech."""
    for name, target in FILES.items():
        (tmp_path / name).symlink_to(PROJECT / target)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIMBRE_MODEL", "base")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.language in {"python", "console"} for block in blocks(page))],
    ids=lambda page: str(page.relative_to(PROJECT)),
)
def test_what_a_page_shows_is_what_happens(page, folder, capsys) -> None:
    namespace: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page):
        match block.language:
            case "python":
                exec(compile("\n" * block.line + block.text, page, "exec"), namespace)  # noqa: S102
                if block.printed is not None:
                    assert_prints(block.printed, capsys.readouterr().out)
                capsys.readouterr()
            case "console":
                for command, printed in commands(block.text):
                    if not SET_UP.match(command):
                        assert_shell_prints(printed, command)
            case "csv":
                (folder / block.name).write_text(block.text)


def assert_shell_prints(expected: str, command: str) -> None:
    ended = subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}"
    if expected:
        assert_prints(expected, ended.stdout)


def test_options_of_commands_that_are_only_shown_exist() -> None:
    shown = "".join(block.text for page in PAGES for block in blocks(page) if block.language == "sh").splitlines()
    for line in (line for line in shown if line.startswith("timbre ")):
        command: Any = typer.main.get_command(app)
        words = shlex.split(line)[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in words if word.startswith("-")} <= known, line


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("4 speakers", "5 speakers"),
        ("3.0 s", "4.5 s"),
        ("99", "94"),
        ("SPEAKER_01", "SPEAKER_02"),
        ("a ... d", "a b"),
    ],
)
def test_wrong_output_would_be_found(expected, printed) -> None:
    with pytest.raises(AssertionError):
        assert_prints(expected, printed)


def anchors(page: Path) -> set[str]:
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for path, anchor in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
            target = page.parent / path if path else page
            assert target.exists(), f"{page}: {path}"
            assert not anchor or anchor in anchors(target), f"{page}: {path}#{anchor}"


def test_the_index_lists_every_page() -> None:
    listed = {(DOCS / path).resolve() for path, _ in LINK.findall((DOCS / "index.md").read_text("utf-8"))}
    assert listed == set(DOCS.rglob("*.md")) - {DOCS / "index.md"}


def section(page: str, heading: str) -> str:
    """Return what stands below a heading, up to the next of its rank."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^\1 |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading}"
    return found[2]


def signature(name: str, function: Callable[..., Any]) -> str:
    """Write a signature as the reference does: without types, functions by their names."""
    words = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        default = getattr(parameter.default, "__name__", None) or repr(parameter.default)
        words.append(parameter.name if parameter.default is parameter.empty else f"{parameter.name}={default}")
    return f"**`{name}({', '.join(word for word in words if word != 'self')})`**"


def members(public: type) -> set[str]:
    return {name for name in (*vars(public), *public.__annotations__) if not name.startswith("_")}


def test_the_python_reference_lists_everything_public() -> None:
    page = (DOCS / "reference" / "python.md").read_text("utf-8")
    for name in timbre.__all__:
        below = section(page, name)
        public = getattr(timbre, name)
        if isinstance(public, type) and public is not timbre.Settings:  # settings have a page of their own
            missing = {member for member in members(public) if not re.search(rf"`(\w+\.)?{member}\b", below)}
            assert not missing, f"{name}: {missing}"


def test_the_python_reference_has_the_signatures_of_the_engine() -> None:
    page = (DOCS / "reference" / "python.md").read_text("utf-8")
    assert signature("Engine", Engine) in section(page, "Engine")
    for name, method in vars(Engine).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            below = section(page, f"Engine.{name}")
            assert signature(name, method) in " ".join(below.split()), name
            assert all(f"`{word}`" in below for word in inspect.signature(method).parameters if word != "self"), name


def test_the_reference_of_errors_is_the_tree() -> None:
    page = (DOCS / "reference" / "errors.md").read_text("utf-8")
    drawing = next(block.text for block in blocks(DOCS / "reference" / "errors.md") if "├" in block.text)
    assert drawing.split() == [word for line in (errors.__doc__ or "").split("\n\n")[1:2] for word in line.split()]
    drawn, branch = {}, ["Exception"]
    for line in drawing.splitlines():
        name = re.search(r"\w+", line)
        assert name
        branch[name.start() // 4 + 1 :] = [name[0]]
        drawn[name[0]] = branch[-2]
    tree = {name: kind.__base__.__name__ for name, kind in vars(errors).items() if inspect.isclass(kind)}
    assert drawn == tree
    for name in tree:
        assert f"| `{name}` | {' '.join(getattr(errors, name).__doc__.split())} |" in page


def test_every_number_of_the_recipes_is_explained() -> None:
    page = (DOCS / "explanations" / "diarization.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \| ([\d.]+)[^|]*\| ([\d.]+)[^|]*\|", page, re.MULTILINE)
    recipes = zip(*(numbers(asdict(recipe)) for recipe in (WITHOUT_SEGMENTER, WITH_SEGMENTER)), strict=True)
    assert rows == [(name, f"{without:g}", f"{with_:g}") for (name, without), (_, with_) in recipes]


def numbers(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def test_formats_and_packs_are_listed() -> None:
    formats = (DOCS / "reference" / "formats.md").read_text("utf-8")
    assert all(f"| `{form}` | `{form.extension}` |" in formats for form in Format)
    models = (DOCS / "how-to" / "models.md").read_text("utf-8")
    assert re.findall(r"^\| `([\w-]+)` \|", models, re.MULTILINE) == list(catalogue().packs)


def test_decisions_are_numbered() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    for number, page in enumerate(pages, start=1):
        assert page.name.startswith(f"{number:04d}-")
        assert page.read_text("utf-8").startswith(f"# {number:04d}: ")
