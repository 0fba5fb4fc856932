"""One WebSocket client of the simulated Bitget (v2 private and public streams)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.simulator.orders import CONDITIONAL
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.bitget_rows import (
    Row,
    algo_row,
    fill_row,
    position_row,
    stream_order_row,
    text,
)
from adapters.simulator.wire.dialect import Keys
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Symbol

INSTRUMENTS: Final = "USDT-FUTURES"
PRIVATE_CHANNELS: Final = frozenset({"orders", "orders-algo", "positions", "fill", "account"})
STALE_S: Final = 60
MAX_CHANNELS: Final = 1_000


class BitgetStream:
    """Satisfies ``WireSession``."""

    def __init__(self, exchange: PaperExchange, keys: Keys, *, private: bool) -> None:
        self._exchange = exchange
        self._keys = keys
        self._private = private
        self._logged_in = False
        self._channels: dict[tuple[str, str], Mapping[str, Any]] = {}

    @property
    def hears_private(self) -> bool:
        """Whether it logged in and subscribed."""
        return self._logged_in and any(channel in PRIVATE_CHANNELS for channel, _ in self._channels)

    @property
    def symbols(self) -> Sequence[Symbol]:
        """Whose prices it subscribed to."""
        return [Symbol(instrument) for channel, instrument in self._channels if channel == "ticker"]

    def opened(self) -> Sequence[str]:
        """Bitget says nothing first."""
        return ()

    def received(self, text: str) -> Sequence[str]:
        """A ping, a login, or subscriptions."""
        if text == "ping":
            return ("pong",)
        try:
            message = json.loads(text)
            op, args = message["op"], message["args"]
            if not isinstance(args, list):
                return (_error(30001, "args is no list"),)
            if op == "login":
                return (self._login(args[0]),)
            if op == "subscribe":
                return [answer for arg in args for answer in self._subscribe(arg)]
            if op == "unsubscribe":
                return [self._unsubscribe(arg) for arg in args]
        except (ValueError, LookupError, TypeError, AttributeError):
            return (_error(30003, "INVALID op"),)
        return (_error(30003, f"INVALID op {op}"),)

    # --- private events -----------------------------------------------------------------------------------------------

    def on_order(self, report: OrderReport) -> Sequence[str]:
        """A plan order on its own channel; once it has executed, the order that it created beside it."""
        look = self._exchange.look
        if report.kind not in CONDITIONAL:
            return self._push("orders", [look(lambda exchange: stream_order_row(exchange, report))])
        told = list(self._push("orders-algo", [look(lambda exchange: algo_row(exchange, report))]))
        if report.filled_quantity:
            told += self._push("orders", [look(lambda exchange: stream_order_row(exchange, report))])
        return told

    def on_fill(self, fill: FillReport) -> Sequence[str]:
        """An execution."""
        return self._push("fill", [self._exchange.look(lambda exchange: fill_row(exchange, fill))])

    def on_position(self, symbol: Symbol, report: PositionReport | None) -> Sequence[str]:
        """Each push is the full list."""
        _ = symbol, report
        return self._push("positions", self._positions())

    def on_funding(self, payment: FundingReport) -> Sequence[str]:
        """Bitget has no channel for it."""
        _ = payment
        return ()

    def on_tick(self, tick: Tick) -> Sequence[str]:
        """A price."""
        row = {
            "instId": str(tick.symbol),
            "lastPr": text(tick.last),
            "bidPr": text(tick.bid),
            "askPr": text(tick.ask),
            "bidSz": "1",
            "askSz": "1",
            "open24h": text(tick.last),
            "high24h": text(tick.high),
            "low24h": text(tick.low),
            "change24h": "0",
            "fundingRate": "0",
            "nextFundingTime": "0",
            "markPrice": text(tick.mark),
            "indexPrice": text(tick.mark),
            "holdingAmount": "0",
            "baseVolume": "0",
            "quoteVolume": "0",
            "openUtc": text(tick.last),
            "symbolType": "1",
            "symbol": str(tick.symbol),
            "deliveryPrice": "0",
            "ts": str(tick.time_ms),
        }
        return self._push("ticker", [row], instrument=str(tick.symbol))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _login(self, arg: Mapping[str, Any]) -> str:
        stamp = str(arg.get("timestamp") or "")
        expected = sign(self._keys.api_secret, f"{stamp}GET/user/verify".encode())
        if arg.get("apiKey") != self._keys.api_key:
            return _error(30011, "Invalid ACCESS_KEY")
        if arg.get("passphrase") != self._keys.api_passphrase:
            return _error(30012, "Invalid ACCESS_PASSPHRASE")
        # The stamp is in seconds here, in milliseconds over REST.
        if not stamp.isdigit():
            return _error(30013, "Invalid ACCESS_TIMESTAMP")
        if abs(int(stamp) - self._exchange.venue_ms / 1_000) > STALE_S:
            return _error(30014, "Request timestamp expired")
        if not hmac.compare_digest(expected, str(arg.get("sign") or "")):
            return _error(30015, "Invalid sign")
        self._logged_in = True
        return json.dumps({"event": "login", "code": 0})

    def _subscribe(self, arg: Mapping[str, Any]) -> Sequence[str]:
        channel, instrument = str(arg.get("channel")), str(arg.get("instId") or arg.get("coin") or "")
        private = channel in PRIVATE_CHANNELS
        if private and not self._logged_in:
            return (_error(30004, "User not logged in", arg),)
        wrong = arg.get("instType") != INSTRUMENTS or private != self._private or not (private or channel == "ticker")
        unknown = not private and Symbol(instrument) not in self._exchange.look(lambda each: each.state.instruments)
        if wrong or unknown or len(self._channels) >= MAX_CHANNELS:
            return (_error(30001, f"{arg} doesn't exist", arg),)
        if channel == "positions" and instrument != "default":
            return (_error(30001, "instId must be default", arg),)
        self._channels[channel, instrument] = arg
        confirmed = json.dumps({"event": "subscribe", "arg": arg})
        if channel != "positions":
            return (confirmed,)
        return (confirmed, *self._push("positions", self._positions()))

    def _unsubscribe(self, arg: Mapping[str, Any]) -> str:
        self._channels.pop((str(arg.get("channel")), str(arg.get("instId") or arg.get("coin") or "")), None)
        return json.dumps({"event": "unsubscribe", "arg": arg})

    def _positions(self) -> list[Row]:
        hedge = self._exchange.config.exchange.hedge
        positions = self._exchange.look(lambda exchange: exchange.account(None, taken_ms=0).positions)
        return [position_row(each, hedge=hedge) for each in positions]

    def _push(self, channel: str, rows: Sequence[Row], *, instrument: str = "default") -> Sequence[str]:
        arg = self._channels.get((channel, instrument))
        if arg is None:
            return ()
        message = {"action": "snapshot", "arg": arg, "data": rows, "ts": self._exchange.venue_ms}
        return (json.dumps(message, separators=(",", ":")),)


def _error(code: int, text: str, arg: Mapping[str, Any] | None = None) -> str:
    message: dict[str, Any] = {"event": "error", "code": code, "msg": text}
    if arg is not None:
        message["arg"] = arg
    return json.dumps(message)


def sign(secret: str, signed: bytes) -> str:
    """Bitget's signature, of requests as of logins."""
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
