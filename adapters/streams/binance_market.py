"""Binance's prices: mark and last price on one connection, best bid and ask on another, merged into ticks.

The venue has split its streams by kind. Sizes at the best bid and ask change many times a second and make no tick.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from adapters.streams.binance_events import AggregateTrade, BookTicker, DayTicker, Envelope, MarkPrice
from adapters.streams.binance_private import LIFE_S, PING_S, SILENCE_S, UNKNOWN, UNREADABLE
from adapters.streams.dialect import NOTHING, Listener, Reaction
from adapters.venues.binance_reports import BINANCE
from messages.market import Tick
from messages.values import Price, Symbol

PRICE_STREAMS: Final = ("markPrice@1s", "ticker", "aggTrade")
BOOK_STREAMS: Final = ("bookTicker",)
NAMES_A_MESSAGE: Final = 150
QUIET_MS: Final = 10_000
"""Mark prices come every second: none for so long, and the subscription is of no use though the connection lives."""

_envelope: Final = msgspec.json.Decoder(Envelope)
_mark: Final = msgspec.json.Decoder(MarkPrice)
_trade: Final = msgspec.json.Decoder(AggregateTrade)
_day: Final = msgspec.json.Decoder(DayTicker)
_book: Final = msgspec.json.Decoder(BookTicker)


@dataclass(slots=True)
class _Prices:
    last: Price | None = None
    mark: Price | None = None
    bid: Price | None = None
    ask: Price | None = None
    time_ms: int = 0


class PriceBoard:
    """The latest prices of each symbol; written from the threads of two connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prices: dict[str, _Prices] = {}

    def take(
        self,
        symbol: str,
        time_ms: int,
        *,
        last: Price | None = None,
        mark: Price | None = None,
        bid: Price | None = None,
        ask: Price | None = None,
    ) -> Tick | None:
        """Note what came; gives the tick that it makes, once both the last and the mark price are known.

        Raises:
            ValueError: A price that is none.
        """
        if any(price is not None and not (price.is_finite() and price > 0) for price in (last, mark, bid, ask)):
            raise ValueError(f"no price: {last} {mark} {bid} {ask}")
        with self._lock:
            prices = self._prices.setdefault(symbol, _Prices())
            prices.last, prices.mark = last or prices.last, mark or prices.mark
            prices.bid, prices.ask = bid or prices.bid, ask or prices.ask
            prices.time_ms = max(prices.time_ms, time_ms)
            if prices.last is None or prices.mark is None:
                return None
            return Tick(
                venue=BINANCE,
                symbol=Symbol(symbol),
                last=prices.last,
                mark=prices.mark,
                high=prices.last,
                low=prices.last,
                time_ms=prices.time_ms,
                bid=prices.bid,
                ask=prices.ask,
            )

    def forget(self, *, book: bool) -> None:
        """A connection was lost: what it told last is old, and must not pass for new beside what the other tells."""
        with self._lock:
            for prices in self._prices.values():
                if book:
                    prices.bid = prices.ask = None
                else:
                    prices.last = prices.mark = None

    def best(self, symbol: str) -> tuple[Decimal | None, Decimal | None]:
        """Bid and ask as they were told last."""
        with self._lock:
            prices = self._prices.get(symbol, _Prices())
            return prices.bid, prices.ask


class BinanceMarket:
    """Satisfies :class:`~adapters.streams.dialect.Dialect` for one connection with prices."""

    ping_every_s = PING_S
    silence_s = SILENCE_S
    life_s = LIFE_S
    ready_when_open = True

    def __init__(self, *, name: str, address: Callable[[], str], streams: Sequence[str], board: PriceBoard) -> None:
        """``streams`` are those of each symbol, of the one room that ``address`` leads to."""
        self.name = name
        self._address = address
        self._streams = tuple(streams)
        self._board = board
        self._watched: frozenset[str] = frozenset()
        self._numbers = 0
        self._heard_ms = 0

    def url(self) -> str:
        """Where the prices are."""
        return self._address()

    def opened(self, now_ms: int) -> Sequence[str]:
        """Subscriptions follow by :meth:`watch`."""
        self._board.forget(book=self._streams == BOOK_STREAMS)
        self._heard_ms = now_ms
        return ()

    def ping(self, now_ms: int) -> str | None:
        """A ping frame."""
        _ = now_ms
        return None

    def keep_alive(self, now_ms: int) -> None:
        """Notice a subscription that brings nothing.

        Raises:
            OSError: For another connection.
        """
        if not self._watched or "markPrice@1s" not in self._streams:
            self._heard_ms = now_ms
        elif now_ms - self._heard_ms > QUIET_MS:
            raise OSError(f"no price for {QUIET_MS / 1_000:g} s")

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """Subscribe what is new, and unsubscribe what is not wanted any more."""
        wanted = frozenset(symbol.lower() for symbol in symbols)
        gone, new = self._watched - wanted, wanted - self._watched
        self._watched = wanted
        return [*self._messages("UNSUBSCRIBE", gone), *self._messages("SUBSCRIBE", new)]

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one price, or the answer to a subscription."""
        try:
            envelope = _envelope.decode(data)
            if envelope.stream and not envelope.e:
                data = bytes(envelope.data)
                envelope = _envelope.decode(data)
            if envelope.e:
                return self._take(envelope.e, data, listener, now_ms)
            return _answered(envelope)
        except UNREADABLE:
            return UNKNOWN

    def _take(self, event: str, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        match event:
            case "markPriceUpdate":
                mark = _mark.decode(data)
                self._heard_ms = now_ms
                tick = self._board.take(mark.symbol, mark.time_ms, mark=mark.mark)
            case "aggTrade":
                trade = _trade.decode(data)
                tick = self._board.take(trade.symbol, trade.time_ms, last=trade.last)
            case "24hrTicker":
                day = _day.decode(data)
                tick = self._board.take(day.symbol, day.time_ms, last=day.last)
            case "bookTicker":
                book = _book.decode(data)
                if self._board.best(book.symbol) == (book.bid, book.ask):
                    return NOTHING
                tick = self._board.take(book.symbol, book.time_ms, bid=book.bid, ask=book.ask)
            case _:
                return UNKNOWN
        # A symbol that was unsubscribed may still come for a moment.
        if tick is not None and tick.symbol.lower() in self._watched:
            listener.on_tick(tick)
        return NOTHING

    def _messages(self, method: str, symbols: frozenset[str]) -> list[str]:
        names = [f"{symbol}@{stream}" for symbol in sorted(symbols) for stream in self._streams]
        messages = []
        for first in range(0, len(names), NAMES_A_MESSAGE):
            self._numbers += 1
            part = names[first : first + NAMES_A_MESSAGE]
            messages.append(json.dumps({"method": method, "params": part, "id": self._numbers}))
        return messages


def _answered(envelope: Envelope) -> Reaction:
    """The answer to a subscription: nothing, or why it was refused."""
    if bytes(envelope.error) not in {b"", b"null"}:
        return Reaction(problem=f"subscription refused: {bytes(envelope.error)[:200].decode('utf-8', 'replace')}")
    return NOTHING if envelope.id is not None else UNKNOWN
