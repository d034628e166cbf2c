"""The documentation is true: code runs and prints what it says, links lead somewhere, and nothing public is left out.

What the fences of a page mean:

    python      is run, in one namespace a page; a `text` block right below it is what it prints
    typescript  is run by Node, likewise; it has no types written out, so that it is JavaScript too
    console     lines that begin with `$` are run by a shell that remembers variables; the others are what they print
    sh          commands for data that the reader has; only their options are checked, as in `ini`
    csv NAME    is a file that later blocks of the page use; so are blocks of other languages that have a name

In printed text `...` stands for anything and white space is one. Decimals may differ by 1 and whole numbers of two or
more digits by 3: what is measured moves a little with the processor and the models.

Where a page speaks to a server at http://127.0.0.1:8000 with `$TIMBRE_KEY`, there is one, and a team of the page's own.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import runpy
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import httpx
import pytest
import typer

import timbre
from server import ENOUGH, Server, finished, submit
from timbre import Engine, Settings, errors
from timbre.cli import app
from timbre.diarization.recipe import WITH_SEGMENTER, WITHOUT_SEGMENTER
from timbre.formats import Format
from timbre.http.errors import STATUS
from timbre.http.routes.jobs.schemas import Job
from timbre.models.catalogue import catalogue
from timbre.service.keys.signatures import webhook_headers
from timbre.store.queue import Lane

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
PAGES = [PROJECT / "README.md", *sorted(DOCS.rglob("*.md"))]
READ_FIRST = PROJECT / "README.md"

FILES = {  # what a page finds in its folder
    "samples": "samples",
    "ada.wav": "samples/enrol/Ada.flac",
    "ben.wav": "samples/enrol/Ben.flac",
    "meeting.mp3": "samples/conversation.ogg",
}
FENCE = re.compile(r"^```(?P<language>\w*) ?(?P<name>\S*)\n(?P<text>.*?)^```$(?P<blank>\n*)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^]]+\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SET_UP = re.compile(r"(make|git|cd|source|pip|timbre models pull|timbre serve|export TIMBRE_KEY)\b")
ADDRESS = "http://127.0.0.1:8000"  # of the server, on the pages
SMALL = 100_000  # bytes of a picture
REMEMBERED = ".shell"  # what a shell leaves to the next
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
    monkeypatch.setenv("NODE_OPTIONS", "--experimental-websocket --no-warnings")  # of itself from Node 22 on
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def pages_with(*languages: str) -> Any:
    """Run a test for each page that has a block of one of these languages to run."""
    pages = [page for page in PAGES if any(block.language in languages and not block.name for block in blocks(page))]
    marked = [pytest.param(page, marks=() if page == READ_FIRST else pytest.mark.exhaustive) for page in pages]
    return pytest.mark.parametrize("page", marked, ids=lambda page: str(page.relative_to(PROJECT)))


@pytest.fixture
def served(server: Server, page: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Puts the address of a real server into a text; its key and its folder are in the environment."""
    if ADDRESS in page.read_text("utf-8"):
        monkeypatch.setenv("TIMBRE_KEY", server.run("keys", "create", page.stem, "--team", page.stem))
        monkeypatch.setenv("TIMBRE_DATA_DIR", str(server.folder))
    return lambda text: text.replace(ADDRESS, server.address)


# The SDK warns of every upload that it is kept for a day only, and of polling.
@pytest.mark.filterwarnings(r"ignore:\s*You are using:UserWarning:pyannoteai")
@pages_with("python", "console")
def test_what_a_page_shows_is_what_happens(page, folder, served, capsys) -> None:
    namespace: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page):
        match block.language:
            case _ if block.name:
                (folder / block.name).write_text(block.text)
            case "python":
                exec(compile("\n" * block.line + served(block.text), page, "exec"), namespace)  # noqa: S102
                if block.printed is not None:
                    assert_prints(served(block.printed), capsys.readouterr().out)
                capsys.readouterr()
            case "console":
                for command, printed in commands(block.text):
                    if not SET_UP.match(command):
                        assert_shell_prints(served(printed), served(command))


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pages_with("typescript")
def test_what_a_page_shows_in_typescript_is_what_happens(page, folder, served) -> None:
    for number, block in enumerate(blocks(page)):
        if block.language == "typescript" and not block.name:
            (folder / f"{number}.mjs").write_text(served(block.text))
            assert_shell_prints(served(block.printed or ""), f"node {number}.mjs")


