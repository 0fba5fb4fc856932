"""What is sent to a venue, when the journal's word that it may be is old."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from actors.execution import ExecutionActor
from actors.kernel import ActorSystem, ChildSpec, GroupSpec, VirtualRuntime, VirtualTime
from actors.lease import LEASE_MS
from messages.instruments import Capabilities
from messages.journal import Committed, Decision, Durability
from messages.orders import OrderSpec
from messages.positions import ExecuteIntents
from messages.state import Intent, IntentAction
from messages.values import (
    ClientOrderId,
    IntentId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    PositionId,
    PositionKey,
    Symbol,
    Venue,
)
from messages.venue import AmendOrder, RateUsed, RateWindow, VenueAnswer, VenueRequest
from tests.actors.signal_stage import START_MS, Listener

KEY = PositionKey(venue=Venue("paper"), symbol=Symbol("BTCUSDT"))
LONG_AGO_MS = START_MS - 60_000


class Calls:
    """A venue that takes everything and answers nothing yet."""

    venue = KEY.venue
    windows: Sequence[RateWindow] = ()
    capabilities = Capabilities(attach_stop_to_entry=True, amend_stop=True, two_stops=False, whole_position_stop=True)

    def __init__(self) -> None:
        self.sent: list[VenueRequest] = []

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        return {}

    def used(self) -> Mapping[str, RateUsed]:
        return {}

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        self.sent.append(request)

    def close(self) -> None:
        """There is nothing to let go of."""


class Stage:
    """The execution actor between a journal that is asked and answers when told to, and a venue."""

    def __init__(self) -> None:
        self.time = VirtualTime(start_ms=START_MS, seed=1)
        self.system = ActorSystem(runtime=VirtualRuntime(self.time))
        self.calls = Calls()
        self.asked: list[object] = []
        children = [
            ChildSpec(name="journal", factory=lambda: Listener(self.asked, lambda _: None)),
            ChildSpec(name="position", factory=lambda: Listener([], lambda _: None)),
            ChildSpec(name="execution", factory=self._execution),
        ]
        self.system.start(GroupSpec(name="stage", children=children))
        self.run_ms(1)

    def _execution(self) -> ExecutionActor:
        journal = self.system.ref("journal")
        return ExecutionActor(calls=self.calls, journal=journal, directory=self.system.find, owner_epoch=1)

    def run_ms(self, milliseconds: int) -> None:
        self.time.run_until(self.time.now_ms() + milliseconds)

    def execute(self, intent: Intent, *, committed_ms: int) -> None:
        message = ExecuteIntents(path="position", intents=(intent,), committed_ms=committed_ms)
        self.system.ref("execution").tell(message)
        self.run_ms(1)

    def journal_answers(self) -> None:
        for question in self.asked:
            assert isinstance(question, Decision)
            answer = Committed(decision_id=question.decision_id, durability=Durability.STORE)
            self.system.ref("execution").tell(answer)
        self.asked.clear()
        self.run_ms(1)

    @property
    def moved_to(self) -> list[Decimal | None]:
        return [request.order.trigger_price for request in self.calls.sent if isinstance(request, AmendOrder)]


def a_move(name: str, price: int) -> Intent:
    return Intent(
        intent_id=IntentId(name),
        position_id=PositionId("p1"),
        key=KEY,
        action=IntentAction.AMEND,
        order=OrderSpec(
            client_order_id=ClientOrderId("stop1"),
            symbol=KEY.symbol,
            side=OrderSide.SELL,
            kind=OrderKind.STOP_MARKET,
            purpose=OrderPurpose.STOP,
            quantity=None,
            trigger_price=Decimal(price),
            reduce_only=True,
        ),
        protective=True,
        created_ms=START_MS,
    )


def test_what_waits_for_the_journals_word_goes_out_with_it() -> None:
    stage = Stage()
    stage.execute(a_move("first", 100), committed_ms=LONG_AGO_MS)
    assert stage.moved_to == []

    stage.journal_answers()

    assert stage.moved_to == [Decimal(100)]


def test_a_move_that_waited_for_the_journals_word_is_not_sent_after_the_one_that_overtook_it() -> None:
    """It would take the stop back to where it was."""
    stage = Stage()
    stage.execute(a_move("first", 100), committed_ms=LONG_AGO_MS)
    stage.execute(a_move("second", 110), committed_ms=stage.time.now_ms())
    assert stage.moved_to == [Decimal(110)]

    stage.journal_answers()

    assert stage.moved_to == [Decimal(110)]


def test_a_word_that_came_late_is_asked_for_again_and_nothing_goes_out_with_it() -> None:
    """The process was paused between the commit and the answer: the account may have changed hands since."""
    stage = Stage()
    stage.execute(a_move("first", 100), committed_ms=LONG_AGO_MS)
    stage.run_ms(LEASE_MS)
    stage.journal_answers()
    assert stage.moved_to == []
    assert stage.asked, "a new question"
    stage.journal_answers()
    assert stage.moved_to == [Decimal(100)]


def test_what_protects_goes_out_without_a_word_when_the_journal_can_give_none() -> None:
    stage = Stage()
    stage.execute(a_move("first", 100), committed_ms=LONG_AGO_MS)
    stage.run_ms(1_990)
    assert stage.moved_to == []
    stage.run_ms(20)
    assert stage.moved_to == [Decimal(100)]


def test_it_does_not_go_out_when_this_process_was_paused_meanwhile() -> None:
    stage = Stage()
    stage.execute(a_move("first", 100), committed_ms=LONG_AGO_MS)
    stage.system.suspend("execution")
    stage.run_ms(60_000)
    stage.system.resume("execution")
    stage.run_ms(1_000)
    assert stage.moved_to == []
    stage.journal_answers()
    stage.journal_answers()
    assert stage.moved_to == [Decimal(100)]
