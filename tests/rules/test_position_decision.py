"""Arbitrary histories of a position: whatever the venue says, in whatever order, the laws of the header hold."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.profiles import PROFILES
from messages.instruments import Capabilities, Instrument
from messages.market import Tick
from messages.orders import BalanceReport, FillReport, FundingReport, OrderReport, OrderStatus
from messages.positions import (
    AccountRead,
    ClosePosition,
    FillReceived,
    FillsRead,
    IntentOutcomeAnswer,
    IntentSettled,
    NeverSent,
    OpenPosition,
    OrderUpdated,
    WakeUp,
)
from messages.signals import Signal
from messages.state import CloseReason, Intent, IntentAction, PositionPhase, StopPhase
from messages.values import OrderKind, OrderPurpose, PositionId, PositionKey, Side, Symbol, Venue, VenueOrderId
from messages.venue import (
    AccountReport,
    FillsReport,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
)
from rules.position_case import PositionCase, PositionPolicies, Situation
from rules.position_decision import Opening, PositionDecision, PositionInput, decide, open_position
from rules.rounding import exit_side

START_MS = 1_641_000_000_000
BTC, PAPER = Symbol("BTCUSDT"), Venue("paper")
INSTRUMENT = Instrument(
    venue=PAPER, symbol=BTC, price_tick=Decimal(1), quantity_step=Decimal("0.001"), min_quantity=Decimal("0.001")
)
VENUES = [PROFILES[name].capabilities for name in ("bitget", "binance", "bybit", "okx", "worst")]
REFUSALS = [reason for reason in RejectReason if reason is not RejectReason.DUPLICATE_ID]


def a_situation(capabilities: Capabilities, now_ms: int = START_MS, price: Decimal = Decimal(42_000)) -> Situation:
    return Situation(
        now_ms=now_ms,
        instrument=INSTRUMENT,
        capabilities=capabilities,
        policies=PositionPolicies(),
        last=price,
        mark=price,
    )


def an_opening(side: Side = Side.LONG) -> Opening:
    signal = Signal(
        signal_id="s1",
        timestamp_ms=START_MS,
        symbol=BTC,
        side=side,
        score_week=80.0,
        score_month=70.0,
    )
    return Opening(
        command=OpenPosition(signal=signal, size_usd=Decimal(420), reservation_id="s1", leverage=3),
        key=PositionKey(venue=PAPER, symbol=BTC),
        position_id=PositionId("0123456789abcdef"),
        quantity=Decimal("0.010"),
    )


@dataclass
class History:
    """One position and a venue that may say anything about the orders that it was sent."""

    capabilities: Capabilities
    chance: random.Random
    side: Side = Side.LONG

    def __post_init__(self) -> None:
        self.now_ms = START_MS
        self.price = Decimal(42_000)
        self.fills = 0
        self.last = open_position(an_opening(self.side), self.situation())
        self.case: PositionCase = self.last.case

    def situation(self) -> Situation:
        return a_situation(self.capabilities, self.now_ms, self.price)

    def step(self) -> None:
        self.now_ms += self.chance.choice([1, 50, 700, 5_000, 61_000])
        self.take(self.chance.choice(self.possible())())

    def take(self, event: PositionInput) -> None:
        self.last = decide(self.case, event, self.situation())
        self.case = self.last.case

    def possible(self) -> list[Callable[[], PositionInput]]:
        some: list[Callable[[], PositionInput]] = [self.tick, self.wake, self.account, self.fills_read, self.report]
        if self.case.intents:
            some += [self.settled] * 4
        if self.case.position.entry_order_id is not None:
            some += [self.entry_fill] * 2
        if self.case.position.quantity > 0:
            some += [self.exit_fill]
        return [*some, self.close] if self.chance.random() < 0.03 else some

    # --- what a venue may say -----------------------------------------------------------------------------------------

    def tick(self) -> Tick:
        self.price += Decimal(self.chance.choice([-400, -50, -5, 5, 50, 400]))
        return self.tick_at(self.price)

    def tick_at(self, price: Decimal) -> Tick:
        return Tick(venue=PAPER, symbol=BTC, last=price, mark=price, high=price, low=price, time_ms=self.now_ms)

    def wake(self) -> WakeUp:
        return WakeUp()

    def close(self) -> ClosePosition:
        return ClosePosition(key=self.case.position.key, reason=CloseReason.OPERATOR)

    def settled(self) -> IntentSettled:
        intent = self.chance.choice(list(self.case.intents.values()))
        answers: list[Callable[[Intent], IntentOutcomeAnswer]]
        answers = [self.accepted, self.accepted, self.refused, self.never, self.unknown]
        outcome = self.chance.choice(answers)(intent)
        if intent.order.purpose is OrderPurpose.ENTRY and isinstance(outcome, OutcomeUnknown):
            outcome = self.accepted(intent)
        return IntentSettled(intent=intent, outcome=outcome)

    def accepted(self, intent: Intent) -> OrderAccepted:
        status = OrderStatus.CANCELLED if intent.action is IntentAction.CANCEL else OrderStatus.WORKING
        if intent.action is IntentAction.PLACE and intent.order.kind is OrderKind.MARKET:
            status = OrderStatus.FILLED
        return OrderAccepted(report=self.report_of(intent, status))

    def refused(self, intent: Intent) -> OrderRejected:
        return OrderRejected(reason=self.chance.choice(REFUSALS), text=f"no {intent.action}")

    def never(self, intent: Intent) -> NeverSent:
        return NeverSent(text=str(intent.intent_id))

    def unknown(self, intent: Intent) -> OutcomeUnknown:
        return OutcomeUnknown(text=str(intent.intent_id))

    def report_of(self, intent: Intent, status: OrderStatus) -> OrderReport:
        order = intent.order
        filled = order.quantity if status is OrderStatus.FILLED and order.quantity is not None else Decimal(0)
        return OrderReport(
            venue=PAPER,
            symbol=BTC,
            venue_order_id=VenueOrderId(f"v{order.client_order_id}"),
            client_order_id=order.client_order_id,
            side=order.side,
            kind=order.kind,
            status=status,
            quantity=order.quantity,
            filled_quantity=filled,
            trigger_price=order.trigger_price,
            reduce_only=order.reduce_only,
        )

    def report(self) -> OrderUpdated | WakeUp:
        """The stop's own report: working, or ended from outside."""
        stop = self.case.position.stop
        known = [each for each in (stop.working, stop.next) if each is not None]
        if not known:
            return WakeUp()
        each = self.chance.choice(known)
        return OrderUpdated(
            report=OrderReport(
                venue=PAPER,
                symbol=BTC,
                venue_order_id=VenueOrderId(f"v{each.client_order_id}"),
                client_order_id=each.client_order_id,
                side=exit_side(self.side),
                kind=OrderKind.STOP_MARKET,
                status=self.chance.choice([OrderStatus.WORKING, OrderStatus.WORKING, OrderStatus.CANCELLED]),
                quantity=each.quantity,
                trigger_price=each.trigger_price,
                reduce_only=True,
            )
        )

    def entry_fill(self) -> FillReceived:
        return self.a_fill(self.case.position.entry_order_id, opening=True)

    def exit_fill(self) -> FillReceived:
        position = self.case.position
        stop = position.stop.working
        return self.a_fill(stop.client_order_id if stop is not None else None, opening=False)

    def a_fill(self, order_id: object, *, opening: bool) -> FillReceived:
        position = self.case.position
        left = position.wanted_quantity - position.opened_quantity if opening else position.quantity
        quantity = min(left, Decimal(self.chance.choice(["0.001", "0.004", "0.010"])))
        if quantity <= 0:
            quantity = Decimal("0.001")
        self.fills += self.chance.choice([0, 1, 1, 1])
        exiting = exit_side(self.side)
        return FillReceived(
            fill=FillReport(
                venue=PAPER,
                symbol=BTC,
                fill_id=f"f{self.fills}",
                venue_order_id=VenueOrderId("v1"),
                client_order_id=order_id,  # type: ignore[arg-type]
                side=exiting if not opening else exit_side(Side.SHORT if self.side is Side.LONG else Side.LONG),
                price=self.price,
                quantity=quantity,
                commission=Decimal("0.1"),
                time_ms=self.now_ms,
            )
        )

    def account(self) -> AccountRead:
        """Everything that should be there, or nothing at all."""
        return AccountRead(
            report=AccountReport(
                venue=PAPER,
                symbol=BTC,
                positions=(),
                orders=(),
                balance=BalanceReport(
                    venue=PAPER, equity=Decimal(10_000), available=Decimal(10_000), wallet=Decimal(10_000)
                ),
                taken_ms=self.now_ms - 5,
            ),
            asked_ms=self.now_ms - 5,
        )

    def fills_read(self) -> FillsRead:
        return FillsRead(
            report=FillsReport(venue=PAPER, symbol=BTC, since_ms=START_MS, fills=(), funding=()),
            asked_ms=self.now_ms - 5,
        )


