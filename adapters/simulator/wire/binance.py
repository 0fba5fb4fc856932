"""The simulated Binance USD-M futures: REST and streams, well enough for unmodified ccxt and websocket-client."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BINANCE, Profile
from adapters.simulator.wire.binance_limits import BinanceLimits, RateKeeper
from adapters.simulator.wire.binance_orders import BinanceOrders, Params
from adapters.simulator.wire.binance_reads import BinanceReads
from adapters.simulator.wire.binance_refusals import UNAUTHORIZED, Refused, response
from adapters.simulator.wire.binance_session import BinanceSession, Room
from adapters.simulator.wire.dialect import Ask, HttpRequest, HttpResponse, Keys, WireSession
from messages.values import Venue

DEFAULT_RECV_WINDOW_MS: Final = 5_000
MAX_AHEAD_MS: Final = 1_000
LISTEN_KEY_LIFE_MS: Final = 60 * 60_000
NOT_THERE: Final = 404
NO_SYMBOL: Final = 40
"""What a list of orders of all symbols weighs."""

Handler = Callable[[Params, Ask], Awaitable[object]]


class Security(Enum):
    """Who may ask."""

    PUBLIC = auto()
    KEY = auto()
    SIGNED = auto()


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a request, and what that costs."""

    handler: Handler
    weight: int = 1
    orders: int = 0
    security: Security = Security.SIGNED
    all_symbols: int = 0


