"""OKX's public connection: last price, best bid and ask in one channel, the mark price in another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from adapters.streams.dialect import NOTHING, Listener, Reaction
from adapters.streams.okx_frames import LEAVE, PING, PONG, SENSELESS, Frame, base_url, channels, decode
from adapters.venues.okx_rows import OKX, instrument_of, price_of, symbol_of
from adapters.venues.rest import VenueConfig
from messages.market import Tick
from messages.values import Price, Symbol

TICKERS: Final = "tickers"
MARK_PRICE: Final = "mark-price"
UNKNOWN: Final = Reaction(unknown=True)


class TickerRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A push of ``tickers``."""

    inst_id: str
    last: str = ""
    bid_px: str = ""
    ask_px: str = ""
    ts: str = ""


class MarkRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A push of ``mark-price``."""

    inst_id: str
    mark_px: str = ""
    ts: str = ""


@dataclass(slots=True)
class _Prices:
    """What is known of one symbol; each channel brings a part of it."""

    last: Price | None = None
    mark: Price | None = None
    bid: Price | None = None
    ask: Price | None = None
    time_ms: int = 0


class OkxMarketDialect:
    """The public connection. It is ready once OKX has answered at all: there may be nothing to watch yet."""

    name = "okx market"
    ping_every_s: float = 10.0
    silence_s: float = 20.0
    life_s: float = 0.0

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._watched: set[Symbol] = set()
        self._unconfirmed: set[tuple[str, str]] = set()
        self._ready = False
        self._prices: dict[Symbol, _Prices] = {}
        self._tickers = msgspec.json.Decoder(list[TickerRow])
        self._marks = msgspec.json.Decoder(list[MarkRow])

    def url(self) -> str:
        """Where public channels are."""
        return f"{base_url(self._config)}/ws/v5/public"

    def opened(self, now_ms: int) -> Sequence[str]:
        """A ping, whose answer proves that somebody is there."""
        _ = now_ms
        return (PING,)

    def ping(self, now_ms: int) -> str | None:
        """OKX wants a text, and answers with one."""
        _ = now_ms
        return PING

    def keep_alive(self, now_ms: int) -> None:
        """OKX needs nothing beside the connection."""

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """Subscribe what is new, unsubscribe what is not wanted any more."""
        wanted = set(symbols)
        new, gone = sorted(wanted - self._watched), sorted(self._watched - wanted)
        self._watched = wanted
        for symbol in gone:
            self._prices.pop(symbol, None)
            self._unconfirmed -= {(channel, instrument_of(symbol)) for channel in (TICKERS, MARK_PRICE)}
        self._unconfirmed |= {(channel, instrument_of(symbol)) for symbol in new for channel in (TICKERS, MARK_PRICE)}
        return (*channels("unsubscribe", _args(gone)), *channels("subscribe", _args(new)))

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one message."""
        try:
            if data == PONG:
                return self._ready_when_confirmed()
            frame = decode(data)
            return self._event(frame) if frame.event else self._data(frame, listener, now_ms)
        except SENSELESS:
            return UNKNOWN

    def _ready_when_confirmed(self) -> Reaction:
        was_ready, self._ready = self._ready, self._ready or not self._unconfirmed
        return Reaction(ready=self._ready and not was_ready)

    def _event(self, frame: Frame) -> Reaction:
        match frame.event:
            case "subscribe":
                self._unconfirmed.discard((frame.arg.channel, frame.arg.inst_id))
                return self._ready_when_confirmed()
            case "error":
                # One symbol that OKX does not know must not cost the others their prices.
                self._unconfirmed.clear()
                return Reaction(ready=self._ready_when_confirmed().ready, unknown=True)
            case "notice":
                return Reaction(problem=f"told to leave: {frame.msg}") if frame.code == LEAVE else NOTHING
            case "unsubscribe" | "channel-conn-count":
                return NOTHING
            case _:
                return UNKNOWN

    def _data(self, frame: Frame, listener: Listener, now_ms: int) -> Reaction:
        match frame.arg.channel:
            case "tickers":
                for row in self._tickers.decode(frame.data):
                    if (prices := self._of(row.inst_id)) is not None:
                        prices.last = price_of(row.last) or prices.last
                        prices.bid, prices.ask = price_of(row.bid_px), price_of(row.ask_px)
                        self._tell(row.inst_id, prices, row.ts, listener, now_ms)
            case "mark-price":
                for mark in self._marks.decode(frame.data):
                    if (prices := self._of(mark.inst_id)) is not None:
                        prices.mark = price_of(mark.mark_px) or prices.mark
                        self._tell(mark.inst_id, prices, mark.ts, listener, now_ms)
            case _:
                return UNKNOWN
        return NOTHING

    def _of(self, inst_id: str) -> _Prices | None:
        """The prices of a symbol; ``None`` when it is not watched: what was under way when it was given up."""
        symbol = symbol_of(inst_id)
        if symbol is None or symbol not in self._watched:
            return None
        return self._prices.setdefault(symbol, _Prices())

    def _tell(self, inst_id: str, prices: _Prices, ts: str, listener: Listener, now_ms: int) -> None:
        """Both prices are needed: a stop watches the mark, trailing the last."""
        symbol = symbol_of(inst_id)
        prices.time_ms = max(prices.time_ms, int(ts) if ts else now_ms)
        if symbol is None or prices.last is None or prices.mark is None:
            return
        listener.on_tick(
            Tick(
                venue=OKX,
                symbol=symbol,
                last=prices.last,
                mark=prices.mark,
                high=prices.last,
                low=prices.last,
                time_ms=prices.time_ms,
                bid=prices.bid,
                ask=prices.ask,
            )
        )


def _args(symbols: Sequence[Symbol]) -> list[dict[str, str]]:
    return [
        {"channel": channel, "instId": instrument_of(symbol)} for symbol in symbols for channel in (TICKERS, MARK_PRICE)
    ]
