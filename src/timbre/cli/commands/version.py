"""`timbre version`."""

from __future__ import annotations

import typer


def version() -> None:
    """Print the version."""
    from timbre import __version__  # noqa: PLC0415

    typer.echo(f"timbre {__version__}")
