"""Bybit V5, unified account, USDT perpetuals: one account's REST side.

A stop belongs to the position (``trading-stop``); see :mod:`adapters.venues.bybit_orders`. Facts, and what is
unverified: ``docs/venues/bybit.md``.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

from adapters.venues.bybit_errors import BybitRefusedError
from adapters.venues.bybit_http import AccountMemory, BybitHttp
from adapters.venues.bybit_orders import BybitOrders, is_position_stop
from adapters.venues.bybit_preflight import account_checks
from adapters.venues.bybit_reads import BybitReads
from adapters.venues.bybit_rows import BYBIT, UnknownWordError
from adapters.venues.rest import VenueConfig
from messages.checks import Check
from messages.instruments import Capabilities
from messages.values import MarginMode, Venue
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    RateWindow,
    ServerTime,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)


class BybitClient:
    """One client, for one thread; satisfies ``RestClient``."""

    def __init__(self, config: VenueConfig, memory: AccountMemory) -> None:
        self._http = BybitHttp(config, memory)
        self._orders = BybitOrders(self._http, hedge=config.hedge)
        self._reads = BybitReads(self._http, hedge=config.hedge)

    def execute(self, request: VenueRequest) -> VenueAnswer:
        """Do ``request`` and say what came of it."""
        try:
            return self._do(request)
        except BybitRefusedError as refused:
            return refused.answer
        except UnknownWordError as error:
            # A list of which a part is not understood must not pass for a whole one.
            return OutcomeUnknown(text=f"an answer that is not understood: {error}")

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _do(self, request: VenueRequest) -> VenueAnswer:
        match request:
            case PlaceOrder(order=order):
                return self._orders.place(order)
            case AmendOrder(order=order):
                return self._orders.amend(order)
            case CancelOrder(order=order):
                return self._orders.cancel(order)
            case QueryOrder():
                return self._orders.query(request)
            case FetchAccount(symbol=symbol):
                return self._reads.account(symbol)
            case FetchFills():
                return self._reads.fills(request)
            case FetchInstruments():
                return self._reads.instruments()
            case SetLeverage():
                return self._reads.set_leverage(request)
            case FetchServerTime():
                return ServerTime(server_ms=self._http.server_ms())
            case _:
                assert_never(request)


class BybitRest:
    """One account's clients; satisfies ``VenueRest``."""

    venue: Venue = BYBIT
    capabilities = Capabilities(
        attach_stop_to_entry=True,
        amend_stop=True,
        two_stops=False,
        whole_position_stop=True,
        stop_client_order_id=False,
        hedge_mode=True,
    )
    windows: Sequence[RateWindow] = (
        RateWindow(name="create", limit=10, window_ms=1_000),
        RateWindow(name="amend", limit=10, window_ms=1_000),
        RateWindow(name="cancel", limit=10, window_ms=1_000),
        RateWindow(name="trading_stop", limit=10, window_ms=1_000),
        RateWindow(name="leverage", limit=10, window_ms=1_000),
        RateWindow(name="reads", limit=50, window_ms=1_000),
        RateWindow(name="address", limit=600, window_ms=5_000),
    )
    """Per account, save the last, which is per address. ``reads`` stands for several limits of 50 each."""

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._memory = AccountMemory()

    def client(self) -> BybitClient:
        """A client for one more worker thread. Nothing is loaded: raw requests need no market list."""
        return BybitClient(self._config, self._memory)

    def preflight(self) -> Sequence[Check]:
        """What the key may do, and in which modes the account is; blocks."""
        http = BybitHttp(self._config, self._memory)
        try:
            return account_checks(http, hedge=self._config.hedge)
        finally:
            http.close()

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up, its reading back included."""
        match request:
            case PlaceOrder(order=order) | AmendOrder(order=order) if is_position_stop(order):
                return {"trading_stop": 1, "reads": 1, "address": 2}
            case PlaceOrder():
                return {"create": 1, "reads": 1, "address": 2}
            case AmendOrder():
                return {"amend": 1, "address": 1}
            case CancelOrder(order=order) if is_position_stop(order):
                return {"trading_stop": 1, "reads": 2, "address": 3}
            case CancelOrder():
                return {"cancel": 1, "reads": 1, "address": 2}
            case QueryOrder():
                return {"reads": 2, "address": 2}
            case FetchAccount():
                return {"reads": 2, "address": 4}
            case SetLeverage():
                return {"leverage": 1, "address": 4}
            case FetchFills() | FetchInstruments() | FetchServerTime():
                return {"reads": 1, "address": 1}
            case _:
                assert_never(request)

    def margin_mode(self) -> MarginMode:
        """The account's margin mode when it was last read; for streams, which do not tell it."""
        return self._memory.margin_mode or MarginMode.ISOLATED
