from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from adapters.simulator.profiles import PAPER
from adapters.venues.shadow import ShadowCalls
from messages.orders import OrderSpec
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderPurpose, OrderSide, Symbol, Venue
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    LeverageSet,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    RateUsed,
    RateWindow,
    RejectReason,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)

ORDER = OrderSpec(
    client_order_id=ClientOrderId("o1"),
    symbol=Symbol("BTCUSDT"),
    side=OrderSide.BUY,
    kind=OrderKind.MARKET,
    purpose=OrderPurpose.ENTRY,
    quantity=Decimal(1),
)


class Sent:
    """Remembers what reached the connection."""

    venue = Venue("bybit")
    capabilities = PAPER.capabilities
    windows: Sequence[RateWindow] = ()

    def __init__(self) -> None:
        self.requests: list[VenueRequest] = []

    def cost(self, request: VenueRequest) -> dict[str, int]:
        return {}

    def used(self) -> dict[str, RateUsed]:
        return {}

    def send(self, request: VenueRequest, *, timeout_s: float, done: Callable[[VenueAnswer], None]) -> None:
        self.requests.append(request)
        done(OutcomeUnknown(text="read"))

    def close(self) -> None:
        self.requests.clear()


@pytest.mark.parametrize("request_", [PlaceOrder(order=ORDER), AmendOrder(order=ORDER), CancelOrder(order=ORDER)])
def test_no_order_ever_reaches_the_venue(request_: VenueRequest) -> None:
    sent, answers = Sent(), list[VenueAnswer]()
    ShadowCalls(sent).send(request_, timeout_s=1, done=answers.append)
    assert sent.requests == []
    (answer,) = answers
    assert isinstance(answer, OrderRejected)
    assert answer.reason is RejectReason.NOT_SENT


def test_the_leverage_is_taken_for_set_so_that_the_entry_is_told_of() -> None:
    sent, answers = Sent(), list[VenueAnswer]()
    wish = SetLeverage(symbol=ORDER.symbol, leverage=3, margin_mode=MarginMode.ISOLATED)
    ShadowCalls(sent).send(wish, timeout_s=1, done=answers.append)
    assert sent.requests == []
    assert answers == [LeverageSet(symbol=ORDER.symbol, leverage=3, margin_mode=MarginMode.ISOLATED)]


def test_what_only_reads_goes_through() -> None:
    sent, answers = Sent(), list[VenueAnswer]()
    ShadowCalls(sent).send(FetchAccount(), timeout_s=1, done=answers.append)
    assert sent.requests == [FetchAccount()]
    assert answers == [OutcomeUnknown(text="read")]