def is_looked_after(decision: PositionDecision) -> bool:
    """Whether something stands between open quantity and the market, or is on its way, or is due at a known time."""
    draft = decision.draft
    stop = draft.position.stop
    return (
        draft.exposed == 0
        or draft.recovering_since_ms > 0
        or draft.position.close_reason is not None
        or stop.working is not None
        or stop.intent_id is not None
        or (stop.next is not None and stop.next.attached and (draft.wake_ms is not None or draft.reads_account))
        or (draft.wake_ms is not None and draft.wake_ms <= stop.not_before_ms)
    )


histories = given(
    seed=st.integers(0, 10**9),
    capabilities=st.sampled_from(VENUES),
    side=st.sampled_from([Side.LONG, Side.SHORT]),
    steps=st.integers(1, 60),
)


@histories
def test_1_the_same_case_event_and_situation_give_the_same_decision(
    seed: int, capabilities: Capabilities, side: Side, steps: int
) -> None:
    one, other = (History(capabilities, random.Random(seed), side) for _ in range(2))
    for _ in range(steps):
        one.step()
        other.step()
    assert one.case == other.case
    assert one.last.draft.intents == other.last.draft.intents


@histories
def test_2_no_history_leaves_open_quantity_without_a_stop_or_its_next_try_or_a_close(
    seed: int, capabilities: Capabilities, side: Side, steps: int
) -> None:
    history = History(capabilities, random.Random(seed), side)
    for _ in range(steps):
        history.step()
        assert is_looked_after(history.last), history.case.position.stop