def assert_shell_prints(expected: str, command: str) -> None:
    remembering = (
        f"set -a; if [ -e {REMEMBERED} ]; then source ./{REMEMBERED}; fi\n"
        f"trap '{{ export -p; declare -f; }} > {REMEMBERED}' EXIT\n{command}"
    )
    ended = subprocess.run(
        ["bash", "-c", remembering],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=2 * ENOUGH,
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}"
    if expected:
        assert_prints(expected, ended.stdout)


@pytest.mark.exhaustive
def test_options_of_commands_that_are_only_shown_exist() -> None:
    shown = "".join(block.text for page in PAGES for block in blocks(page) if block.language in {"sh", "ini"})
    found = re.findall(r"^(?:[A-Z_]+=\S+ )*(?:ExecStart\w*=\S*/)?timbre (.+)$", shown, re.MULTILINE)
    assert len(found) > 10
    for line in found:
        command: Any = typer.main.get_command(app)
        words = shlex.split(line, comments=True)
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
    own = (kind for kind in vars(errors).values() if inspect.isclass(kind) and kind.__module__ == errors.__name__)
    tree = {kind.__name__: kind.__base__.__name__ for kind in own}
    assert drawn == tree
    for name in tree:
        assert f"| `{name}` | {' '.join(getattr(errors, name).__doc__.split())} |" in page


def test_the_reference_of_errors_has_the_status_of_each() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", (DOCS / "reference" / "errors.md").read_text("utf-8"), re.MULTILINE)
    assert rows == [(kind.__name__, str(status)) for kind, status in STATUS.items()]


def test_the_reference_of_the_api_is_what_the_openapi_document_says() -> None:
    script = runpy.run_path(str(DOCS / "make_api_reference.py"))
    said = script["page"](script["document"]())
    assert (DOCS / "reference" / "api.md").read_text("utf-8") == said, "it is out of date; run `make docs`"


def test_the_page_of_figures_is_what_the_measurements_say() -> None:
    script = runpy.run_path(str(DOCS / "make_accuracy_page.py"))
    written = (DOCS / "reference" / "accuracy.md").read_text("utf-8")
    assert written == script["page"](*script["measured"]()), "it is out of date; run `make bench-docs`"
    script = runpy.run_path(str(DOCS / "make_accuracy_pictures.py"))
    pictures = {f"{name}.svg": script["digest"](shown) for name, _, shown in script["pictures"](script["results"]())}
    folder = DOCS / "reference" / "pictures"
    assert {path.name for path in folder.iterdir()} == set(pictures)
    assert set(re.findall(r"\]\(pictures/([^)]+)\)", written)) == set(pictures)
    for name, digest in pictures.items():
        drawn = (folder / name).read_text("utf-8")
        assert digest in drawn, f"{name} shows other figures; run `make bench-docs`"
        assert len(drawn) < SMALL, name


def test_the_page_of_reliability_is_what_was_measured() -> None:
    script = runpy.run_path(str(DOCS / "make_reliability_page.py"))
    written = (DOCS / "reference" / "reliability.md").read_text("utf-8")
    assert written == script["page"](script["measured"]()), "it is out of date; run `make bench-docs`"


def test_every_variable_that_is_named_is_a_setting() -> None:
    known = {f"TIMBRE_{name.upper()}" for name in Settings.model_fields}
    others = {"TIMBRE_KEY", "TIMBRE_DATA"}  # of the examples, and of the benchmarks
    for page in PAGES:
        named = set(re.findall(r"\bTIMBRE_[A-Z_]*[A-Z]", page.read_text("utf-8")))
        assert named <= known | others, page


