"""The command line: thin over the Python API, one module a command in `commands`.

    timbre voiceprint ada.wav -o ada.voiceprint
    timbre identify meeting.mp3 --voiceprint Ada=ada.voiceprint

Options of the engine have the names and defaults of its keyword arguments. Results go to stdout; progress, warnings and
errors to stderr. Commands stand on what shows for them (`display`), reads for them (`inputs`), reaches a server
(`server`) and scores (`measuring`). What is slow to import is imported by the command that needs it, so that help
appears at once.
"""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from timbre.cli.commands.backup import backup, restore, verify
from timbre.cli.commands.batch import batch
from timbre.cli.commands.calibrate import calibrate
from timbre.cli.commands.decide import decide, history
from timbre.cli.commands.diarize import diarize
from timbre.cli.commands.doctor import doctor
from timbre.cli.commands.evaluate import app as evaluate
from timbre.cli.commands.identify import identify
from timbre.cli.commands.key_rotation import forget_team, rotate_master, rotate_team
from timbre.cli.commands.keys import app as keys
from timbre.cli.commands.label import label
from timbre.cli.commands.listen import listen
from timbre.cli.commands.mcp import mcp
from timbre.cli.commands.models import app as models
from timbre.cli.commands.recordings import app as recordings
from timbre.cli.commands.review import review
from timbre.cli.commands.serve import api, migrate, serve, worker
from timbre.cli.commands.speakers import app as speakers
from timbre.cli.commands.transcribe import transcribe
from timbre.cli.commands.usage import usage
from timbre.cli.commands.version import version
from timbre.cli.commands.voiceprint import voiceprint
from timbre.cli.commands.webhooks import app as webhooks
from timbre.cli.exits import Exit, finish, report

_MADE_BEFORE_COLLECTION: Final = 50_000  # objects; Python's 700 costs a tenth of every start, and finds nothing

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 the input is at fault, 2 the usage is, 3 Timbre or the machine is, 130 interrupted.",
)
app.command()(diarize)
app.command()(identify)
app.command()(transcribe)
app.command()(batch)
app.command()(listen)
app.command()(voiceprint)
app.add_typer(speakers, name="speakers")
app.command()(label)
app.command()(decide)
app.command()(history)
app.command()(review)
app.add_typer(recordings, name="recordings")
app.add_typer(models, name="models")
app.add_typer(evaluate, name="evaluate")
app.command()(calibrate)
app.command()(doctor)
app.command()(serve)
for command in (rotate_master, rotate_team, forget_team):
    keys.command()(command)
app.add_typer(keys, name="keys")
app.command()(usage)
app.add_typer(webhooks, name="webhooks")
app.command()(backup)
app.command()(verify)
app.command()(restore)
app.command()(mcp)
app.command()(api)
app.command()(worker)
app.command()(migrate)
app.command()(version)


@app.callback()
def timbre(
    *, debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of whatever goes wrong.")] = False
) -> None:
    """Who spoke when, by name."""
    if debug:
        import logging  # noqa: PLC0415

        logging.basicConfig(format="%(message)s")
        logging.getLogger("timbre").setLevel(logging.DEBUG)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments, or else those of the process, ask for, and exit with its code."""
    gc.set_threshold(_MADE_BEFORE_COLLECTION)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be text
    streams = sys.stdout, sys.stderr
    code: int
    try:
        app(args=arguments, prog_name="timbre")
    except SystemExit as leaving:
        code = int(leaving.code or 0)
        if isinstance(leaving.__context__, BrokenPipeError):
            sys.stdout, sys.stderr = streams  # which typer wraps then
            code = Exit.UNREAD  # typer and rich end with 1, which would mean the input
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends as one line and a code
        code = report(error)
    sys.exit(finish(code))
