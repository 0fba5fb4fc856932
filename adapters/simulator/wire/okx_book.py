"""What the wire reads of the engine beside what requests tell: orders by any id, ended ones, settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.simulator.account import LeverageSetting
from adapters.simulator.engine import Exchange
from adapters.simulator.orders import CONDITIONAL, SimOrder
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.okx_rows import Row, algo_row, child_row, number_in, order_row
from messages.orders import FillKind, FillReport, OrderReport
from messages.values import ZERO, ClientOrderId, Price, Side, Symbol, VenueOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An order as it is now, and what its rows show beside it."""

    report: OrderReport
    triggered: bool
    last: Price
    setting: LeverageSetting
    liquidation: bool = False

    @property
    def conditional(self) -> bool:
        """Whether it is an algo order."""
        return self.report.kind in CONDITIONAL

    @property
    def row(self) -> Row:
        """As it stands in its own list."""
        lever, mode = str(self.setting.leverage), self.setting.margin_mode
        if self.conditional:
            return algo_row(self.report, last=self.last, lever=lever, mode=mode)
        kind = FillKind.LIQUIDATION if self.liquidation else FillKind.TRADE
        return order_row(self.report, lever=lever, mode=mode, kind=kind)

    @property
    def child(self) -> Row:
        """What it has sent when it triggered."""
        return child_row(self.report, lever=str(self.setting.leverage), mode=self.setting.margin_mode)


class Book:
    """Looks between two changes of the exchange."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange

    def by_number(self, number: VenueOrderId) -> Seen | None:
        """An order by the engine's number."""
        return self._exchange.look(lambda engine: _seen(engine, engine.state.orders.by_id(number)))

    def by_own_id(self, own_id: str) -> Seen | None:
        """An order by any of the ids that the wire gives it."""
        number = number_in(own_id)
        return None if number is None else self.by_number(number)

    def by_client_id(self, client_order_id: str) -> Seen | None:
        """An order by its client id."""
        found = ClientOrderId(client_order_id)
        return self._exchange.look(lambda engine: _seen(engine, engine.state.orders.by_client_id(found)))

    def ended(self, which: Callable[[OrderReport], bool]) -> Sequence[Seen]:
        """Ended orders, the newest first."""

        def read(engine: Exchange) -> list[Seen]:
            venue = engine.state.config.venue
            known = [each for symbol in engine.state.instruments for each in engine.state.orders.known(symbol)]
            wanted = [each for each in known if not each.working and which(each.report(venue))]
            wanted.sort(key=lambda each: each.number, reverse=True)
            return [seen for each in wanted if (seen := _seen(engine, each)) is not None]

        return self._exchange.look(read)

    def setting(self, symbol: Symbol, hedge_side: Side | None) -> LeverageSetting:
        """Leverage and margin mode: of the position, else as set."""

        def read(engine: Exchange) -> LeverageSetting:
            account = engine.state.account
            position = account.positions.get((symbol, hedge_side))
            if position is not None:
                return LeverageSetting(leverage=position.leverage, margin_mode=position.margin_mode)
            return account.setting((symbol, hedge_side))

        return self._exchange.look(read)

    def last(self, symbol: Symbol) -> Price:
        """The last price; zero of what is not listed."""

        def read(engine: Exchange) -> Decimal:
            market = engine.state.markets.get(symbol)
            return ZERO if market is None else market.last

        return self._exchange.look(read)

    def symbols(self) -> Sequence[Symbol]:
        """What is listed."""
        return self._exchange.look(lambda engine: tuple(engine.state.instruments))

    def is_conditional(self, fill: FillReport) -> bool:
        """Whether an algo order brought the fill about."""
        seen = self.by_number(fill.venue_order_id)
        return seen is not None and seen.conditional


def _seen(engine: Exchange, order: SimOrder | None) -> Seen | None:
    if order is None:
        return None
    state = engine.state
    fills = state.fills.get(order.symbol, [])
    anonymous = order.client_order_id is None and order.reduce_only
    return Seen(
        report=order.report(state.config.venue),
        triggered=order.triggered,
        last=state.markets[order.symbol].last,
        setting=state.account.setting((order.symbol, order.hedge_side)),
        liquidation=anonymous
        and any(
            fill.venue_order_id == order.venue_order_id and fill.kind is FillKind.LIQUIDATION for fill in fills[-20:]
        ),
    )