def test_limits_in_tables_are_the_defaults_of_their_settings() -> None:
    found = [
        (page, *row)
        for page in PAGES
        for row in re.findall(r"\| [^|]*?(\d[\d.]*)[^|]* \| `TIMBRE_(\w+)` \|$", page.read_text("utf-8"), re.MULTILINE)
        if page.parent.name != "reference"
    ]
    assert len(found) > 10
    for page, number, name in found:
        assert float(number) == Settings.model_fields[name.lower()].default, f"{page}: {name}"


def test_the_states_and_lanes_of_jobs_are_explained() -> None:
    page = (DOCS / "explanations" / "job-states.md").read_text("utf-8")
    states = Job.model_json_schema()["properties"]["status"]["enum"]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [
        *(state for state in states if state != "pending"),
        *Lane,
    ]


def test_every_measurement_is_listed(server: Server) -> None:
    exposed = httpx.get(f"{server.address}/metrics").text
    measured = set(re.findall(r"^# HELP (timbre_\w+)(?<!_created) ", exposed, re.MULTILINE))
    page = (DOCS / "how-to" / "run-a-server.md").read_text("utf-8")
    assert measured == set(re.findall(r"^\| `(timbre_\w+)`", page, re.MULTILINE))


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


@pytest.mark.exhaustive
def test_the_server_says_what_the_quickstart_prints(tmp_path) -> None:
    said = "".join(block.text for block in blocks(DOCS / "quickstart.md") if block.language == "console")
    expected = dict(commands(said))["timbre serve"]
    command = [sys.executable, "-m", "timbre", "serve", "--port", "0", "--data-dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        printed = ""
        while "Ctrl-C" not in printed and (line := process.stdout.readline()):
            printed += line
        assert_prints(expected, re.sub(r"http://127\.0\.0\.1:\d+", ADDRESS, printed))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=ENOUGH)
    assert process.returncode == 0


def demo(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `make demo`'s script with its temporary folder in a folder, deaf to Ctrl-C as in a shell's background."""
    environment = {**os.environ, "TMPDIR": str(folder), "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "100", **settings}
    script = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, str(PROJECT / "samples" / "demo.py")]
    return subprocess.run(script, env=environment, capture_output=True, text=True, timeout=2 * ENOUGH, check=False)


def processes(folder: Path) -> list[str]:
    """The processes that have a folder in their command or their environment, or a file in it open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            own = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
            own += b"".join(os.fsencode(link.readlink()) for link in process.joinpath("fd").iterdir())
        except OSError:
            continue  # it has just ended
        if os.fsencode(folder) in own:
            found.append(process.name)
    return found


def test_the_demo_names_every_voice_and_leaves_nothing(tmp_path) -> None:
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert re.search(r"0\.84 . +7\.34 . Ada", ended.stdout)
    assert "Every voice is named rightly." in ended.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes(tmp_path) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"TIMBRE_MODEL": "ge2e", "TIMBRE_MODELS_DIR": "nowhere"}, "the server does not start: timbre: "),
        ({"TIMBRE_UPLOAD_GB": "0.0000001"}, "413 Client Error"),
    ],
)
def test_a_demo_that_fails_says_why_and_leaves_nothing(settings, reason, tmp_path) -> None:
    ended = demo(tmp_path, **settings)
    assert ended.returncode == 1
    assert f"The demo failed: {reason}" in " ".join(ended.stdout.split())
    assert list(tmp_path.iterdir()) == []
    assert processes(tmp_path) == []


def program(folder: Path, name: str, port: int) -> list[str | Path]:
    """The command that runs a receiver of webhooks as the page shows it, on this port."""
    block = next(block for block in blocks(DOCS / "how-to" / "webhooks.md") if block.name == name)
    file = folder / name.replace(".ts", ".mjs")
    file.write_text(block.text.replace("9000", str(port)))
    return [sys.executable if file.suffix == ".py" else "node", file]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    address: str
    lines: Iterator[str]  # what it prints


