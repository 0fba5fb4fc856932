"""All that the venue knows, in one place: what matching and execution change and what durable state keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import TypeAlias, TypeVar

from adapters.simulator.account import Account, LeverageSetting, PositionId, SimPosition
from adapters.simulator.orders import OrderShelf, SimOrder
from adapters.simulator.profiles import PAPER, Profile
from messages.instruments import Instrument
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import ZERO, MarginMode, Money, OrderSide, Price, Quantity, Side, Symbol, Venue, VenueOrderId

_T = TypeVar("_T")
NEVER_LOW = Decimal("-Infinity")
NEVER_HIGH = Decimal("Infinity")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChanged:
    """A position's new condition; ``report`` is ``None`` when it is flat."""

    symbol: Symbol
    hedge_side: Side | None
    report: PositionReport | None


VenueEvent: TypeAlias = OrderReport | FillReport | FundingReport | PositionChanged
"""What a venue tells on its private stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """What taking liquidity costs: half the spread, and an impact that grows with the order's value.

    Attributes:
        half_spread_ticks: Distance from the last price to the best bid and ask, in price steps.
        impact_percent_per_million: Percent of the price for each million of notional.
    """

    half_spread_ticks: int = 1
    impact_percent_per_million: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeConfig:
    """How the venue is set up.

    Attributes:
        wallet: Money at the start, in USDT.
        hedge: Whether both sides of a symbol may be open at once.
        price_band_percent: How far past the mark price a limit order may be willing to pay; ``None`` any.
        history_limit: How many orders, and how many fills a symbol, are remembered.
    """

    venue: Venue = Venue("paper")  # noqa: RUF009 - a NewType call makes no shared mutable value
    profile: Profile = PAPER
    wallet: Money = Decimal(10_000)
    leverage: int = 3
    margin_mode: MarginMode = MarginMode.ISOLATED
    hedge: bool = False
    slippage: Slippage = field(default_factory=Slippage)
    price_band_percent: Decimal | None = Decimal(5)
    history_limit: int = 200_000


@dataclass(slots=True, kw_only=True)
class Market:
    """The prices of one symbol, and between which of them (exclusive) nothing can happen.

    ``last`` and ``mark`` are zero until the first price. The bounds are right while ``stale`` is false.
    """

    symbol: Symbol
    tick: Price
    last: Price = ZERO
    mark: Price = ZERO
    time_ms: int = 0
    last_low: Price = NEVER_LOW
    last_high: Price = NEVER_HIGH
    mark_low: Price = NEVER_LOW
    mark_high: Price = NEVER_HIGH
    stale: bool = True


@dataclass(slots=True)
class Changes:
    """What durable state has to write down since it was last asked."""

    orders: dict[VenueOrderId, SimOrder] = field(default_factory=dict)
    positions: set[PositionId] = field(default_factory=set)
    fills: list[FillReport] = field(default_factory=list)
    funding: list[FundingReport] = field(default_factory=list)
    settings: bool = False

    def __bool__(self) -> bool:
        return bool(self.orders or self.positions or self.fills or self.funding or self.settings)


class VenueState:
    """Instruments, prices, orders, money; and what happened since the transport last looked.

    Attributes:
        touched: Positions whose cover has to be judged anew.
        sequence: The last number given to an order, fill or funding payment.
    """

    def __init__(self, *, config: ExchangeConfig, instruments: Iterable[Instrument], now_ms: int) -> None:
        self.config = config
        self.now_ms = now_ms
        self.instruments: dict[Symbol, Instrument] = {each.symbol: each for each in instruments}
        self.markets = {
            symbol: Market(symbol=symbol, tick=each.price_tick) for symbol, each in self.instruments.items()
        }
        self.orders = OrderShelf(history_limit=config.history_limit)
        self.account = Account(
            start=config.wallet,
            wallet=config.wallet,
            instruments=self.instruments,
            marks={},
            default_setting=LeverageSetting(leverage=config.leverage, margin_mode=config.margin_mode),
        )
        self.fills: dict[Symbol, list[FillReport]] = {}
        self.funding: dict[Symbol, list[FundingReport]] = {}
        self.sequence = 0
        self.events: list[VenueEvent] = []
        self.changes = Changes()
        self.touched: set[PositionId] = set()

    def next_number(self) -> int:
        """A new number for an order, a fill or a payment."""
        self.sequence += 1
        return self.sequence

    def remember_fill(self, fill: FillReport) -> None:
        """Keep an execution for those who ask for it later."""
        _remember(self.fills.setdefault(fill.symbol, []), fill, self.config.history_limit)

    def remember_funding(self, payment: FundingReport) -> None:
        """Keep a payment for those who ask for it later."""
        _remember(self.funding.setdefault(payment.symbol, []), payment, self.config.history_limit)

    def order_changed(self, order: SimOrder) -> None:
        """An order is new or different: tell, write down, look at the cover and the bounds again."""
        self.changes.orders[order.venue_order_id] = order
        self.events.append(order.report(self.config.venue))
        self.touched.add((order.symbol, order.hedge_side))
        self.markets[order.symbol].stale = True

    def position_changed(self, key: PositionId) -> None:
        """A position is new, different or gone."""
        position = self.account.positions.get(key)
        self.changes.positions.add(key)
        self.touched.add(key)
        self.markets[key[0]].stale = True
        report = None if position is None else self.account.report(position, self.config.venue)
        self.events.append(PositionChanged(symbol=key[0], hedge_side=key[1], report=report))

    def reducing_orders(self, key: PositionId, side: OrderSide | None = None) -> Sequence[SimOrder]:
        """Working orders that can only reduce the position ``key``, on ``side`` or on both."""
        return [
            order
            for order in self.orders.working(key[0])
            if order.hedge_side is key[1] and order.reducing and (side is None or order.side is side)
        ]

    def position_of(self, order: SimOrder) -> SimPosition | None:
        """The position that ``order`` would reduce; ``None`` when there is nothing on its other side."""
        position = self.account.positions.get((order.symbol, order.hedge_side))
        return position if position is not None and order.side is exit_side(position.side) else None

    def taking_price(self, symbol: Symbol, side: OrderSide, quantity: Quantity) -> Price:
        """What an order that takes liquidity now pays: the last price, slipped, rounded against the taker."""
        market = self.markets[symbol]
        slippage = self.config.slippage
        slip = market.tick * slippage.half_spread_ticks
        if slippage.impact_percent_per_million:
            value = quantity * self.instruments[symbol].contract_size * market.last
            slip += market.last * slippage.impact_percent_per_million / 100 * value / 1_000_000
        if side is OrderSide.BUY:
            return round_to(market.last + slip, market.tick, ROUND_UP)
        return max(market.tick, round_to(market.last - slip, market.tick, ROUND_DOWN))


def exit_side(side: Side) -> OrderSide:
    """The side of an order that reduces a position."""
    return OrderSide.SELL if side is Side.LONG else OrderSide.BUY


def round_to(value: Decimal, step: Decimal, rounding: str = ROUND_HALF_UP) -> Decimal:
    """``value`` on a multiple of ``step``."""
    return (value / step).quantize(Decimal(1), rounding=rounding) * step


def _remember(kept: list[_T], item: _T, limit: int) -> None:
    kept.append(item)
    if len(kept) > limit:
        del kept[: limit // 10]
