"""Tables: drawn on a terminal, plain aligned text everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import typer

if TYPE_CHECKING:
    from rich.text import Text

_GAP: Final = "  "
_BAR: Final = 10  # characters
_SURE, _LIKELY = 80, 50  # per cent
_WIDEST: Final = 1000  # characters of a line that is not for a terminal: nothing is folded, nothing cut


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what its cells hold; a bar is made of a whole number from 0 to 100, or of nothing."""

    header: str
    kind: Literal["text", "number", "bar"] = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a header, with as many cells as there are columns, and perhaps a row about all of them."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] | None = None


def show(table: Table) -> None:
    """Print a table on stdout."""
    if sys.stdout.isatty():
        _draw(table)
    else:
        typer.echo(plain(table))


def plain(table: Table) -> str:
    """Return a table as aligned lines."""
    from rich.cells import cell_len  # noqa: PLC0415 - some characters are two columns wide

    lines = [[column.header for column in table.columns], *table.rows]
    if table.total is not None:
        lines.append(table.total)
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]

    def aligned(cell: str, column: Column, width: int) -> str:
        space = " " * (width - cell_len(cell))
        return cell + space if column.kind == "text" else space + cell

    return "\n".join(_GAP.join(map(aligned, cells, table.columns, widths)).rstrip() for cells in lines)


def _draw(table: Table) -> None:
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table as Drawing  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawing = Drawing(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in table.columns:
        justify: Literal["left", "right"] = "right" if column.kind == "number" else "left"
        drawing.add_column(Text(column.header), justify=justify, overflow="fold")
    for cells in table.rows:
        drawing.add_row(*map(_cell, cells, table.columns))
    if table.total is not None:
        drawing.add_section()
        drawing.add_row(*map(_cell, table.total, table.columns), style="bold")
    Console().print(drawing)


def _cell(cell: str, column: Column) -> Text:
    from rich.text import Text  # noqa: PLC0415

    if column.kind != "bar" or not cell:
        return Text(cell)
    share = int(cell)
    filled = round(share * _BAR / 100)
    colour = "green" if share >= _SURE else "yellow" if share >= _LIKELY else "red"
    return Text.assemble(("━" * filled, colour), ("━" * (_BAR - filled), "bright_black"), f" {share:3d} %")


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, whole: Sequence[str] = ()) -> None:
    """Print a table on stdout.

    Args:
        columns: The headers.
        rows: As many cells each; what they hold is shown as it is.
        whole: Columns that are never folded, so that they can be copied.
    """
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in whole, overflow="ignore" if column in whole else "fold")
    for cells in rows:
        table.add_row(*cells)
    width = None if sys.stdout.isatty() else _WIDEST
    Console(width=width, markup=False, emoji=False, highlight=False).print(table, soft_wrap=False)
