"""A status in words and columns: plain text of a known width, before any colour is put on it.

Only ASCII, so that a Windows console of any code page can show it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from messages.settings import Mode
from messages.state import TakeProfitPhase, TrailingPhase
from messages.status import ComponentView, Health, PositionView, StatusView
from messages.values import Side

FOOTER_SEPARATOR = " | "
SHOWN_DIGITS = 7
"""Significant digits of a price or a size: enough to tell ticks apart on every venue."""

_TAKE_PROFIT_MARKS = {
    TakeProfitPhase.PLANNED: ".",
    TakeProfitPhase.PLACING: "~",
    TakeProfitPhase.WORKING: "o",
    TakeProfitPhase.FILLED: "X",
    TakeProfitPhase.SKIPPED: "-",
}
_TRAILING_WORDS = {
    TrailingPhase.INACTIVE: "off",
    TrailingPhase.WAITING: "wait",
    TrailingPhase.BREAKEVEN: "even",
    TrailingPhase.ACTIVE: "trail",
    TrailingPhase.TRIGGERED: "hit",
}
_BANNERS = {
    Mode.PAPER: "PAPER  -  simulated venue: no real orders, no real money",
    Mode.SHADOW: "SHADOW  -  watching only: sends no order, protects nothing",
    Mode.PRODUCTION: "PRODUCTION  -  real orders, real money",
}
_UNITS_S = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the positions. ``rank`` says which goes first when the terminal is too narrow: the highest."""

    title: str
    rank: int
    text: Callable[[PositionView, int], str]
    right: bool = True


def banner(mode: Mode) -> str:
    """What nobody may overlook about a mode."""
    return _BANNERS[mode]


def status_line(view: StatusView) -> str:
    """The whole status on one line, for a log."""
    return f"{len(view.positions)} open, " + ", ".join(footer_parts(view))


def footer_parts(view: StatusView) -> list[str]:
    """What is below the table, part by part."""
    parts = [
        f"health {view.health}",
        f"equity {'?' if view.equity is None else money(view.equity)}",
        f"realised {signed(view.realized_pnl)}",
        f"unprotected {view.unprotected} now, {view.unprotected_seconds:.1f} s in all",
        f"signals {view.signals_accepted} taken, {view.signals_rejected} refused",
        f"database {view.database}",
        f"up {age(view.now_ms - view.started_ms)}",
    ]
    parts += [
        f"{part.name} {part.health}{': ' if part.detail else ''}{_one_line(part.detail)}" for part in ailing(view)
    ]
    return [*parts, view.note] if view.note else parts


def left_behind(view: StatusView) -> str:
    """What an ordered stop leaves at the venues."""
    count = len(view.positions)
    if not count:
        return "no position is open"
    are = "1 position is open" if count == 1 else f"{count} positions are open"
    bare = [f"{position.symbol} on {position.venue}" for position in view.positions if not position.protected]
    if bare:
        return f"{are}; WITHOUT a stop for the whole size: {', '.join(bare)}"
    return f"{are}, {'its stop rests' if count == 1 else 'each with its stop'} at the venue"


def footer_lines(view: StatusView, *, width: int) -> list[list[str]]:
    """The footer's parts, line by line: no part is broken that fits into ``width`` characters."""
    lines: list[list[str]] = []
    for part in footer_parts(view):
        if lines and len(FOOTER_SEPARATOR.join((*lines[-1], part))) <= width:
            lines[-1].append(part)
        else:
            lines.append([part])
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())


def ailing(view: StatusView) -> list[ComponentView]:
    """Components that are not healthy."""
    return [part for part in view.components if part.health is not Health.HEALTHY]


def fitting_columns(positions: Sequence[PositionView], *, now_ms: int, width: int) -> list[Column]:
    """The columns that fit into ``width`` characters with their cells whole: a number cut short would be a lie."""
    widths = {
        column.title: max(len(column.title), *(len(column.text(position, now_ms)) for position in positions), 0)
        for column in COLUMNS
    }
    shown = list(COLUMNS)
    while len(shown) > 1 and sum(widths[column.title] + 1 for column in shown) - 1 > width:
        shown.remove(max(shown, key=lambda column: column.rank))
    return shown


def distance_percent(position: PositionView) -> Decimal | None:
    """How far the price is from the stop, in percent of the price; negative when it is past it."""
    if position.price is None or position.stop_price is None or position.price == 0:
        return None
    towards = 1 if position.side is Side.LONG else -1
    return (position.price - position.stop_price) * towards / position.price * 100


def number(value: Decimal | None) -> str:
    """Up to seven significant digits, whole parts never cut, never with an exponent."""
    if value is None:
        return "-"
    places = max(0, SHOWN_DIGITS - 1 - value.adjusted()) if value else 0
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        value = round(value, places)
    return format(value, "f")


def money(value: Decimal) -> str:
    """USD with cents."""
    return f"{value:.2f}"


def signed(value: Decimal | None) -> str:
    """USD with cents and a sign."""
    return "-" if value is None else f"{value:+.2f}"


def age(milliseconds: int) -> str:
    """The largest unit that fits, and no more: ``47s``, ``12m``, ``5h``, ``3d``."""
    seconds = max(0, milliseconds // 1000)
    unit_s, letter = next((unit for unit in _UNITS_S if seconds >= unit[0]), _UNITS_S[-1])
    return f"{seconds // unit_s}{letter}"


def _stop(position: PositionView) -> str:
    if position.stop_price is None:
        return "NONE"
    mark = ("" if position.protected else "!") + ("" if position.local_stop is None else "L")
    return f"{number(position.stop_price)}{mark}"


def _distance(position: PositionView) -> str:
    distance = distance_percent(position)
    return "-" if distance is None else f"{distance:.2f}"


def _take_profits(position: PositionView) -> str:
    return "".join(_TAKE_PROFIT_MARKS[each.phase] for each in position.take_profits) or "-"


COLUMNS = (
    Column(title="symbol", rank=0, text=lambda position, _: position.symbol, right=False),
    Column(title="side", rank=1, text=lambda position, _: position.side.value, right=False),
    Column(title="size", rank=5, text=lambda position, _: number(position.quantity)),
    Column(title="entry", rank=6, text=lambda position, _: number(position.entry_price)),
    Column(title="price", rank=3, text=lambda position, _: number(position.price)),
    Column(title="stop", rank=2, text=lambda position, _: _stop(position)),
    Column(title="dist%", rank=7, text=lambda position, _: _distance(position)),
    Column(title="TP", rank=9, text=lambda position, _: _take_profits(position), right=False),
    Column(title="trail", rank=8, text=lambda position, _: _TRAILING_WORDS[position.trailing], right=False),
    Column(title="open", rank=4, text=lambda position, _: signed(position.unrealized_pnl)),
    Column(title="made", rank=11, text=lambda position, _: signed(position.realized_pnl)),
    Column(title="age", rank=10, text=lambda position, now_ms: age(now_ms - position.opened_ms)),
)
