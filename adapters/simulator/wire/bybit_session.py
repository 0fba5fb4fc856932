"""Bybit's WebSocket connections, on the server's side: the private one and that of the market."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from adapters.simulator.engine import Exchange
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.bybit_rows import (
    Row,
    execution_row,
    flat_row,
    funding_row,
    order_row,
    position_row,
    ticker_row,
)
from adapters.simulator.wire.dialect import Keys
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Side, Symbol

CONNECTION_ID: Final = "ce3dpomvha7dha97tvp0-2xh"
_PRIVATE: Final = frozenset({"order", "execution", "position", "wallet"})
_TICKERS: Final = "tickers."


def _text(message: Mapping[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _reply(operation: str, message: Mapping[str, Any], *, problem: str = "") -> str:
    return _text(
        {
            "success": not problem,
            "ret_msg": problem,
            "op": operation,
            "conn_id": CONNECTION_ID,
            "req_id": message.get("req_id", ""),
        }
    )


class PrivateSession:
    """Orders, executions and positions of the account, after a login."""

    def __init__(self, exchange: PaperExchange, keys: Keys) -> None:
        self._exchange = exchange
        self._keys = keys
        self._logged_in = False
        self._topics: dict[str, str] = {}

    @property
    def hears_private(self) -> bool:
        """Whether it logged in and subscribed."""
        return bool(self._topics)

    @property
    def symbols(self) -> Sequence[Symbol]:
        """No prices here."""
        return ()

    def opened(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def received(self, text: str) -> Sequence[str]:
        """Take a message of the client."""
        message = _parsed(text)
        match message.get("op"):
            case "ping":
                now = str(self._exchange.venue_ms)
                return (
                    _text({"req_id": message.get("req_id", ""), "op": "pong", "args": [now], "conn_id": CONNECTION_ID}),
                )
            case "auth":
                return (self._login(message),)
            case "subscribe":
                return (self._subscribe(message),)
            case operation:
                return (_reply(str(operation), message, problem="error:unknown op"),)

    def on_order(self, report: OrderReport) -> Sequence[str]:
        """An order changed."""
        return self._tell("order", lambda exchange: [order_row(exchange, report)])

    def on_fill(self, fill: FillReport) -> Sequence[str]:
        """An execution."""
        return self._tell("execution", lambda exchange: [execution_row(exchange, fill)])

    def on_position(self, symbol: Symbol, report: PositionReport | None) -> Sequence[str]:
        """A position changed. In hedge mode a flat one does not say its side: those that are flat now are told."""

        def rows(exchange: Exchange) -> list[Row]:
            if report is not None:
                return [position_row(exchange, report, stream=True)]
            sides: tuple[Side | None, ...] = (Side.LONG, Side.SHORT) if exchange.state.config.hedge else (None,)
            held = {key[1] for key in exchange.state.account.positions if key[0] == symbol}
            flat = [side for side in sides if side not in held or side is None]
            return [flat_row(exchange, symbol, side, stream=True) for side in flat]

        return self._tell("position", rows)

    def on_funding(self, payment: FundingReport) -> Sequence[str]:
        """A funding payment comes as an execution."""
        return self._tell("execution", lambda _: [funding_row(payment)])

    def on_tick(self, tick: Tick) -> Sequence[str]:
        """No prices here."""
        _ = tick
        return ()

    def _login(self, message: Mapping[str, Any]) -> str:
        match message.get("args"):
            case [str() as key, int() as expires_ms, str() as signature]:
                payload = f"GET/realtime{expires_ms}".encode()
                expected = hmac.new(self._keys.api_secret.encode(), payload, hashlib.sha256).hexdigest()
                known = key == self._keys.api_key and hmac.compare_digest(expected, signature)
                if known and expires_ms > self._exchange.venue_ms:
                    self._logged_in = True
                    return _reply("auth", message)
                return _reply("auth", message, problem="error:USVC1111" if known else "error:USVC1109 invalid sign")
            case _:
                return _reply("auth", message, problem="error:USVC1110 params error")

    def _subscribe(self, message: Mapping[str, Any]) -> str:
        topics = [str(topic) for topic in message.get("args", ())]
        names = {topic.removesuffix(".linear"): topic for topic in topics}
        if not self._logged_in:
            return _reply("subscribe", message, problem="error:request is not authorized")
        if not set(names) <= _PRIVATE:
            return _reply("subscribe", message, problem=f"error:handler not found,topic:{topics}")
        kinds = {topic.endswith(".linear") for topic in topics if topic != "wallet"}
        if len(kinds) > 1:
            return _reply("subscribe", message, problem="error:all-in-one and categorised topics together")
        self._topics.update(names)
        return _reply("subscribe", message)

    def _tell(self, name: str, rows: Callable[[Exchange], list[Row]]) -> Sequence[str]:
        topic = self._topics.get(name)
        if topic is None:
            return ()
        data = [{**row, "category": "linear"} for row in self._exchange.look(rows)]
        if not data:
            return ()
        now_ms = self._exchange.venue_ms
        return (_text({"id": f"{now_ms}", "topic": topic, "creationTime": now_ms, "data": data}),)


class MarketSession:
    """Prices: a snapshot of everything, then only what changed."""

    def __init__(self, exchange: PaperExchange) -> None:
        self._exchange = exchange
        self._told: dict[Symbol, Row] = {}
        self._symbols: list[Symbol] = []

    @property
    def hears_private(self) -> bool:
        """Never."""
        return False

    @property
    def symbols(self) -> Sequence[Symbol]:
        """Whose prices it subscribed to."""
        return tuple(self._symbols)

    def opened(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def received(self, text: str) -> Sequence[str]:
        """Take a message of the client."""
        message = _parsed(text)
        operation = message.get("op")
        match operation:
            case "ping":
                return (
                    _text({"success": True, "ret_msg": "pong", "conn_id": CONNECTION_ID, "req_id": "", "op": "ping"}),
                )
            case "subscribe" | "unsubscribe":
                return (self._change(str(operation), message),)
            case _:
                return (_reply(str(operation), message, problem="error:unknown op"),)

    def on_order(self, report: OrderReport) -> Sequence[str]:
        """Not here."""
        _ = report
        return ()

    def on_fill(self, fill: FillReport) -> Sequence[str]:
        """Not here."""
        _ = fill
        return ()

    def on_position(self, symbol: Symbol, report: PositionReport | None) -> Sequence[str]:
        """Not here."""
        _ = symbol, report
        return ()

    def on_funding(self, payment: FundingReport) -> Sequence[str]:
        """Not here."""
        _ = payment
        return ()

    def on_tick(self, tick: Tick) -> Sequence[str]:
        """A price: what changed of it."""
        if tick.symbol not in self._symbols:
            return ()
        row, told = ticker_row(tick), self._told.get(tick.symbol)
        self._told[tick.symbol] = row
        kind, data = "snapshot", row
        if told is not None:
            kind = "delta"
            data = {name: value for name, value in row.items() if name == "symbol" or told[name] != value}
        message = {"topic": f"{_TICKERS}{tick.symbol}", "type": kind, "data": data, "cs": 1, "ts": tick.time_ms}
        return (_text(message),)

    def _change(self, operation: str, message: Mapping[str, Any]) -> str:
        topics = [str(topic) for topic in message.get("args", ())]
        unknown = [topic for topic in topics if not self._is_known(topic)]
        if unknown:
            return _reply(operation, message, problem=f"error:handler not found,topic:{unknown[0]}")
        for topic in topics:
            symbol = Symbol(topic.removeprefix(_TICKERS))
            self._told.pop(symbol, None)
            if operation == "unsubscribe" and symbol in self._symbols:
                self._symbols.remove(symbol)
            elif operation == "subscribe" and symbol not in self._symbols:
                self._symbols.append(symbol)
        return _reply(operation, message)

    def _is_known(self, topic: str) -> bool:
        symbol = Symbol(topic.removeprefix(_TICKERS))
        return topic.startswith(_TICKERS) and self._exchange.look(lambda exchange: symbol in exchange.state.instruments)
