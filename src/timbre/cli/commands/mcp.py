"""`timbre mcp`: a server of the Model Context Protocol, for assistants."""

from __future__ import annotations

import os
from typing import Annotated

import typer

DEFAULT_URL = "http://127.0.0.1:8000"


def mcp(
    *,
    url: Annotated[str, typer.Option("--url", help="Address of the Timbre server.", metavar="URL")] = DEFAULT_URL,
) -> None:
    """Let an assistant ask a Timbre server: who speaks, what they say, who they are. Speaks MCP on stdin and stdout."""
    from timbre.cli.server.mcp import open_mcp  # noqa: PLC0415 - only this command needs it

    open_mcp(url, os.environ.get("TIMBRE_KEY", "")).run()
