"""The story in words, and the page that explains it."""

import re
from decimal import Decimal
from pathlib import Path

from adapters.explain_text import explanation_lines
from messages.explanation import EventStep, Explanation, FillStep, InputView, OrderStep, RequestView, Step
from messages.journal import Severity
from messages.orders import FillKind
from messages.reasons import Rule
from messages.state import CloseReason, IntentAction, IntentStatus, PositionPhase
from messages.values import (
    ClientOrderId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    PositionId,
    Side,
    Symbol,
    Venue,
    VenueOrderId,
)

START_MS = 1_641_000_003_036
PAGE = Path(__file__).parents[2] / "docs" / "explain.md"


def a_story(*steps: Step, closed: bool = False) -> Explanation:
    return Explanation(
        position_id=PositionId("70fd0d56e9a120a3"),
        venue=Venue("paper"),
        symbol=Symbol("BTCUSDT"),
        hedge_side=None,
        side=Side.LONG,
        phase=PositionPhase.CLOSED if closed else PositionPhase.ACTIVE,
        quantity=Decimal(0) if closed else Decimal("0.010"),
        opened_quantity=Decimal("0.010"),
        entry_price=Decimal(42_000),
        opened_ms=START_MS,
        closed_ms=START_MS + 60_000 if closed else None,
        close_reason=CloseReason.ADL if closed else None,
        exit_price=Decimal(42_500) if closed else None,
        stop_price=None if closed else Decimal(41_160),
        realized_pnl=Decimal(5) if closed else Decimal(0),
        commission=Decimal("0.5"),
        funding=Decimal(0),
        steps=steps,
    )


def a_move() -> OrderStep:
    return OrderStep(
        at_ms=START_MS,
        intent_id="HFxSL5",
        client_order_id=ClientOrderId("HFxSL5"),
        action=IntentAction.PLACE,
        purpose=OrderPurpose.STOP,
        side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET,
        quantity=None,
        trigger_price=Decimal(42_437),
        outcome=IntentStatus.ACCEPTED,
        rule=Rule.TRAILING,
        why="it is better",
        before=Decimal(41_160),
        inputs=(InputView(name="mark", value=Decimal("42650.123456789"), age_ms=340),),
        requests=(
            RequestView(
                operation="PlaceOrder",
                asked_ms=START_MS + 1,
                answered_ms=START_MS + 36,
                answer="OrderAccepted",
                says="working as 7 at 42437",
            ),
        ),
    )


def test_an_order_is_told_with_its_reason_its_figures_the_level_before_and_the_venues_answer() -> None:
    assert list(explanation_lines(a_story(a_move())))[4:] == [
        "01:20:03.036  > place stop [HFxSL5] sell stop market the whole position at 42437",
        "              why: trailing, it is better (before: 41160)",
        "              from: mark 42650.12 (0.3 s old)",
        "              PlaceOrder at 01:20:03.037, 35 ms: OrderAccepted working as 7 at 42437",
        "              outcome: accepted",
    ]


def test_an_open_position_says_where_its_stop_is_and_a_closed_one_why_it_ended() -> None:
    assert "0.010 open at 42000, stop 41160" in list(explanation_lines(a_story()))[1]
    assert list(explanation_lines(a_story(closed=True)))[1].startswith("closed (adl), 2022-01-01 01:20:03 to")


def test_what_is_loud_is_marked_and_a_fill_of_the_venues_own_is_named() -> None:
    event = EventStep(at_ms=START_MS, kind="close_refused", severity=Severity.CRITICAL, text="no")
    fill = FillStep(
        at_ms=START_MS,
        fill_id="1",
        client_order_id=None,
        venue_order_id=VenueOrderId("9"),
        side=OrderSide.SELL,
        quantity=Decimal("0.010"),
        price=Decimal(42_500),
        kind=FillKind.AUTO_DELEVERAGING,
        commission=Decimal("0.2"),
        realized_pnl=Decimal(5),
    )
    lines = list(explanation_lines(a_story(event, fill)))
    assert lines[4] == "01:20:03.036  !!! close_refused: no"
    assert lines[5].endswith("auto deleveraging: sell 0.010 at 42500, made +5.0000, commission 0.2 [9]")


def test_every_rule_is_on_the_page_that_explains_them() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {rule for row in rows for rule in re.findall(r"`(\w+)`", row)} == set(Rule)
