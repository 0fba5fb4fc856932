import io
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from rich.console import Console

from adapters.console import LiveStatus, print_banner, render
from adapters.status_text import (
    FOOTER_SEPARATOR,
    age,
    banner,
    distance_percent,
    fitting_columns,
    footer_parts,
    left_behind,
    number,
    status_line,
)
from messages.settings import Mode
from messages.state import PositionPhase, StopPhase, TakeProfitPhase, TrailingPhase
from messages.status import (
    ComponentView,
    DatabaseState,
    Health,
    PositionView,
    StatusView,
    TakeProfitView,
)
from messages.values import Price, Side, Symbol, Venue

HOUR_MS = 3_600_000


def a_position(
    symbol: str = "BTCUSDT",
    *,
    side: Side = Side.LONG,
    price: str = "42000.5",
    stop: str | None = "41160.0",
    protected: bool = True,
    opened_ms: int = 0,
) -> PositionView:
    return PositionView(
        position_id="a" * 16,
        venue=Venue("paper"),
        symbol=Symbol(symbol),
        side=side,
        phase=PositionPhase.ACTIVE,
        quantity=Decimal("0.0047"),
        entry_price=Decimal("41999.123456789012345678"),
        opened_ms=opened_ms,
        protected=protected,
        stop_phase=StopPhase.WORKING if stop else StopPhase.ABSENT,
        trailing=TrailingPhase.ACTIVE,
        price=Decimal(price),
        stop_price=None if stop is None else Decimal(stop),
        take_profits=(
            TakeProfitView(level=1, trigger_price=Decimal(42630), phase=TakeProfitPhase.FILLED),
            TakeProfitView(level=2, trigger_price=Decimal(43260), phase=TakeProfitPhase.WORKING),
        ),
        unrealized_pnl=Decimal("-3.456"),
        realized_pnl=Decimal("1.5"),
    )


def a_status(
    *positions: PositionView,
    mode: Mode = Mode.PAPER,
    health: Health = Health.HEALTHY,
    components: tuple[ComponentView, ...] = (),
) -> StatusView:
    return StatusView(
        health=health,
        mode=mode,
        now_ms=2 * HOUR_MS,
        started_ms=0,
        positions=positions,
        unprotected=sum(not position.protected for position in positions),
        unprotected_seconds=1.25,
        equity=Decimal("10012.345"),
        signals_accepted=4,
        signals_rejected=1,
        database=DatabaseState.SPOOLING,
        components=components,
    )


def drawn(view: StatusView, *, width: int = 80, max_rows: int = 20) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(render(view, width=width, max_rows=max_rows))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("mode", list(Mode))
def test_the_first_thing_seen_is_whether_this_is_real(mode: Mode) -> None:
    assert mode.value.upper() in drawn(a_status(mode=mode))[1]
    assert ("real orders" in banner(mode)) is (mode is not Mode.SHADOW)


def test_every_column_fits_into_80_characters() -> None:
    lines = drawn(a_status(a_position(), a_position("ETHUSDT", price="3701.25", stop="3627.30")))
    header = next(line for line in lines if line.startswith("symbol"))
    assert " ".join(header.split()) == "symbol side size entry price stop dist% TP trail open made age"
    assert all(len(line) <= 80 for line in lines)
    assert any("41160.0" in line and "42000.5" in line and "41999.12" in line for line in lines)


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 200])
def test_a_number_is_shown_whole_or_not_at_all(width: int) -> None:
    position = a_position("1000000MOGUSDT", price="0.000012345678", stop="0.0000120")
    shown = fitting_columns([position], now_ms=HOUR_MS, width=width)
    row = next(line for line in drawn(a_status(position), width=width) if line.startswith("1000000MOGUSDT"))
    assert row.split()[: len(shown)] == [column.text(position, 2 * HOUR_MS) for column in shown]


def test_the_stop_is_the_last_thing_to_go_on_a_narrow_terminal() -> None:
    titles = [column.title for column in fitting_columns([a_position()], now_ms=0, width=22)]
    assert titles == ["symbol", "side", "stop"]


def test_unprotected_positions_come_first_and_cannot_be_overlooked() -> None:
    half, none = a_position("HALFUSDT", protected=False), a_position("NONEUSDT", stop=None, protected=False)
    lines = drawn(a_status(a_position(), half, none), max_rows=2)
    assert any(line.startswith("HALFUSDT") and "41160.0!" in line for line in lines)
    assert any(line.startswith("NONEUSDT") and "NONE" in line.split() for line in lines)
    assert "and 1 more" in lines