@histories
def test_3_an_ended_position_places_nothing(seed: int, capabilities: Capabilities, side: Side, steps: int) -> None:
    history = History(capabilities, random.Random(seed), side)
    for _ in range(steps):
        history.step()
        if history.case.position.closed_ms is not None:
            assert all(intent.action is IntentAction.CANCEL for intent in history.last.draft.intents)


@histories
def test_4_an_event_that_changes_nothing_gives_no_intents(
    seed: int, capabilities: Capabilities, side: Side, steps: int
) -> None:
    """Asked twice at the same moment, the second time nothing new follows."""
    history = History(capabilities, random.Random(seed), side)
    for _ in range(steps):
        history.step()
        before = history.case
        history.take(WakeUp())
        assert not history.last.draft.intents
        assert history.case.position == before.position


@histories
def test_fills_add_up_to_the_position(seed: int, capabilities: Capabilities, side: Side, steps: int) -> None:
    history = History(capabilities, random.Random(seed), side)
    counted = Decimal(0)
    corrected = False
    for _ in range(steps):
        history.step()
        entry = exit_side(Side.SHORT if side is Side.LONG else Side.LONG)
        for fill in history.last.draft.fills:
            if fill.position_id is not None:
                counted += fill.fill.quantity if fill.fill.side is entry else -fill.fill.quantity
        corrected = corrected or any(event.kind == "size_corrected" for event in history.last.draft.events)
        if not corrected:
            assert history.case.position.quantity == counted


@pytest.mark.parametrize("capabilities", VENUES)
def test_a_filled_entry_has_its_stop_before_anything_else(capabilities: Capabilities) -> None:
    history = History(capabilities, random.Random(1))
    entry = next(iter(history.case.intents.values()))
    history.now_ms += 10
    history.take(IntentSettled(intent=entry, outcome=history.accepted(entry)))
    history.take(history.a_fill(entry.order.client_order_id, opening=True))
    stop = history.case.position.stop
    assert stop.phase in {StopPhase.PLACING, StopPhase.WORKING}
    assert all(intent.order.purpose is OrderPurpose.STOP for intent in history.last.draft.intents)
    assert history.case.position.phase in {PositionPhase.PENDING_SL, PositionPhase.ACTIVE}


def test_the_fate_of_the_signal_is_in_the_first_decision() -> None:
    decision = open_position(an_opening(), a_situation(VENUES[0]))
    assert [fate.signal_id for fate in decision.draft.signals] == ["s1"]
    assert replace(decision.case.position).phase is PositionPhase.PENDING_ENTRY


def test_in_hedge_mode_the_fills_and_payments_of_the_other_side_are_not_counted() -> None:
    history = History(VENUES[0], random.Random(1))
    position = replace(history.case.position, key=PositionKey(venue=PAPER, symbol=BTC, hedge_side=Side.LONG))
    history.case = replace(history.case, position=position)
    ours = replace(history.a_fill(position.entry_order_id, opening=True).fill, hedge_side=Side.LONG)
    theirs = replace(ours, fill_id="theirs", client_order_id=None, hedge_side=Side.SHORT)
    payments = [
        FundingReport(
            venue=PAPER, symbol=BTC, funding_id=str(side), amount=Decimal(1), time_ms=history.now_ms, hedge_side=side
        )
        for side in (Side.LONG, Side.SHORT, None)
    ]
    report = FillsReport(venue=PAPER, symbol=BTC, since_ms=START_MS, fills=(ours, theirs), funding=tuple(payments))
    history.take(FillsRead(report=report, asked_ms=history.now_ms))
    assert history.case.position.quantity == ours.quantity
    assert history.case.position.funding == Decimal(1)


def test_more_than_was_ordered_is_not_believed_to_have_filled() -> None:
    """A venue's stream once summed up an event that it told twice: a stop of double the size was the answer."""
    history = History(VENUES[1], random.Random(1))
    entry = next(iter(history.case.intents.values()))
    history.take(IntentSettled(intent=entry, outcome=history.accepted(entry)))
    quantity = history.case.position.wanted_quantity
    told = replace(history.report_of(entry, OrderStatus.FILLED), filled_quantity=quantity * 2)
    history.take(OrderUpdated(report=told))
    assert history.last.draft.exposed == quantity
    assert "anomaly" in [event.kind for event in history.last.draft.events]
