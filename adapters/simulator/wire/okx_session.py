"""One WebSocket client of the simulated OKX, on the public, the private or the business path."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import msgspec

from adapters.simulator.orders import CONDITIONAL
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.okx_account_rows import flat_row, mark_row, position_row, ticker_row
from adapters.simulator.wire.okx_book import Book
from adapters.simulator.wire.okx_gate import LATE_MS, sign
from adapters.simulator.wire.okx_rows import Row, with_fill
from adapters.venues.okx_rows import instrument_of, symbol_of
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import ZERO, Symbol, VenueOrderId
from messages.venue import AccountReport, FetchAccount

CONNECTION: Final = "a4d3ae55"
_CHANNELS: Final = {
    "public": frozenset({"tickers", "mark-price"}),
    "private": frozenset({"orders", "positions", "account"}),
    "business": frozenset({"orders-algo"}),
}


class OkxSession:
    """What one client has subscribed to, and what it is told."""

    def __init__(self, exchange: PaperExchange, keys: Keys, book: Book, path: str) -> None:
        self._exchange = exchange
        self._keys = keys
        self._book = book
        self._path = path
        self._logged_in = path == "public"
        self._private: set[str] = set()
        self._public: dict[Symbol, set[str]] = {}
        self._fees: dict[VenueOrderId, Decimal] = {}

    @property
    def hears_private(self) -> bool:
        """Whether it subscribed to anything of the account."""
        return bool(self._private)

    @property
    def symbols(self) -> Sequence[Symbol]:
        """Whose prices it subscribed to."""
        return tuple(self._public)

    def opened(self) -> Sequence[str]:
        """OKX waits to be spoken to."""
        return ()

    def received(self, text: str) -> Sequence[str]:
        """Take a message of the client."""
        if text == "ping":
            return ("pong",)
        try:
            message = msgspec.json.decode(text)
            operation, args = str(message["op"]), [dict(each) for each in message["args"]]
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            return (_error("60012", f"Invalid request: {text[:100]}"),)
        match operation:
            case "login":
                return self._login(args)
            case "subscribe":
                return [reply for arg in args for reply in self._subscribe(arg)]
            case "unsubscribe":
                return [self._unsubscribe(arg) for arg in args]
            case _:
                return (_error("60012", f"Invalid request: {operation}"),)

    def _login(self, args: Sequence[Mapping[str, object]]) -> Sequence[str]:
        login = args[0] if args else {}
        if login.get("apiKey") != self._keys.api_key:
            return (_error("60005", "Invalid apiKey"),)
        if login.get("passphrase") != self._keys.api_passphrase:
            return (_error("60024", "Wrong passphrase"),)
        stamp = str(login.get("timestamp", ""))
        if not stamp.isdecimal() or abs(int(stamp) * 1_000 - self._exchange.venue_ms) > LATE_MS:
            return (_error("60006", "Timestamp request expired"),)
        if not hmac.compare_digest(sign(self._keys, f"{stamp}GET/users/self/verify"), str(login.get("sign"))):
            return (_error("60007", "Invalid sign"),)
        self._logged_in = True
        return (_said({"event": "login", "code": "0", "msg": "", "connId": CONNECTION}),)

    def _subscribe(self, arg: Mapping[str, object]) -> Sequence[str]:
        channel = str(arg.get("channel"))
        if not self._logged_in:
            return (_error("60011", "Please log in"),)
        if channel not in _CHANNELS[self._path]:
            return (_error("60018", f"Wrong URL or channel:{channel} doesn't exist"),)
        done = _said({"event": "subscribe", "arg": arg, "connId": CONNECTION})
        if self._path != "public":
            self._private.add(channel)
            return (done, *(self._snapshot() if channel == "positions" else ()))
        symbol = symbol_of(str(arg.get("instId")))
        if symbol is None or symbol not in self._book.symbols():
            return (_error("60018", f"instId:{arg.get('instId')} doesn't exist"),)
        self._public.setdefault(symbol, set()).add(channel)
        tick = self._exchange.current_tick(symbol)
        return (done, *(() if tick is None else self._prices(tick, {channel})))

    def _unsubscribe(self, arg: Mapping[str, object]) -> str:
        channel, symbol = str(arg.get("channel")), symbol_of(str(arg.get("instId")))
        self._private.discard(channel)
        if symbol in self._public:
            self._public[symbol].discard(channel)
            if not self._public[symbol]:
                del self._public[symbol]
        return _said({"event": "unsubscribe", "arg": arg, "connId": CONNECTION})

    def _snapshot(self) -> Sequence[str]:
        account = self._exchange.by_hand(FetchAccount())
        if not isinstance(account, AccountReport):
            return ()
        return [text for each in account.positions for text in self.on_position(each.symbol, each)]

    # --- told by the exchange -----------------------------------------------------------------------------------------

    def on_order(self, report: OrderReport) -> Sequence[str]:
        """An order changed; algo orders are told on the business path."""
        seen = self._book.by_number(report.venue_order_id)
        channel = "orders-algo" if report.kind in CONDITIONAL else "orders"
        if seen is None or channel not in self._private:
            return ()
        return (_push({"channel": channel, "instType": "SWAP"}, replace(seen, report=report).row),)

    def on_fill(self, fill: FillReport) -> Sequence[str]:
        """An execution: a push of its order; an algo order's is its child's."""
        seen = self._book.by_number(fill.venue_order_id)
        if seen is None or "orders" not in self._private:
            return ()
        so_far = self._fees.get(fill.venue_order_id, ZERO) + fill.commission
        self._fees[fill.venue_order_id] = so_far
        row = seen.child if seen.conditional else seen.row
        return (_push({"channel": "orders", "instType": "SWAP"}, with_fill(row, fill, so_far)),)

    def on_position(self, symbol: Symbol, report: PositionReport | None) -> Sequence[str]:
        """A position changed; a flat one is pushed with nothing in it."""
        if "positions" not in self._private:
            return ()
        now_ms = self._exchange.venue_ms
        if report is None:
            row = flat_row(instrument_of(symbol), now_ms)
        else:
            instrument = self._exchange.look(lambda engine: engine.state.instruments[symbol])
            row = position_row(report, instrument, None, now_ms)
        return (_push({"channel": "positions", "instType": "SWAP"}, row),)

    def on_funding(self, payment: FundingReport) -> Sequence[str]:
        """Funding is in the bills; no channel that is used here tells of it."""
        _ = payment
        return ()

    def on_tick(self, tick: Tick) -> Sequence[str]:
        """A price."""
        return self._prices(tick, self._public.get(tick.symbol, set()))

    def _prices(self, tick: Tick, channels: set[str]) -> Sequence[str]:
        name = instrument_of(tick.symbol)
        rows = (("mark-price", mark_row), ("tickers", ticker_row))
        return [_push({"channel": channel, "instId": name}, row(tick)) for channel, row in rows if channel in channels]


def _push(arg: Mapping[str, str], row: Row) -> str:
    return _said({"arg": arg, "data": [row]})


def _error(code: str, text: str) -> str:
    return _said({"event": "error", "code": code, "msg": text, "connId": CONNECTION})


def _said(message: object) -> str:
    return msgspec.json.encode(message).decode()
