"""The share of stops and take profits that came to nothing."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from actors.plan_orders import CountedCalls, PlanOrderShare
from messages.instruments import Capabilities
from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, Symbol, Venue, VenueOrderId
from messages.venue import (
    FetchAccount,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    RateUsed,
    RateWindow,
    RejectReason,
    VenueAnswer,
    VenueRequest,
)

STOP = OrderSpec(
    client_order_id=ClientOrderId("a"),
    symbol=Symbol("BTCUSDT"),
    side=OrderSide.SELL,
    kind=OrderKind.STOP_MARKET,
    purpose=OrderPurpose.STOP,
    quantity=None,
    trigger_price=Decimal(1),
)
ACCEPTED = OrderAccepted(
    report=OrderReport(
        venue=Venue("paper"),
        symbol=STOP.symbol,
        venue_order_id=VenueOrderId("1"),
        client_order_id=STOP.client_order_id,
        side=STOP.side,
        kind=STOP.kind,
        status=OrderStatus.WORKING,
        quantity=None,
    )
)


class Answering:
    """A venue that answers as it is told."""

    venue = Venue("paper")
    capabilities = Capabilities(attach_stop_to_entry=True, amend_stop=True, two_stops=True, whole_position_stop=True)
    windows: Sequence[RateWindow] = ()

    def __init__(self, *answers: VenueAnswer) -> None:
        self._answers = list(answers)

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        return {}

    def used(self) -> Mapping[str, RateUsed]:
        return {}

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        done(self._answers.pop(0))

    def close(self) -> None:
        """Nothing to let go of."""


def test_what_is_refused_or_unknown_is_counted_as_failed_and_only_plan_orders_are_counted() -> None:
    refused = OrderRejected(reason=RejectReason.OTHER, text="no")
    unknown = OutcomeUnknown(text="silence")
    calls = CountedCalls(Answering(ACCEPTED, refused, unknown, ACCEPTED, refused))
    heard: list[VenueAnswer] = []
    for _ in range(4):
        calls.send(PlaceOrder(order=STOP), timeout_s=1.0, done=heard.append)
    calls.send(FetchAccount(), timeout_s=1.0, done=heard.append)
    assert heard == [ACCEPTED, refused, unknown, ACCEPTED, refused]
    share = calls.take_share()
    assert share == PlanOrderShare(sent=4, failed=2)
    assert str(share) == "2 of 4 failed (50.0 %)"
    assert calls.take_share() == PlanOrderShare()
