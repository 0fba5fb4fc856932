"""OKX's private connections: orders and positions on one path, algo orders on another (``business``)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from adapters.streams.dialect import NOTHING, Listener, Reaction
from adapters.streams.okx_frames import (
    EXPIRED,
    FATAL,
    LEAVE,
    PING,
    PONG,
    SENSELESS,
    Frame,
    LoginClock,
    base_url,
    channels,
    decode,
    login,
)
from adapters.venues.okx_reports import FILL_KINDS, algo_report, is_child, order_id_of, order_report, position_report
from adapters.venues.okx_rows import (
    OKX,
    QUOTE,
    AlgoRow,
    OrderRow,
    PositionRow,
    hedge_side_of,
    number_of,
    symbol_of,
)
from adapters.venues.rest import VenueConfig
from messages.orders import FillKind, FillReport
from messages.values import ZERO, OrderKind, OrderSide, Symbol, VenueOrderId

PRIVATE: Final = "private"
BUSINESS: Final = "business"
CHANNELS: Final[Mapping[str, Sequence[str]]] = {PRIVATE: ("orders", "positions"), BUSINESS: ("orders-algo",)}
MAX_FEES: Final = 10_000
UNKNOWN: Final = Reaction(unknown=True)


class OkxPrivateDialect:
    """One private connection: it logs in, subscribes, and is ready when everything is confirmed."""

    ping_every_s: float = 10.0
    silence_s: float = 20.0
    life_s: float = 0.0

    def __init__(self, config: VenueConfig, path: str, clock: LoginClock) -> None:
        self.name = f"okx {path}"
        self._config = config
        self._path = path
        self._clock = clock
        self._logged_in = False
        self._unconfirmed = set(CHANNELS[path])
        self._fees: dict[str, Decimal] = {}
        self._orders = msgspec.json.Decoder(list[OrderRow])
        self._algos = msgspec.json.Decoder(list[AlgoRow])
        self._positions = msgspec.json.Decoder(list[PositionRow])

    def url(self) -> str:
        """The path says what can be subscribed to. May ask REST for the time."""
        self._clock.mend()
        return f"{base_url(self._config)}/ws/v5/{self._path}"

    def opened(self, now_ms: int) -> Sequence[str]:
        """The login, by OKX's clock as far as it was measured."""
        return (login(self._config, self._clock.now_ms(now_ms)),)

    def ping(self, now_ms: int) -> str | None:
        """OKX wants a text, and answers with one."""
        _ = now_ms
        return PING

    def keep_alive(self, now_ms: int) -> None:
        """OKX needs nothing beside the connection."""

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """Private channels are of all symbols."""
        _ = symbols
        return ()

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one message."""
        _ = now_ms
        if data == PONG:
            return NOTHING
        try:
            frame = decode(data)
            return self._event(frame) if frame.event else self._data(frame, listener)
        except SENSELESS:
            return UNKNOWN

    def _event(self, frame: Frame) -> Reaction:
        match frame.event:
            case "login":
                self._logged_in = True
                wanted = [{"channel": channel, "instType": "SWAP"} for channel in CHANNELS[self._path]]
                return Reaction(send=channels("subscribe", wanted))
            case "subscribe":
                was_ready = not self._unconfirmed
                self._unconfirmed.discard(frame.arg.channel)
                return Reaction(ready=not was_ready and not self._unconfirmed)
            case "error":
                if frame.code == EXPIRED:
                    self._clock.refused()
                what = "subscription" if self._logged_in else "login"
                return Reaction(problem=f"{what} refused: {frame.code} {frame.msg}", fatal=frame.code in FATAL)
            case "channel-conn-count-error":
                return Reaction(problem=f"too many connections: {frame.arg.channel}")
            case "notice":
                return Reaction(problem=f"told to leave: {frame.msg}") if frame.code == LEAVE else NOTHING
            case "channel-conn-count" | "unsubscribe":
                return NOTHING
            case _:
                return UNKNOWN

    def _data(self, frame: Frame, listener: Listener) -> Reaction:
        match frame.arg.channel:
            case "orders":
                for order in self._orders.decode(frame.data):
                    self._on_order(order, listener)
            case "orders-algo":
                for algo in self._algos.decode(frame.data):
                    if symbol_of(algo.inst_id) is not None:
                        listener.on_order(algo_report(algo))
            case "positions":
                for position in self._positions.decode(frame.data):
                    symbol = symbol_of(position.inst_id)
                    if symbol is not None:
                        listener.on_position(OKX, symbol, position_report(position))
            case _:
                return UNKNOWN
        return NOTHING

    def _on_order(self, row: OrderRow, listener: Listener) -> None:
        """An order, and the execution that the push may be about.

        What a triggered algo order sends to the market is told as fills only: the algo order itself is told of on the
        other connection, under the id that it is known by.
        """
        symbol = symbol_of(row.inst_id)
        if symbol is None:
            return
        report = order_report(row)
        quantity = number_of(row.fill_sz) or ZERO
        price = number_of(row.fill_px)
        if row.trade_id and quantity > 0 and price is not None:
            listener.on_fill(
                FillReport(
                    venue=OKX,
                    symbol=symbol,
                    fill_id=row.trade_id,
                    venue_order_id=VenueOrderId(row.ord_id),
                    client_order_id=order_id_of(row),
                    side=OrderSide(row.side),
                    price=price,
                    quantity=quantity,
                    commission=-self._fee_of(row, quantity),
                    time_ms=int(row.fill_time or row.u_time or 0),
                    commission_asset=row.fill_fee_ccy or row.fee_ccy or QUOTE,
                    kind=FILL_KINDS.get(row.category, FillKind.TRADE),
                    maker=row.exec_type == "M",
                    hedge_side=hedge_side_of(row.pos_side),
                )
            )
        if not (is_child(row) and report.kind is OrderKind.MARKET):
            listener.on_order(report)

    def _fee_of(self, row: OrderRow, quantity: Decimal) -> Decimal:
        """The fee of one execution: ``fee`` is the order's so far, ``fillFee`` (where it comes) the execution's."""
        fee = number_of(row.fill_fee)
        if fee is not None:
            return fee
        so_far = number_of(row.fee) or ZERO
        before = self._fees.get(row.ord_id)
        if before is None:
            filled = number_of(row.acc_fill_sz) or quantity
            before = so_far * (filled - quantity) / filled
        self._fees[row.ord_id] = so_far
        if len(self._fees) > MAX_FEES:
            del self._fees[next(iter(self._fees))]
        return so_far - before