@contextmanager
def receiver(folder: Path, name: str, secrets: str) -> Iterator[Receiver]:
    """Run a receiver on a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = subprocess.Popen(
        program(folder, name, port), env={**os.environ, "WEBHOOK_SECRETS": secrets}, stdout=subprocess.PIPE, text=True
    )
    patience = Timer(ENOUGH, process.kill)
    patience.start()
    try:
        lines = iter(process.stdout.readline, "")
        assert next(lines, None) == f"Listening on port {port}\n"
        yield Receiver(address=f"http://127.0.0.1:{port}/", lines=lines)
    finally:
        patience.cancel()
        process.kill()
        process.communicate()


RECEIVERS = [
    "receiver.py",
    pytest.param("receiver.ts", marks=pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")),
]


@pytest.mark.parametrize("name", RECEIVERS)
def test_the_receivers_of_webhooks_believe_the_server_and_nobody_else(name, server: Server, tmp_path) -> None:
    key = server.run("keys", "create", "receiver", "--team", "receivers")
    secret = re.search(r"whsec_\S+", server.run("webhooks", "secret", "--team", "receivers"))
    assert secret
    with receiver(tmp_path, name, f"whsec_b2xk,{secret[0]}") as running, server.client(key) as client:
        job = submit(client, "diarize", url="media://nothing-is-here", webhook=running.address)
        assert next(running.lines) == f"{job} failed\n"
        assert finished(client, job)["status"] == "failed"
        assert delivered(client, job)["attempts"][0]["status"] == 204

        now = int(time.time())
        body = json.dumps({"jobId": job, "status": "succeeded"}).encode()
        genuine = signed(body, secret[0], now)
        assert httpx.post(running.address, content=body, headers=genuine).status_code == 204
        assert next(running.lines) == f"{job} succeeded\n"
        signature = genuine["X-Signature"]
        for forged_body, forged_headers in (
            (body, signed(body, "whsec_b3RoZXI=", now)),  # another secret
            (body.replace(job.encode(), b"another job"), genuine),  # another body
            (body, {**genuine, "X-Request-Timestamp": str(now + 1)}),  # another time
            (body, signed(body, secret[0], now - 3600)),  # a copy, sent again an hour later
            (body, {**genuine, "X-Request-Timestamp": "soon"}),
            (body, {**genuine, "X-Signature": signature[:-2]}),
            (body, {**genuine, "X-Signature": "é".encode()}),
            (body, {}),
        ):
            answer = httpx.post(running.address, content=forged_body, headers=forged_headers)
            assert answer.status_code == 401, forged_headers
        old = signed(body.replace(b"succeeded", b"canceled"), "whsec_b2xk", now)
        assert httpx.post(running.address, content=body.replace(b"succeeded", b"canceled"), headers=old).is_success
        assert next(running.lines) == f"{job} canceled\n"  # and nothing of what was forged


def signed(body: bytes, secret: str, moment: int) -> dict[str, str]:
    return webhook_headers(body, secrets=[secret], delivery="1", timestamp=moment, encoding="hex")


def delivered(client: httpx.Client, job: str) -> dict[str, Any]:
    """The delivery of a job, as soon as it is settled."""
    deadline = time.monotonic() + ENOUGH
    while time.monotonic() < deadline:
        items = client.get("/v1/webhooks/deliveries", params={"jobId": job}).json()["items"]
        if items and items[0]["state"] == "delivered":
            return items[0]
        time.sleep(0.05)
    raise AssertionError(f"{job}: {items}")


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_without_a_secret_does_not_start(name, tmp_path) -> None:
    environment = {**os.environ, "WEBHOOK_SECRETS": ""}
    ended = subprocess.run(
        program(tmp_path, name, 0), env=environment, capture_output=True, text=True, timeout=ENOUGH, check=False
    )
    assert ended.returncode
    assert "Set WEBHOOK_SECRETS to what `timbre webhooks secret` shows." in ended.stderr
