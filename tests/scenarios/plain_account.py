"""An account on a simulated exchange that somebody else trades on: positions and orders by hand, some of them wrong."""

from dataclasses import dataclass
from decimal import Decimal

from adapters.simulator.paper import PaperExchange
from messages.orders import OrderReport, OrderSpec
from messages.values import (
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderPurpose,
    PositionId,
    Price,
    Quantity,
    Side,
    Symbol,
    TriggerSource,
)
from messages.venue import AccountReport, CancelOrder, FetchAccount, LeverageSet, OrderAccepted, PlaceOrder, SetLeverage
from rules.client_order_ids import client_order_id
from rules.rounding import entry_side, exit_side

SYMBOLS = tuple(Symbol(f"COIN{number:02}USDT") for number in range(20))
FLAT = Symbol("GONEUSDT")
EARLIER = PositionId("earlier000000001")
"""A position of ours of which nothing is on record any more."""
(NO_STOP, TOO_SMALL, WRONG_SIDE, BEYOND, NO_TP1, NO_TP2, DOUBLED, NOTHING) = SYMBOLS[:8]


def ours(purpose: OrderPurpose, number: int) -> str:
    """The id of an order of the earlier position."""
    return client_order_id(position_id=EARLIER, purpose=purpose, sequence=number)