class BinanceWire:
    """Satisfies :class:`~adapters.simulator.wire.dialect.WireDialect`."""

    venue: Venue = Venue("binance")
    profile: Profile = BINANCE

    def __init__(self, exchange: PaperExchange, keys: Keys, *, limits: BinanceLimits | None = None) -> None:
        self._exchange = exchange
        self._keys = keys
        self._rates = RateKeeper(limits or BinanceLimits())
        self._listen_key = ""
        self._listen_until_ms = 0
        self._listen_keys = 0
        self._routes = self._table()

    def _table(self) -> Mapping[tuple[str, str], Route]:
        orders = BinanceOrders(self._exchange)
        reads = BinanceReads(self._exchange, orders)
        public, key = Security.PUBLIC, Security.KEY
        v1, v3 = "/fapi/v1", "/fapi/v3"
        return {
            ("GET", f"{v1}/exchangeInfo"): Route(reads.exchange_info, security=public),
            ("GET", f"{v1}/time"): Route(reads.time, security=public),
            ("GET", f"{v1}/ticker/24hr"): Route(reads.ticker, security=public),
            ("GET", f"{v1}/premiumIndex"): Route(reads.premium, security=public),
            ("GET", f"{v1}/leverageBracket"): Route(reads.brackets),
            ("GET", f"{v3}/account"): Route(reads.account, weight=5),
            ("GET", f"{v3}/positionRisk"): Route(reads.positions, weight=5),
            ("GET", f"{v1}/openOrders"): Route(reads.open_orders, all_symbols=NO_SYMBOL),
            ("GET", f"{v1}/openAlgoOrders"): Route(reads.open_algos, all_symbols=NO_SYMBOL),
            ("GET", f"{v1}/order"): Route(reads.order),
            ("GET", f"{v1}/algoOrder"): Route(reads.algo),
            ("GET", f"{v1}/allOrders"): Route(reads.all_orders, weight=5),
            ("GET", f"{v1}/allAlgoOrders"): Route(reads.all_algos, weight=5),
            ("GET", f"{v1}/userTrades"): Route(reads.trades, weight=5),
            ("GET", f"{v1}/income"): Route(reads.income, weight=30),
            ("POST", f"{v1}/order"): Route(orders.create, weight=0, orders=1),
            ("PUT", f"{v1}/order"): Route(orders.modify, orders=1),
            ("DELETE", f"{v1}/order"): Route(orders.cancel),
            ("DELETE", f"{v1}/allOpenOrders"): Route(orders.cancel_all),
            ("POST", f"{v1}/algoOrder"): Route(orders.create_algo, weight=0, orders=1),
            ("DELETE", f"{v1}/algoOrder"): Route(orders.cancel_algo),
            ("DELETE", f"{v1}/algoOpenOrders"): Route(orders.cancel_all_algos),
            ("POST", f"{v1}/leverage"): Route(reads.set_leverage),
            ("POST", f"{v1}/marginType"): Route(reads.set_margin_type),
            ("GET", f"{v1}/symbolConfig"): Route(reads.symbol_config, weight=5),
            ("GET", f"{v1}/positionSide/dual"): Route(reads.position_mode, weight=30),
            ("GET", f"{v1}/accountConfig"): Route(reads.account_config, weight=5),
            ("POST", f"{v1}/positionSide/dual"): Route(reads.set_position_mode),
            ("GET", f"{v1}/multiAssetsMargin"): Route(_single_asset_mode, weight=30),
            ("GET", "/sapi/v1/account/apiRestrictions"): Route(self._restrictions, weight=0),
            ("POST", f"{v1}/listenKey"): Route(self._new_listen_key, security=key),
            ("PUT", f"{v1}/listenKey"): Route(self._keep_listen_key, security=key),
            ("DELETE", f"{v1}/listenKey"): Route(self._close_listen_key, security=key),
        }

    async def handle(self, request: HttpRequest, ask: Ask) -> HttpResponse:
        """Answer one REST request."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            return HttpResponse(body=b"<html><body>404 Not found</body></html>", status=NOT_THERE)
        try:
            # The signature is made over the text as it was sent: query and body, without the signature itself.
            whole = request.query + request.body.decode("utf-8", "replace")
            params = dict(parse_qsl(whole, keep_blank_values=True))
            heavy = route.all_symbols and "symbol" not in params
            self._rates.take(route.all_symbols if heavy else route.weight, route.orders, self._exchange.clock.now_ms())
            self._admit(route.security, request, whole, params)
            params.pop("signature", None)
            answer = await self._answer(route, params, ask)
        except Refused as refusal:
            return response(refusal, self._rates.headers())
        return HttpResponse(body=msgspec.json.encode(answer), headers=self._rates.headers())

    def session(self, path: str, query: str) -> WireSession | None:
        """A new WebSocket client in one of the three rooms: private, market, public."""
        parts = path.strip("/").split("/")
        room = next((each for each in Room if parts and parts[0] == each.value), None)
        if room is None or len(parts) < len(("room", "ws")) or parts[1] not in {"ws", "stream"}:
            return None
        params = dict(parse_qsl(query))
        listen_key = params.get("listenKey", "")
        if room is Room.PRIVATE and not self.is_alive(listen_key):
            return None
        names = [*parts[2:], *params.get("streams", "").split("/")]
        return BinanceSession(
            self._exchange,
            room=room,
            combined=parts[1] == "stream",
            names=[name for name in names if name],
            is_alive=lambda: self.is_alive(listen_key),
            listen_key=listen_key,
        )

    def is_alive(self, listen_key: str) -> bool:
        """Whether this is the listen key, and it was kept alive."""
        return bool(listen_key) and listen_key == self._listen_key and self._now_ms() < self._listen_until_ms

    def expire_listen_key(self) -> None:
        """Let the listen key run out, as when nobody kept it alive."""
        self._listen_until_ms = 0

    # --- inside -------------------------------------------------------------------------------------------------------

    def _now_ms(self) -> int:
        return self._exchange.clock.now_ms()

    def _admit(self, security: Security, request: HttpRequest, whole: str, params: Mapping[str, str]) -> None:
        if security is Security.PUBLIC:
            return
        key = request.headers.get("X-MBX-APIKEY", "")
        if not key:
            raise Refused(-2014, "API-key format invalid.", status=UNAUTHORIZED)
        if key != self._keys.api_key:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=UNAUTHORIZED)
        if security is Security.KEY:
            return
        signed, _, signature = whole.rpartition("&signature=")
        expected = hmac.new(self._keys.api_secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise Refused(-1022, "Signature for this request is not valid.")
        stamp, window = params.get("timestamp", ""), params.get("recvWindow", f"{DEFAULT_RECV_WINDOW_MS}")
        if not stamp.isdigit() or not window.isdigit():
            raise Refused(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
        now_ms = self._exchange.venue_ms
        if not now_ms - int(window) <= int(stamp) < now_ms + MAX_AHEAD_MS:
            raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")

    async def _answer(self, route: Route, params: Params, ask: Ask) -> object:
        try:
            return await route.handler(params, ask)
        except ValueError as error:
            # A number that is none, in whichever parameter.
            raise Refused(-1102, f"Mandatory parameter was not sent, was empty/null, or malformed: {error}") from error

    async def _restrictions(self, params: Params, ask: Ask) -> Mapping[str, Any]:
        """What the key may do; the weight is counted elsewhere than that of futures."""
        _ = params, ask
        return {
            "ipRestrict": self._keys.may_withdraw,
            "createTime": 1_698_645_219_000,
            "enableReading": True,
            "enableWithdrawals": self._keys.may_withdraw,
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": True,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enableSpotAndMarginTrading": False,
        }

    async def _new_listen_key(self, params: Params, ask: Ask) -> Mapping[str, Any]:
        """The key while there is a living one, and longer; else another one."""
        _ = params, ask
        if not self.is_alive(self._listen_key):
            self._listen_keys += 1
            seed = f"{self._keys.api_key}/{self._listen_keys}"
            self._listen_key = hashlib.sha256(seed.encode()).hexdigest()
        self._listen_until_ms = self._now_ms() + LISTEN_KEY_LIFE_MS
        return {"listenKey": self._listen_key}

    async def _keep_listen_key(self, params: Params, ask: Ask) -> Mapping[str, Any]:
        if not self.is_alive(self._listen_key):
            raise Refused(-1125, "This listenKey does not exist.")
        return await self._new_listen_key(params, ask)

    async def _close_listen_key(self, params: Params, ask: Ask) -> Mapping[str, Any]:
        _ = params, ask
        self._listen_key = ""
        return {}


async def _single_asset_mode(params: Params, ask: Ask) -> Mapping[str, Any]:
    _ = params, ask
    return {"multiAssetsMargin": False}
