"""Binance USD-M futures over ccxt's ``binanceusdm``: what the venue can do, what it allows, and how it is reached.

Everything is asked by ccxt's raw methods: they sign and send, and leave numbers as the venue wrote them, where the
unified ones make floats. Symbols are spelt as ours are, so no markets need to be loaded before a call.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import ccxt

from adapters.venues.binance_client import BinanceClient
from adapters.venues.binance_funding import FundingMemory
from adapters.venues.binance_history import KNOWN_FOR_MS, WINDOW_MS
from adapters.venues.binance_preflight import account_checks
from adapters.venues.binance_reports import BINANCE
from adapters.venues.http_status import NOT_THE_VENUES_WORD
from adapters.venues.rest import VenueConfig
from messages.checks import Check
from messages.instruments import Capabilities
from messages.orders import BalanceReport
from messages.values import Venue
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    PlaceOrder,
    QueryOrder,
    RateUsed,
    RateWindow,
    SetLeverage,
    VenueRequest,
)

WEIGHT: Final = "weight"
ORDERS_10S: Final = "orders_10s"
ORDERS_1M: Final = "orders_1m"
MINUTE_MS: Final = 60_000
TURN_MS: Final = 2_000
"""By how much our idea of the venue's clock may be wrong."""
WINDOWS: Final = (
    RateWindow(name=WEIGHT, limit=2400, window_ms=MINUTE_MS),
    RateWindow(name=ORDERS_10S, limit=300, window_ms=10_000),
    RateWindow(name=ORDERS_1M, limit=1200, window_ms=60_000),
)
CAPABILITIES: Final = Capabilities(
    attach_stop_to_entry=False,
    amend_stop=False,
    two_stops=True,
    # closePosition exists, but it can be neither amended nor doubled (-4130): it could not be moved without a gap.
    whole_position_stop=False,
    sizeless_stop=True,
    hedge_mode=True,
)
USED_WEIGHT: Final = "x-mbx-used-weight-1m"
IDS_KEPT: Final = 5_000
MAX_WINDOWS: Final = KNOWN_FOR_MS // WINDOW_MS + 1


class SharedMemory:
    """What the clients of one account have in common; used from all their threads.

    ``clock_ahead_ms`` is by how much this machine's clock is ahead of the venue's.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.clock_ahead_ms = 0
        self.mode_verified = False
        self.funding = FundingMemory(now_ms)
        self.balance: BalanceReport | None = None
        self.used: Mapping[str, RateUsed] = {}
        self._lock = threading.Lock()
        self._client_ids: OrderedDict[tuple[str, int], str] = OrderedDict()

    def told(self, headers: Mapping[str, str] | None, sent_ms: int) -> None:
        """Each answer says how much weight this address has used up in the clock's minute ("General Info", limits)."""
        used = next((value for name, value in (headers or {}).items() if name.lower() == USED_WEIGHT), "")
        if used.isdecimal():
            venue_ms = sent_ms - self.clock_ahead_ms
            # What is said within a moment of the turn may be of the minute before.
            minute_ends_ms = ((venue_ms - TURN_MS) // MINUTE_MS + 1) * MINUTE_MS
            over_ms = minute_ends_ms + TURN_MS + self.clock_ahead_ms
            self.used = {WEIGHT: RateUsed(units=int(used), sent_ms=sent_ms, starts_over_ms=over_ms)}

    def client_id(self, symbol: str, order_id: int) -> str | None:
        """The client order id of a regular order, where it was looked up before."""
        with self._lock:
            return self._client_ids.get((symbol, order_id))

    def remember(self, symbol: str, order_id: int, client_order_id: str) -> None:
        """Keep an order's client order id; it never changes."""
        with self._lock:
            self._client_ids[symbol, order_id] = client_order_id
            while len(self._client_ids) > IDS_KEPT:
                self._client_ids.popitem(last=False)


class BinanceRest:
    """Makes clients of one account; satisfies :class:`~adapters.venues.rest.VenueRest`."""

    venue: Venue = BINANCE
    capabilities: Capabilities = CAPABILITIES
    windows: Sequence[RateWindow] = WINDOWS

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._memory = SharedMemory(config.outside.now_ms)

    def client(self) -> BinanceClient:
        """A client for one more worker thread."""
        return BinanceClient(new_exchange(self._config), memory=self._memory, hedge=self._config.hedge)

    def preflight(self) -> Sequence[Check]:
        """What the key may do, and in which modes the account is; blocks."""
        exchange = new_exchange(self._config)
        client = BinanceClient(exchange, memory=self._memory, hedge=self._config.hedge)
        try:
            return account_checks(client, exchange, hedge=self._config.hedge, testnet=self._config.testnet)
        finally:
            client.close()

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up, at most, by the name of the rate window (the venue's weights)."""
        match request:
            case PlaceOrder():
                return {ORDERS_10S: 1, ORDERS_1M: 1}
            case AmendOrder():
                return {WEIGHT: 1, ORDERS_10S: 1, ORDERS_1M: 1}
            case CancelOrder() | FetchServerTime():
                return {WEIGHT: 1}
            case QueryOrder():
                return {WEIGHT: 2}
            case SetLeverage():
                # the symbol's configuration 5, and 1 for each of the two that differs
                return {WEIGHT: 7}
            case FetchAccount(symbol=None):
                # positions 5, account 5, and each list of orders of all symbols 40
                return {WEIGHT: 90}
            case FetchAccount():
                # positions 5, each list of orders of one symbol 1, the balance 5 where none is known yet
                return {WEIGHT: 12 if self._memory.balance is None else 7}
            case FetchFills(since_ms=since_ms):
                # trades 5 a week, income 30, and an order or so to each few trades
                weeks = 1 + max(0, self._config.outside.now_ms() - since_ms) // WINDOW_MS
                funding = 30 if self._memory.funding.needs_reading(since_ms) else 0
                return {WEIGHT: 10 + funding + 5 * min(weeks, MAX_WINDOWS)}
            case FetchInstruments():
                # everything listed 1, the brackets 1, the modes 5
                return {WEIGHT: 2 if self._memory.mode_verified else 7}

    def used(self) -> Mapping[str, RateUsed]:
        """What the venue said last about its limits."""
        return self._memory.used


def new_exchange(config: VenueConfig) -> Any:
    """An unmodified ccxt client, pointed at the venue, its demo trading, or a simulated exchange."""
    exchange = ccxt.binanceusdm(
        {
            "apiKey": config.api_key,
            "secret": config.api_secret,
            "enableRateLimit": False,
            "httpExceptions": dict(NOT_THE_VENUES_WORD),
            "timeout": config.timeout_ms,
            "options": {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}},
        }
    )
    exchange.milliseconds = config.outside.now_ms
    exchange.options["fetchOpenOrders"] = {"warnWithoutSymbol": False}
    if config.testnet:
        exchange.enable_demo_trading(enable=True)
    if config.rest_url is not None:
        for name, url in list(exchange.urls["api"].items()):
            if isinstance(url, str):
                exchange.urls["api"][name] = config.rest_url + urlsplit(url).path
    # ccxt chooses its table of errors by the URL's beginning, and has none for another one.
    linear = exchange.exceptions["linear"]
    exchange.exceptions["exact"].update(linear["exact"])
    exchange.exceptions["broad"].update(linear.get("broad", {}))
    return exchange
