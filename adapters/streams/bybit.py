"""Bybit V5's private and market streams.

Private topics give no snapshot: after each connection the account is read by request. Tickers begin with a snapshot and
go on with what changed; a field that is missing is unchanged. Sources: Bybit V5 documentation; the topic names of
categorised subscriptions are accepted with and without the category.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from adapters.streams.dialect import NOTHING, Listener, Reaction
from adapters.streams.venue_streams import TwoStreams
from adapters.venues.bybit import BybitRest
from adapters.venues.bybit_rows import (
    BYBIT,
    CATEGORY,
    FUNDING,
    ExecutionRow,
    OrderRow,
    PositionRow,
    fill_report,
    funding_report,
    number,
    order_report,
    position_report,
)
from adapters.venues.rest import VenueConfig
from messages.market import Tick
from messages.values import MarginMode, Price, Symbol

LIVE: Final = "wss://stream.bybit.com"
TESTNET: Final = "wss://stream-testnet.bybit.com"
PING_EVERY_S: Final = 4.0
"""The venue asks for one in 20 s; at this pace a dead connection is noticed within ten."""
SILENCE_S: Final = 9.0
LIFE_S: Final = 24 * 3_600.0
LOGIN_LIFE_MS: Final = 10_000
TOPICS_A_REQUEST: Final = 100
_PING: Final = '{"op":"ping"}'
_TICKERS: Final = "tickers."
_UNKNOWN: Final = Reaction(unknown=True)
_NOT_UNDERSTOOD: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""No JSON, another form, a word we do not know, brackets without end."""

ModeOf: TypeAlias = Callable[[], MarginMode]


class _Envelope(msgspec.Struct, rename="camel"):
    """Any message: an answer has ``op``, a push has ``topic``; ``data`` is looked at when the topic is known."""

    topic: str = ""
    op: str = ""
    success: bool | None = None
    ret_msg: str = msgspec.field(default="", name="ret_msg")
    ts: int = 0
    creation_time: int = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Ticker(msgspec.Struct, rename="camel"):
    symbol: str
    last_price: str = ""
    mark_price: str = ""
    bid1_price: str = msgspec.field(default="", name="bid1Price")
    ask1_price: str = msgspec.field(default="", name="ask1Price")


