"""One actor's questions to its venue: each asked once at a time, and again after a while when it was not answered."""

from typing import Final

from actors.kernel import Context, Ref
from actors.venue_clock import VenueClock
from messages.orders import OrderSpec
from messages.positions import VenueRead, VenueReadDone
from messages.supervision import Due
from messages.values import MarginMode, Side, Symbol
from messages.venue import FetchAccount, FetchFills, QueryOrder, ReadRequest, SetLeverage

RETRY_FIRST_S: Final = 0.25
RETRY_CAP_S: Final = 5.0
FILLS_MARGIN_MS: Final = 60_000
"""How much earlier than we think the venue may have stamped the first fill: its clock is measured now and then."""
ACCOUNT: Final = "account"
FILLS: Final = "fills"
LEVERAGE: Final = "leverage"


class VenueReader:
    """Reads the account, the fills and single orders of one symbol, through the execution actor.

    A question that failed comes back to the actor as ``Due(what=question)`` after a growing delay. ``protects`` says of
    those that are asked from now on whether the position has no stop until they are answered.
    """

    def __init__(self, *, symbol: Symbol, execution: Ref, clock: VenueClock) -> None:
        self._clock = clock
        self._symbol = symbol
        self._execution = execution
        self._open: dict[str, bool] = {}
        self.protects = False
        self._retry_s = RETRY_FIRST_S

    def account(self, context: Context) -> None:
        """Ask for the positions and orders of the symbol."""
        self._ask(context, ACCOUNT, FetchAccount(symbol=self._symbol))

    def fills(self, context: Context, *, since_ms: int) -> None:
        """Ask for the fills and funding since a time of our clock (UTC), and from before rather than from after it."""
        venue_ms = since_ms + min(self._clock.ahead_ms, 0) - FILLS_MARGIN_MS
        self._ask(context, FILLS, FetchFills(symbol=self._symbol, since_ms=venue_ms))

    def order(self, context: Context, order: OrderSpec) -> None:
        """Ask for one order by its client order id."""
        question = QueryOrder(
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            kind=order.kind,
            venue_order_id=order.venue_order_id,
        )
        self._ask(context, f"order {order.client_order_id}", question)

    def leverage(self, context: Context, *, leverage: int, margin_mode: MarginMode, hedge_side: Side | None) -> None:
        """Ask the venue to bring leverage and margin mode to these values."""
        request = SetLeverage(symbol=self._symbol, leverage=leverage, margin_mode=margin_mode, hedge_side=hedge_side)
        self._ask(context, LEVERAGE, request)

    def came(self, message: VenueReadDone) -> None:
        """The question was answered."""
        self._open.pop(question_of(message.request), None)
        self._retry_s = RETRY_FIRST_S

    def failed(self, context: Context, message: VenueReadDone) -> None:
        """It was not: ask again later."""
        question = question_of(message.request)
        self._open.pop(question, None)
        context.schedule_once(("reread", question), self._retry_s, Due(what=question))
        self._retry_s = min(self._retry_s * 2, RETRY_CAP_S)

    def forget(self) -> frozenset[str]:
        """The execution actor was restarted and knows none of our questions; gives those that were open."""
        lost = frozenset(self._open)
        self._open.clear()
        return lost

    def _ask(self, context: Context, question: str, request: ReadRequest | SetLeverage) -> None:
        protects = self.protects and question != LEVERAGE
        # One that waits for a limit is overtaken by one that need not.
        if protects > self._open.get(question, -1):
            self._open[question] = protects
            self._execution.tell(VenueRead(path=context.path, request=request, urgent=True, protects=protects))


def question_of(request: ReadRequest | SetLeverage) -> str:
    """What a request asks, as :class:`VenueReader` names it."""
    match request:
        case FetchAccount():
            return ACCOUNT
        case FetchFills():
            return FILLS
        case SetLeverage():
            return LEVERAGE
        case QueryOrder(client_order_id=client_order_id):
            return f"order {client_order_id}"
        case _:
            return type(request).__name__