@dataclass
class PlainAccount:
    """Its exchange, where every price stands at ``price``; ``size`` is that of each position."""

    exchange: PaperExchange
    price: Decimal
    size: Quantity

    @property
    def half(self) -> Quantity:
        return self.size / 2

    def at(self, percent: str, side: Side = Side.LONG) -> Price:
        """A price so many percent in the favour of ``side``."""
        sign = 1 if side is Side.LONG else -1
        return self.price * (100 + sign * Decimal(percent)) / 100

    def order(
        self,
        symbol: Symbol,
        kind: OrderKind,
        *,
        percent: str = "",
        quantity: Quantity | None = None,
        side: Side = Side.LONG,
        order_id: str = "",
        source: TriggerSource = TriggerSource.MARK,
        closes: bool = False,
    ) -> OrderReport:
        """An order of a position of ``side``: at market its entry, else an exit ``percent`` in its favour."""
        opens = kind is OrderKind.MARKET and not closes
        spec = OrderSpec(
            client_order_id=ClientOrderId(order_id or f"web{self.exchange.engine.state.next_number()}"),
            symbol=symbol,
            side=entry_side(side) if opens else exit_side(side),
            kind=kind,
            purpose=OrderPurpose.ENTRY,
            quantity=self.size if quantity is None else quantity,
            trigger_price=self.at(percent, side) if percent else None,
            trigger_source=source,
            reduce_only=not opens,
        )
        answer = self.exchange.by_hand(PlaceOrder(order=spec))
        assert isinstance(answer, OrderAccepted), (symbol, answer)
        return answer.report

    def stop(self, symbol: Symbol, percent: str = "-1.9", **changes: object) -> None:
        self.order(symbol, OrderKind.STOP_MARKET, percent=percent, **changes)  # type: ignore[arg-type]

    def profit(self, symbol: Symbol, percent: str, side: Side = Side.LONG) -> None:
        self.order(symbol, OrderKind.TAKE_PROFIT_MARKET, percent=percent, quantity=self.half, side=side)

    def position(
        self,
        symbol: Symbol,
        *,
        side: Side = Side.LONG,
        stop: str = "-1.9",
        profits: tuple[str, ...] = ("1.5", "3"),
    ) -> None:
        """A position with a stop, if any, and take profits."""
        self.order(symbol, OrderKind.MARKET, side=side)
        if stop:
            self.stop(symbol, stop, side=side)
        for percent in profits:
            self.profit(symbol, percent, side)

    def close(self, symbol: Symbol) -> None:
        """At market; what rests for it may stay."""
        self.order(symbol, OrderKind.MARKET, closes=True)

    def cancel(self, order: OrderReport) -> None:
        spec = OrderSpec(
            client_order_id=order.client_order_id or ClientOrderId("byhandstop"),
            symbol=order.symbol,
            side=order.side,
            kind=order.kind,
            purpose=OrderPurpose.STOP,
            quantity=order.quantity,
            reduce_only=True,
            venue_order_id=order.venue_order_id,
        )
        assert isinstance(self.exchange.by_hand(CancelOrder(order=spec)), OrderAccepted)

    def leverage(self, symbol: Symbol, leverage: int) -> None:
        request = SetLeverage(symbol=symbol, leverage=leverage, margin_mode=MarginMode.ISOLATED)
        assert isinstance(self.exchange.by_hand(request), LeverageSet)

    def report(self) -> AccountReport:
        answer = self.exchange.by_hand(FetchAccount())
        assert isinstance(answer, AccountReport)
        return answer

    def orders(self) -> dict[str, OrderReport]:
        """Every order that rests, by the exchange's id."""
        return {str(order.venue_order_id): order for order in self.report().orders}

    def stops_of_somebody_else(self) -> set[tuple[Symbol, str]]:
        """Three positions under stops of another bot's that do not protect them; gives what is wrong."""
        self.position(TOO_SMALL, stop="")
        self.stop(TOO_SMALL, quantity=self.half)
        self.leverage(BEYOND, 20)
        self.position(BEYOND, stop="-7")
        self.position(WRONG_SIDE, stop="")
        self.exchange.offset_mark(WRONG_SIDE, Decimal(-1))
        self.stop(WRONG_SIDE, "-0.25", source=TriggerSource.LAST)
        return {
            (TOO_SMALL, "stop_too_small"),
            (BEYOND, "stop_beyond_liquidation"),
            (WRONG_SIDE, "stop_wrong_side"),
        }

    def twenty_positions(self) -> set[tuple[Symbol, str]]:
        """Twenty positions, some of which miss something or have something too many; gives what is wrong."""
        profile = self.exchange.config.exchange.profile
        self.position(NO_STOP, stop="")
        self.position(NO_TP1, profits=("3",))
        self.position(NO_TP2, side=Side.SHORT, profits=("1.5",))
        self.position(NOTHING, side=Side.SHORT, stop="", profits=())
        self.position(TOO_SMALL, stop="")
        self.stop(TOO_SMALL, quantity=self.half, order_id=ours(OrderPurpose.STOP, 3))
        self.leverage(BEYOND, 20)
        self.position(BEYOND, stop="")
        self.stop(BEYOND, "-7", order_id=ours(OrderPurpose.STOP, 4))
        self.position(WRONG_SIDE, stop="")
        self.exchange.offset_mark(WRONG_SIDE, Decimal(-1))
        self.stop(WRONG_SIDE, "-0.25", source=TriggerSource.LAST, order_id=ours(OrderPurpose.STOP, 5))
        self.position(DOUBLED)
        for symbol in SYMBOLS[8:]:
            self.position(symbol, side=Side.SHORT if symbol[5] in "13579" else Side.LONG)
        wrong = {
            (NO_STOP, "no_stop"),
            (NO_TP1, "no_take_profit_1"),
            (NO_TP2, "no_take_profit_2"),
            (NOTHING, "no_stop"),
            (NOTHING, "no_take_profit_1"),
            (NOTHING, "no_take_profit_2"),
            (TOO_SMALL, "stop_too_small"),
            (BEYOND, "stop_beyond_liquidation"),
            (WRONG_SIDE, "stop_wrong_side"),
        }
        if profile.capabilities.two_stops:
            self.stop(DOUBLED, "-3.6", order_id=ours(OrderPurpose.STOP, 1))
            wrong.add((DOUBLED, "duplicate_stop"))
        if profile.quantity_orders_survive:
            self.order(FLAT, OrderKind.MARKET)
            self.stop(FLAT, order_id=ours(OrderPurpose.STOP, 2))
            self.close(FLAT)
            wrong.add((FLAT, "zombie_reduces_nothing"))
        return wrong
