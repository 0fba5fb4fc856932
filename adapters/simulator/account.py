"""The client's money and positions at the venue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from adapters.simulator.margin import MONEY_STEP, bankruptcy_price, liquidation_price, unrealized
from messages.instruments import Instrument
from messages.orders import PositionReport
from messages.values import ZERO, MarginMode, Money, OrderSide, Price, Quantity, Side, Symbol, Venue

PositionId: TypeAlias = tuple[Symbol, Side | None]
"""A symbol, and in hedge mode the side."""


@dataclass(slots=True, kw_only=True)
class SimPosition:
    """An open position as the venue keeps it. ``margin`` is what secures it when isolated, else its initial margin."""

    symbol: Symbol
    hedge_side: Side | None
    side: Side
    quantity: Quantity
    entry_price: Price
    margin: Money
    leverage: int
    margin_mode: MarginMode
    opened_ms: int
    updated_ms: int

    @property
    def key(self) -> PositionId:
        """Where it is kept."""
        return (self.symbol, self.hedge_side)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageSetting:
    """What new positions of a symbol are opened with."""

    leverage: int
    margin_mode: MarginMode


@dataclass(slots=True, kw_only=True)
class Account:
    """Wallet and positions. ``wallet == start + realized - commission + funding``, exactly, always.

    Attributes:
        marks: The latest mark price by symbol, kept by the markets.
    """

    start: Money
    instruments: Mapping[Symbol, Instrument]
    marks: dict[Symbol, Price]
    default_setting: LeverageSetting
    wallet: Money = ZERO
    realized: Money = ZERO
    commission: Money = ZERO
    funding: Money = ZERO
    positions: dict[PositionId, SimPosition] = field(default_factory=dict)
    settings: dict[PositionId, LeverageSetting] = field(default_factory=dict)

    def setting(self, key: PositionId) -> LeverageSetting:
        """Leverage and margin mode of ``key``."""
        return self.settings.get(key, self.default_setting)

    def size(self, position: SimPosition) -> Quantity:
        """The position in base coin."""
        return position.quantity * self.instruments[position.symbol].contract_size

    def mark(self, position: SimPosition) -> Price:
        """The mark price that values the position."""
        return self.marks.get(position.symbol, position.entry_price)

    def profit(self, position: SimPosition) -> Money:
        """Unrealised profit at the mark price."""
        return unrealized(
            side=position.side, size=self.size(position), entry=position.entry_price, price=self.mark(position)
        )

    def equity(self) -> Money:
        """Wallet and everything unrealised."""
        return self.wallet + sum((self.profit(each) for each in self.positions.values()), ZERO)

    def available(self) -> Money:
        """What new positions may be secured with; losses of cross positions count, their profits do not."""
        held = sum((each.margin for each in self.positions.values()), ZERO)
        lost = sum((self.profit(each) for each in self.cross_positions()), ZERO)
        return self.wallet - held + min(lost, ZERO)

    def cross_positions(self) -> Iterator[SimPosition]:
        """The positions that the whole account secures."""
        return (each for each in self.positions.values() if each.margin_mode is MarginMode.CROSS)

    def liquidation_price(self, position: SimPosition) -> Price:
        """Where the venue takes the position over; zero when the price cannot fall that far."""
        return liquidation_price(
            side=position.side,
            size=self.size(position),
            entry=position.entry_price,
            secured=self._secured(position),
            maintenance_rate=self.instruments[position.symbol].maintenance_margin_rate,
        )

    def bankruptcy_price(self, position: SimPosition) -> Price:
        """Where nothing secures the position any more."""
        return bankruptcy_price(
            side=position.side,
            size=self.size(position),
            entry=position.entry_price,
            secured=self._secured(position),
        )

    def apply_fill(
        self, *, key: PositionId, side: OrderSide, price: Price, quantity: Quantity, commission: Money, now_ms: int
    ) -> Money:
        """Book an execution that opens, adds to, or reduces one position, never past flat; gives what it realised."""
        realized = ZERO
        position = self.positions.get(key)
        opening_side = Side.LONG if side is OrderSide.BUY else Side.SHORT
        if position is None:
            setting = self.setting(key)
            position = SimPosition(
                symbol=key[0],
                hedge_side=key[1],
                side=opening_side,
                quantity=ZERO,
                entry_price=price,
                margin=ZERO,
                leverage=setting.leverage,
                margin_mode=setting.margin_mode,
                opened_ms=now_ms,
                updated_ms=now_ms,
            )
            self.positions[key] = position
        position.updated_ms = now_ms
        contract_size = self.instruments[key[0]].contract_size
        if position.side is opening_side:
            total = position.quantity + quantity
            position.entry_price = (position.entry_price * position.quantity + price * quantity) / total
            position.quantity = total
            position.margin += (price * quantity * contract_size / position.leverage).quantize(MONEY_STEP)
        else:
            if quantity > position.quantity:
                raise ValueError("an execution is split where it would flip the position")
            realized = unrealized(
                side=position.side, size=quantity * contract_size, entry=position.entry_price, price=price
            ).quantize(MONEY_STEP)
            left = position.quantity - quantity
            position.margin = (position.margin * left / position.quantity).quantize(MONEY_STEP)
            position.quantity = left
            if not left:
                del self.positions[key]
        self.realized += realized
        self.commission += commission
        self.wallet += realized - commission
        return realized

    def pay_funding(self, position: SimPosition, rate: Decimal) -> Money:
        """Book one funding payment: longs pay a positive rate. What an isolated position pays comes off its margin."""
        value = self.size(position) * self.mark(position) * rate
        amount = (-value if position.side is Side.LONG else value).quantize(MONEY_STEP)
        self.funding += amount
        self.wallet += amount
        if position.margin_mode is MarginMode.ISOLATED:
            position.margin += amount
        return amount

    def report(self, position: SimPosition, venue: Venue) -> PositionReport:
        """The position as the venue shows it."""
        return PositionReport(
            venue=venue,
            symbol=position.symbol,
            side=position.side,
            quantity=position.quantity,
            entry_price=position.entry_price,
            mark_price=self.mark(position),
            leverage=Decimal(position.leverage),
            margin_mode=position.margin_mode,
            liquidation_price=self.liquidation_price(position) or None,
            unrealized_pnl=self.profit(position),
            hedge_side=position.hedge_side,
            updated_ms=position.updated_ms,
        )

    def _secured(self, position: SimPosition) -> Money:
        if position.margin_mode is MarginMode.ISOLATED:
            return position.margin
        secured = self.wallet
        for other in self.positions.values():
            if other is position:
                continue
            if other.margin_mode is MarginMode.ISOLATED:
                secured -= other.margin
            else:
                rate = self.instruments[other.symbol].maintenance_margin_rate
                secured += self.profit(other) - self.size(other) * self.mark(other) * rate
        return secured
