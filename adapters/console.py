"""The live table on a terminal: what is open, how far each stop is, and whether all is well."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from adapters.status_text import FOOTER_SEPARATOR, banner, fitting_columns, footer_lines
from messages.settings import Mode
from messages.status import Health, PositionView, StatusView

LINES_AROUND_THE_TABLE = 10
FEWEST_ROWS = 3
LEGEND = "TP: . planned, o working, X filled, - left out; stop !: covers only a part"

_BANNER_STYLES = {
    Mode.PAPER: "bold black on yellow",
    Mode.SHADOW: "bold white on blue",
    Mode.PRODUCTION: "bold white on red",
}
_HEALTH_STYLES = {
    Health.HEALTHY: "green",
    Health.DEGRADED: "bold yellow",
    Health.CRITICAL: "bold white on red",
}
_UNPROTECTED_STYLE = "bold white on red"
_SIGNED_COLUMNS = {"open", "made"}


class _PatientConsole(Console):
    """Rich ends the process when nobody reads what it prints; positions are no reason to do that."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        give_up_broken_streams()


class LiveStatus:
    """Keeps one table on the terminal up to date while it is entered.

    What is logged to stderr meanwhile appears above the table. A terminal that goes away is no reason to stop: then
    nothing is shown any more.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console if console is not None else _PatientConsole(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._gone = False

    @property
    def usable(self) -> bool:
        """Whether there is a terminal that can redraw; otherwise log :func:`~adapters.status_text.status_line`."""
        return self._console.is_terminal and not self._console.is_dumb_terminal

    def __enter__(self) -> Self:
        try:
            self._live.start()
        except (OSError, ValueError):
            self._gone = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            self._live.stop()
        except (OSError, ValueError):
            self._gone = True

    def show(self, view: StatusView) -> None:
        """Draw ``view`` in place of the last one."""
        if self._gone:
            return
        rows = max(FEWEST_ROWS, self._console.height - LINES_AROUND_THE_TABLE)
        try:
            self._live.update(render(view, width=self._console.width, max_rows=rows), refresh=True)
        except (OSError, ValueError):
            self._gone = True


def print_banner(mode: Mode, console: Console | None = None) -> None:
    """Say at the start, in a colour of its own, whether this is real."""
    try:
        (console if console is not None else _PatientConsole(highlight=False)).print(_banner(mode))
    except OSError:
        # Nobody looks: no reason to protect nothing.
        give_up_broken_streams()


def tell(text: str, console: Console | None = None) -> None:
    """One line on the terminal, below the table; nobody has to be there to read it."""
    try:
        (console if console is not None else _PatientConsole(highlight=False)).print(text, markup=False)
    except OSError:
        give_up_broken_streams()


def give_up_broken_streams() -> None:
    """Let nothing be written any more to a reader that has gone: what waits for it would fail again at the exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def render(view: StatusView, *, width: int, max_rows: int) -> Group:
    """The banner, the positions (unprotected ones first, at most ``max_rows``) and the footer."""
    positions = sorted(view.positions, key=lambda position: (position.protected, position.opened_ms, position.symbol))
    hidden = len(positions) - max_rows
    parts = [_banner(view.mode), _table(positions[:max_rows], now_ms=view.now_ms, width=width)]
    if hidden > 0:
        parts.append(Text(f"and {hidden} more", style="dim"))
    return Group(*parts, _footer(view, width=width), Text(LEGEND, style="dim", no_wrap=True, overflow="crop"))


def _banner(mode: Mode) -> Panel | Table | Text:
    return Panel(Text(banner(mode), justify="center"), style=_BANNER_STYLES[mode], padding=0)


def _table(positions: list[PositionView], *, now_ms: int, width: int) -> Panel | Table | Text:
    if not positions:
        return Text("no open position", style="dim")
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    columns = fitting_columns(positions, now_ms=now_ms, width=width)
    for column in columns:
        table.add_column(column.title, justify="right" if column.right else "left", no_wrap=True)
    for position in positions:
        cells = []
        for column in columns:
            cell = Text(column.text(position, now_ms))
            if position.protected and column.title in _SIGNED_COLUMNS:
                cell.stylize(_pnl_style(cell.plain))
            cells.append(cell)
        table.add_row(*cells, style="" if position.protected else _UNPROTECTED_STYLE)
    return table


def _pnl_style(text: str) -> str:
    if text.startswith("+") and text != "+0.00":
        return "green"
    return "red" if text.startswith("-") and text not in {"-", "-0.00"} else "dim"


def _footer(view: StatusView, *, width: int) -> Text:
    separator = Text(FOOTER_SEPARATOR, style="dim")
    lines = footer_lines(view, width=width)
    return Text("\n").join(separator.join(_footer_part(part, view) for part in line) for line in lines)


def _footer_part(part: str, view: StatusView) -> Text:
    if part.startswith("health"):
        return Text(part, style=_HEALTH_STYLES[view.health])
    return Text(part, style=_UNPROTECTED_STYLE if part.startswith("unprotected") and view.unprotected else "default")