class BybitPrivate:
    """Orders, executions and positions; satisfies ``Dialect``."""

    name = "bybit private"
    ping_every_s = PING_EVERY_S
    silence_s = SILENCE_S
    life_s = LIFE_S

    def __init__(self, config: VenueConfig, margin_mode: ModeOf) -> None:
        self._config = config
        self._margin_mode = margin_mode

    def url(self) -> str:
        """The private endpoint."""
        return f"{_base(self._config)}/v5/private"

    def opened(self, now_ms: int) -> Sequence[str]:
        """The login; its signature lives for ten seconds."""
        expires_ms = now_ms + LOGIN_LIFE_MS
        payload = f"GET/realtime{expires_ms}".encode()
        signature = hmac.new(self._config.api_secret.encode(), payload, hashlib.sha256).hexdigest()
        return (_text({"op": "auth", "args": [self._config.api_key, expires_ms, signature]}),)

    def ping(self, now_ms: int) -> str | None:
        """The venue's own kind of heartbeat."""
        _ = now_ms
        return _PING

    def keep_alive(self, now_ms: int) -> None:
        """Nothing beside the connection."""

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """No market data here."""
        _ = symbols
        return ()

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one message."""
        _ = now_ms
        try:
            message = msgspec.json.decode(data, type=_Envelope)
            return self._pushed(message, listener) if message.topic else self._answered(message)
        except _NOT_UNDERSTOOD:
            return _UNKNOWN

    def _answered(self, message: _Envelope) -> Reaction:
        match message.op:
            case "auth" if message.success:
                topics = [f"{name}.{CATEGORY}" for name in ("order", "execution", "position")]
                return Reaction(send=(_text({"req_id": "subscribe", "op": "subscribe", "args": topics}),))
            case "auth":
                return Reaction(problem=f"login refused: {message.ret_msg}", fatal=True)
            case "subscribe" if message.success:
                return Reaction(ready=True)
            case "subscribe":
                return Reaction(problem=f"subscription refused: {message.ret_msg}")
            case "ping" | "pong":
                return NOTHING
            case _:
                return _UNKNOWN

    def _pushed(self, message: _Envelope, listener: Listener) -> Reaction:
        tell: Callable[[msgspec.Raw, Listener], None]
        match message.topic.partition(".")[0]:
            case "order":
                tell = _ordered
            case "execution":
                tell = self._executed
            case "position":
                tell = self._positioned
            case "wallet":
                return NOTHING
            case _:
                return _UNKNOWN
        reaction = NOTHING
        for raw in msgspec.json.decode(message.data, type=list[msgspec.Raw]):
            try:
                tell(raw, listener)
            except _NOT_UNDERSTOOD:
                # The other rows are still good.
                reaction = _UNKNOWN
        return reaction

    def _positioned(self, raw: msgspec.Raw, listener: Listener) -> None:
        row = msgspec.json.decode(raw, type=PositionRow)
        listener.on_position(BYBIT, Symbol(row.symbol), position_report(row, self._margin_mode()))

    def _executed(self, raw: msgspec.Raw, listener: Listener) -> None:
        row = msgspec.json.decode(raw, type=ExecutionRow)
        if row.exec_type == FUNDING:
            listener.on_funding(funding_report(row, hedge=self._config.hedge))
            return
        fill = fill_report(row, hedge=self._config.hedge)
        if fill is not None:
            listener.on_fill(fill)


class BybitMarket:
    """Prices; satisfies ``Dialect``. Ready with the first pong, for there may be nothing to subscribe to yet."""

    name = "bybit market"
    ping_every_s = PING_EVERY_S
    silence_s = SILENCE_S
    life_s = LIFE_S

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._watched: frozenset[Symbol] = frozenset()
        self._known: dict[str, _Ticker] = {}

    def url(self) -> str:
        """The public endpoint of linear perpetuals."""
        return f"{_base(self._config)}/v5/public/{CATEGORY}"

    def opened(self, now_ms: int) -> Sequence[str]:
        """A first heartbeat."""
        _ = now_ms
        return (_PING,)

    def ping(self, now_ms: int) -> str | None:
        """The venue's own kind of heartbeat."""
        _ = now_ms
        return _PING

    def keep_alive(self, now_ms: int) -> None:
        """Nothing beside the connection."""

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """What is new is subscribed to, what is not wanted any more is let go."""
        wanted = frozenset(symbols)
        gone, new = sorted(self._watched - wanted), sorted(wanted - self._watched)
        self._watched = wanted
        for symbol in gone:
            self._known.pop(symbol, None)
        return (*_about("unsubscribe", gone), *_about("subscribe", new))

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one message."""
        try:
            message = msgspec.json.decode(data, type=_Envelope)
            if message.topic.startswith(_TICKERS):
                return self._ticked(message, listener, now_ms)
            return self._answered(message)
        except _NOT_UNDERSTOOD:
            return _UNKNOWN

    def _answered(self, message: _Envelope) -> Reaction:
        match message.op:
            case "ping" | "pong":
                return Reaction(ready=True)
            case "subscribe" | "unsubscribe" if message.success:
                return Reaction(ready=True)
            case "subscribe" if "already subscribed" in message.ret_msg:
                return Reaction(ready=True)
            case "subscribe":
                # One symbol that the venue does not know must not cost the prices of all others.
                return _UNKNOWN
            case _:
                return _UNKNOWN

    def _ticked(self, message: _Envelope, listener: Listener, now_ms: int) -> Reaction:
        fresh = msgspec.json.decode(message.data, type=_Ticker)
        if fresh.symbol not in self._watched:
            return NOTHING
        known = self._known.get(fresh.symbol, fresh)
        whole = _Ticker(
            symbol=fresh.symbol,
            last_price=fresh.last_price or known.last_price,
            mark_price=fresh.mark_price or known.mark_price,
            bid1_price=fresh.bid1_price or known.bid1_price,
            ask1_price=fresh.ask1_price or known.ask1_price,
        )
        last, mark = _price(whole.last_price), _price(whole.mark_price)
        tick_ends = (_price(whole.bid1_price), _price(whole.ask1_price))
        self._known[fresh.symbol] = whole
        if last is None or mark is None:
            # Changes without the snapshot that they belong to: nothing is known yet.
            return NOTHING
        listener.on_tick(
            Tick(
                venue=BYBIT,
                symbol=Symbol(fresh.symbol),
                last=last,
                mark=mark,
                high=last,
                low=last,
                time_ms=message.ts or now_ms,
                bid=tick_ends[0],
                ask=tick_ends[1],
            )
        )
        return NOTHING


def bybit_connection(config: VenueConfig) -> tuple[BybitRest, TwoStreams]:
    """Both sides of one account; its margin mode, which position messages do not tell, is known from requests."""
    rest = BybitRest(config)
    streams = TwoStreams(
        private=lambda: BybitPrivate(config, rest.margin_mode),
        market=lambda: BybitMarket(config),
        outside=config.outside,
    )
    return rest, streams


def _ordered(raw: msgspec.Raw, listener: Listener) -> None:
    listener.on_order(order_report(msgspec.json.decode(raw, type=OrderRow)))


def _base(config: VenueConfig) -> str:
    return config.ws_url or (TESTNET if config.testnet else LIVE)


def _about(operation: str, symbols: Sequence[Symbol]) -> Sequence[str]:
    topics = [f"{_TICKERS}{symbol}" for symbol in symbols]
    parts = (topics[begin : begin + TOPICS_A_REQUEST] for begin in range(0, len(topics), TOPICS_A_REQUEST))
    return tuple(_text({"req_id": operation, "op": operation, "args": part}) for part in parts)


def _price(text: str) -> Price | None:
    value = number(text)
    return value if value is not None and value > Decimal(0) else None


def _text(message: Mapping[str, object]) -> str:
    return msgspec.json.encode(message).decode()
