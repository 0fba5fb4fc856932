"""Bitget's v2 streams: orders, plan orders, fills and positions on one connection, prices on another."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.streams.bitget_fills import HeldFills, PlanSearch
from adapters.streams.bitget_messages import AlgoPush, Envelope, FillPush, OrderPush, PositionPush, TickerPush, plain
from adapters.streams.dialect import NOTHING, Dialect, Listener, Reaction
from adapters.streams.venue_streams import TwoStreams
from adapters.venues.bitget import BitgetRest
from adapters.venues.bitget_account import position_report
from adapters.venues.bitget_links import Links
from adapters.venues.bitget_orders import PRODUCT, VENUE, UnreadableError, order_report, plan_report
from adapters.venues.rest import VenueConfig
from messages.market import Tick
from messages.orders import OrderStatus
from messages.values import ZERO, Price, Side, Symbol

LIVE_URL: Final = "wss://ws.bitget.com"
DEMO_URL: Final = "wss://wspap.bitget.com"
PING_EVERY_S: Final = 4.0
SILENCE_S: Final = 9.0
"""The venue answers each ping, and would do with one in 30 s: so often, a dead connection is noticed within 10 s."""
LIFE_S: Final = 24 * 3_600.0
CHANNELS: Final = ("orders", "orders-algo", "positions", "fill")
SYMBOLS_A_MESSAGE: Final = 50
KEY_PROBLEMS: Final = frozenset({30002, 30005, 30011, 30012, 30015, 30016})
"""Login errors that the same key will meet again."""
CLOCK_PROBLEMS: Final = frozenset({30013, 30014})
_UNKNOWN: Final = Reaction(unknown=True)
_BAD: Final = (
    msgspec.MsgspecError,
    UnreadableError,
    UnicodeDecodeError,
    ArithmeticError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def bitget_connection(config: VenueConfig) -> tuple[BitgetRest, TwoStreams]:
    """Both sides of one account: they know the same orders and the same clock."""
    rest = BitgetRest(config)
    search = PlanSearch(config, rest.links, rest.clock)
    streams = TwoStreams(
        private=lambda: PrivateDialect(config, rest.links, search),
        market=lambda: MarketDialect(config),
        outside=config.outside,
    )
    return rest, streams


class PrivateDialect:
    """Login, then the private channels; up once each of them is confirmed. Satisfies ``Dialect``."""

    name = "bitget private"
    ping_every_s = PING_EVERY_S
    silence_s = SILENCE_S
    life_s = LIFE_S

    def __init__(self, config: VenueConfig, links: Links, search: PlanSearch) -> None:
        self._config = config
        self._links = links
        self._waiting = set(CHANNELS)
        self._open: set[tuple[Symbol, Side]] = set()
        self._search = search
        self._held = HeldFills(links, search)

    def url(self) -> str:
        """The private endpoint; after a login that was refused for its time, the time is asked for first."""
        self._search.mend_clock()
        return _url(self._config, "private")

    def opened(self, now_ms: int) -> Sequence[str]:
        """The login; its stamp is in seconds here."""
        stamp = str(self._search.venue_ms(now_ms) // 1_000)
        secret = self._config.api_secret.encode()
        signed = hmac.new(secret, f"{stamp}GET/user/verify".encode(), hashlib.sha256).digest()
        arg = {
            "apiKey": self._config.api_key,
            "passphrase": self._config.api_passphrase,
            "timestamp": stamp,
            "sign": base64.b64encode(signed).decode(),
        }
        return (json.dumps({"op": "login", "args": [arg]}),)

    def ping(self, now_ms: int) -> str | None:
        """A text frame."""
        _ = now_ms
        return "ping"

    def keep_alive(self, now_ms: int) -> None:
        """Fills whose order is still looked for."""
        self._held.release(now_ms)

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """Nothing: prices are on the other connection."""
        _ = symbols
        return ()

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one message."""
        self._held.listener = listener
        if data == b"pong":
            return NOTHING
        try:
            message = msgspec.json.decode(data, type=Envelope)
            if message.event:
                return self._event(message)
            return self._push(data, message, listener, now_ms)
        except _BAD:
            return _UNKNOWN

    def _event(self, message: Envelope) -> Reaction:
        match message.event:
            case "login" if message.code in (0, "0"):
                args = [{"instType": PRODUCT, "channel": channel, "instId": "default"} for channel in CHANNELS]
                return Reaction(send=(json.dumps({"op": "subscribe", "args": args}),))
            case "login" | "error":
                if _code(message) in CLOCK_PROBLEMS:
                    self._search.mistrust_clock()
                return _problem(message)
            case "subscribe":
                self._waiting.discard(message.arg.channel)
                return Reaction(ready=not self._waiting)
            case _:
                return _UNKNOWN

    def _push(self, data: bytes, message: Envelope, listener: Listener, now_ms: int) -> Reaction:
        match message.arg.channel:
            case "orders":
                return self._orders(data, listener, now_ms)
            case "orders-algo":
                return self._plans(data, listener)
            case "fill":
                for fill in msgspec.json.decode(data, type=FillPush).data:
                    self._held.add(plain(fill), now_ms)
                self._held.release(now_ms)
                return NOTHING
            case "positions":
                return self._positions(data, listener)
            case _:
                return _UNKNOWN

    def _orders(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        for row in msgspec.json.decode(data, type=OrderPush).data:
            report = order_report(plain(row))
            if report.client_order_id is not None or not report.reduce_only:
                self._links.learn(report)
            else:
                # A number for an id: perhaps the child of a plan order, whose fills are told under the plan's id.
                self._held.foreign(str(report.venue_order_id))
            listener.on_order(report)
        self._held.release(now_ms)
        return NOTHING

    def _plans(self, data: bytes, listener: Listener) -> Reaction:
        for row in msgspec.json.decode(data, type=AlgoPush).data:
            report = plan_report(plain(row))
            if report is None:
                continue
            # What executed is told by its fills; a stop without a size says here only that it did.
            if report.status is OrderStatus.FILLED and report.filled_quantity == ZERO and report.quantity is None:
                continue
            listener.on_order(report)
        return NOTHING

    def _positions(self, data: bytes, listener: Listener) -> Reaction:
        """Each push is the full list: what is missing is flat."""
        reports = [position_report(plain(row)) for row in msgspec.json.decode(data, type=PositionPush).data]
        present = {(report.symbol, report.side) for report in reports if report is not None}
        gone, self._open = self._open - present, present
        still = {symbol for symbol, _ in present}
        for symbol, _side in sorted(gone):
            if symbol not in still:
                listener.on_position(VENUE, symbol, None)
        for report in reports:
            if report is not None:
                listener.on_position(VENUE, report.symbol, report)
        return NOTHING


class MarketDialect:
    """The ticker of each watched symbol. Satisfies ``Dialect``."""

    name = "bitget market"
    ping_every_s = PING_EVERY_S
    silence_s = SILENCE_S
    life_s = LIFE_S

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._watched: set[Symbol] = set()
        self._marks: dict[str, Price] = {}

    def url(self) -> str:
        """The public endpoint."""
        return _url(self._config, "public")

    def opened(self, now_ms: int) -> Sequence[str]:
        """A ping: its answer says that the connection is of use, also while nothing is watched."""
        _ = now_ms
        return ("ping",)

    def ping(self, now_ms: int) -> str | None:
        """A text frame."""
        _ = now_ms
        return "ping"

    def keep_alive(self, now_ms: int) -> None:
        """Nothing."""

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """Unsubscribe what is no longer wanted, subscribe what is new."""
        wanted = set(symbols)
        gone, new = sorted(self._watched - wanted), sorted(wanted - self._watched)
        self._watched = wanted
        return (*_messages("unsubscribe", gone), *_messages("subscribe", new))

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one message."""
        _ = now_ms
        if data == b"pong":
            return Reaction(ready=True)
        try:
            message = msgspec.json.decode(data, type=Envelope)
            match message.event:
                case "subscribe":
                    return Reaction(ready=True)
                case "unsubscribe":
                    return NOTHING
                case "error":
                    # One symbol that does not exist must not take the others' prices away.
                    return _UNKNOWN if message.arg.channel else _problem(message)
                case "":
                    return self._ticker(data, message, listener)
                case _:
                    return _UNKNOWN
        except _BAD:
            return _UNKNOWN

    def _ticker(self, data: bytes, message: Envelope, listener: Listener) -> Reaction:
        if message.arg.channel != "ticker":
            return _UNKNOWN
        for row in msgspec.json.decode(data, type=TickerPush).data:
            mark = row.mark_price or self._marks.get(row.inst_id) or row.last_price
            self._marks[row.inst_id] = mark
            if row.last_price <= 0:
                return _UNKNOWN
            listener.on_tick(
                Tick(
                    venue=VENUE,
                    symbol=Symbol(row.inst_id),
                    last=row.last_price,
                    mark=mark,
                    high=row.last_price,
                    low=row.last_price,
                    time_ms=row.time_ms or message.ts,
                    bid=row.bid_price,
                    ask=row.ask_price,
                )
            )
        return NOTHING


def _problem(message: Envelope) -> Reaction:
    code = _code(message)
    return Reaction(problem=f"{code} {message.msg}".strip(), fatal=code in KEY_PROBLEMS)


def _code(message: Envelope) -> int:
    return int(message.code) if str(message.code).isdigit() else 0


def _messages(op: str, symbols: Sequence[Symbol]) -> list[str]:
    """Subscriptions, a few dozen a message: the venue takes ten messages a second."""
    args = [{"instType": PRODUCT, "channel": "ticker", "instId": str(symbol)} for symbol in symbols]
    parts = [args[at : at + SYMBOLS_A_MESSAGE] for at in range(0, len(args), SYMBOLS_A_MESSAGE)]
    return [json.dumps({"op": op, "args": part}) for part in parts]


def _url(config: VenueConfig, which: str) -> str:
    base = config.ws_url or (DEMO_URL if config.testnet else LIVE_URL)
    return f"{base}/v2/ws/{which}"


__all__ = ["Dialect", "MarketDialect", "PrivateDialect", "bitget_connection"]