def test_the_footer_says_how_all_of_it_stands() -> None:
    ill = ComponentView(name="stream", health=Health.DEGRADED, detail="silent for 20 s")
    well = ComponentView(name="journal", health=Health.HEALTHY)
    view = a_status(a_position(protected=False), health=Health.CRITICAL, components=(ill, well))
    text = " ".join(drawn(view, width=300))
    for part in (
        "health CRITICAL",
        "equity 10012.34",
        "unprotected 1 now, 1.2 s in all",
        "signals 4 taken, 1 refused",
        "database spooling",
        "stream DEGRADED: silent for 20 s",
    ):
        assert part in text
    assert "journal" not in text
    assert status_line(view).startswith("1 open, health CRITICAL")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 300])
def test_no_part_of_the_footer_is_broken_that_fits_on_a_line(width: int) -> None:
    ill = ComponentView(name="exchange/okx", health=Health.DEGRADED, detail="a reason of\n  two lines")
    view = a_status(a_position(), components=(ill,))
    lines = drawn(view, width=width)
    assert all(len(line) <= width for line in lines)
    shown = [part.strip() for line in lines for part in line.split(FOOTER_SEPARATOR)]
    assert {part for part in footer_parts(view) if len(part) <= width} <= set(shown)
    assert "exchange/okx DEGRADED: a reason of two lines" in footer_parts(view)


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii", "utf-8"])
def test_it_draws_on_a_console_of_any_code_page(encoding: str) -> None:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding=encoding, errors="backslashreplace")
    console = Console(file=stream, width=80, force_terminal=True)
    print_banner(Mode.PAPER, console)
    with LiveStatus(console) as live:
        live.show(a_status(a_position()))
    stream.flush()
    assert b"PAPER" in content.getvalue()
    assert b"41160.0" in content.getvalue()


def test_a_terminal_that_goes_away_stops_nothing() -> None:
    stream = io.StringIO()
    with LiveStatus(Console(file=stream, force_terminal=True)) as live:
        live.show(a_status())
        stream.close()
        live.show(a_status(a_position()))
        live.show(a_status())


def test_without_a_terminal_there_is_no_live_table() -> None:
    assert not LiveStatus(Console(file=io.StringIO())).usable
    assert LiveStatus(Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "xterm"})).usable
    assert not LiveStatus(Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})).usable


@pytest.mark.parametrize(("side", "stop"), [(Side.LONG, "98"), (Side.SHORT, "102")])
def test_the_distance_counts_from_the_price_towards_the_stop(side: Side, stop: str) -> None:
    assert distance_percent(a_position(side=side, price="100", stop=stop)) == Decimal(2)
    assert distance_percent(a_position(side=side, price="100", stop=None)) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [("42000.50", "42000.50"), ("41999.123456789", "41999.12"), ("123456789.5", "123456790"), ("0", "0"),
     ("0.000012345678", "0.00001234568"), ("1E+3", "1000"), ("-12.5", "-12.5")],
)  # fmt: skip
def test_a_number_keeps_what_matters(value: str, shown: str) -> None:
    assert number(Price(value)) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(-5, "0s"), (59_999, "59s"), (60_000, "1m"), (HOUR_MS, "1h"), (50 * HOUR_MS, "2d")]
)
def test_an_age_has_one_unit(milliseconds: int, shown: str) -> None:
    assert age(milliseconds) == shown


def test_a_status_is_json_for_scripts() -> None:
    decoded = msgspec.json.decode(msgspec.json.encode(a_status(a_position(protected=False))))
    assert decoded["health"] == "HEALTHY"
    assert decoded["unprotected"] == 1
    assert decoded["positions"][0]["stop_price"] == "41160.0"
    assert decoded["positions"][0]["side"] == "long"


def test_what_a_stop_leaves_at_the_venues_is_told_with_what_has_no_stop() -> None:
    nothing = StatusView(health=Health.HEALTHY, mode=Mode.PAPER, now_ms=0, started_ms=0)
    one, two = a_position(), a_position("ETHUSDT")
    bare = a_position("SOLUSDT", stop=None, protected=False)
    assert left_behind(nothing) == "no position is open"
    assert left_behind(replace(nothing, positions=(one,))) == "1 position is open, its stop rests at the venue"
    both = replace(nothing, positions=(one, two))
    assert left_behind(both) == "2 positions are open, each with its stop at the venue"
    naked = replace(nothing, positions=(one, bare))
    assert left_behind(naked) == "2 positions are open; WITHOUT a stop for the whole size: SOLUSDT on paper"
