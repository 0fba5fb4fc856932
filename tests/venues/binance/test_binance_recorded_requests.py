"""What our adapter sends, against what ccxt's own methods were recorded to send for the same."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from messages.orders import OrderSpec
from messages.values import (
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Side,
    TriggerSource,
    VenueOrderId,
)
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    SetLeverage,
    VenueRequest,
)
from tests.simulator.builders import BTC, a_limit, a_stop, a_take_profit, an_order
from tests.venues.binance.prepared import MODES, Asked, Prepared, asked_of, facts, prepared_client


def named(order_id: str, order: OrderSpec) -> OrderSpec:
    return replace(order, client_order_id=ClientOrderId(order_id))


def entry(order_id: str, **changes: Any) -> PlaceOrder:
    return PlaceOrder(order=named(order_id, an_order(**{"quantity": "0.01", **changes})))


def close(order_id: str, **changes: Any) -> PlaceOrder:
    values = {"side": OrderSide.SELL, "purpose": OrderPurpose.CLOSE, "reduce_only": True, **changes}
    return entry(order_id, **values)


def stop(order_id: str, **changes: Any) -> PlaceOrder:
    return PlaceOrder(order=named(order_id, a_stop(**{"quantity": "0.01", "trigger_price": "49000", **changes})))


def take_profit(order_id: str) -> PlaceOrder:
    order = a_take_profit(quantity="0.005", trigger_price="52000", trigger_source=TriggerSource.LAST)
    return PlaceOrder(order=named(order_id, order))


def a_reducing_limit(order_id: str, price: str = "52000") -> OrderSpec:
    return named(order_id, a_limit(side=OrderSide.SELL, quantity="0.005", price=price, reduce_only=True))


def cancel(order: OrderSpec, venue_order_id: str | None = None) -> CancelOrder:
    known = VenueOrderId(venue_order_id) if venue_order_id else None
    return CancelOrder(order=replace(order, venue_order_id=known))


A_STOP = named("sup-sl-0001", a_stop())
A_LIMIT = a_reducing_limit("sup-tp2-0002")
SINCE_MS = time.time_ns() // 1_000_000 - 3_600_000
OF_LAST = {"workingType": "CONTRACT_PRICE"}

USED: dict[str, tuple[VenueRequest, dict[str, str]]] = {
    "load_markets (options.fetchCurrencies=False)": (FetchInstruments(), {}),
    "fetch_time": (FetchServerTime(), {}),
    "fetch_balance": (FetchAccount(), {}),
    "fetch_positions #2 symbols": (FetchAccount(), {}),
    "raw position risk": (FetchAccount(), {}),
    "fetch_open_orders regular": (FetchAccount(symbol=BTC), {}),
    "fetch_open_orders conditional": (FetchAccount(symbol=BTC), {}),
    "fetch_open_orders all symbols warn off": (FetchAccount(), {}),
    "fetch_open_orders conditional all symbols": (FetchAccount(), {}),
    "raw open algo orders": (FetchAccount(), {}),
    "set_leverage": (SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.ISOLATED), {}),
    "set_margin_mode": (SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.ISOLATED), {}),
    "set_margin_mode cross": (SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.CROSS), {}),
    "entry market one-way": (entry("sup-entry-0001"), {}),
    "entry market hedge": (entry("sup-entry-0002", side=OrderSide.SELL, hedge_side=Side.SHORT), {}),
    "entry market hedge explicit positionSide": (
        entry("sup-entry-0003", side=OrderSide.SELL, hedge_side=Side.SHORT),
        {},
    ),
    "close market hedge reduceOnly": (close("sup-close-1", hedge_side=Side.LONG), {}),
    "close market one-way reduceOnly": (close("sup-close-2"), {}),
    "SL reduceOnly STOP_MARKET mark": (stop("sup-sl-0001"), {}),
    "SL closePosition": (stop("sup-sl-0002", quantity=None), {}),
    # Which price is watched is always said: the venue's default is no part of what we rely on.
    "SL closePosition amount 0": (
        stop("sup-sl-0003", quantity=None, trigger_source=TriggerSource.LAST),
        OF_LAST,
    ),
    "SL via raw type STOP_MARKET stopPrice": (stop("sup-sl-0004", trigger_source=TriggerSource.LAST), OF_LAST),
    "SL hedge": (stop("sup-sl-0005", hedge_side=Side.LONG, trigger_source=TriggerSource.LAST), OF_LAST),
    "SL hedge positionSide explicit": (
        stop("sup-sl-0006", hedge_side=Side.LONG, trigger_source=TriggerSource.LAST),
        OF_LAST,
    ),
    "TP market": (take_profit("sup-tp1-0001"), OF_LAST),
    "TP as plain reduceOnly limit": (PlaceOrder(order=A_LIMIT), {}),
    "edit limit order (PUT)": (
        AmendOrder(order=replace(a_reducing_limit("x", "52100"), venue_order_id=VenueOrderId("8886774"))),
        {},
    ),
    "cancel regular by id": (cancel(A_LIMIT, "8886774"), {}),
    "cancel regular by clientOrderId": (cancel(A_LIMIT), {}),
    "cancel conditional by id": (cancel(A_STOP, "2146760"), {}),
    "cancel conditional by client id": (cancel(A_STOP), {}),
    "fetch_order by client id": (
        QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup-entry-0001"), kind=OrderKind.MARKET),
        {},
    ),
    "fetch_order conditional by client id": (
        QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup-sl-0001"), kind=OrderKind.STOP_MARKET),
        {},
    ),
    # As many as a page holds, since another time: what is older than 90 days is not asked for.
    "fetch_my_trades": (FetchFills(symbol=BTC, since_ms=SINCE_MS), {"startTime": f"{SINCE_MS}", "limit": "1000"}),
}
"""For each recorded operation that we use: the request that leads to it, and what is different in it."""

NOT_USED = {
    "fetch_position_mode": "accountConfig tells it as well, and weighs a sixth",
    "fetch_positions #1 (first call loads brackets)": "the brackets are read with the instruments",
    "load_markets (default options)": "asks a wallet endpoint that futures need not have",
    "fetch_position(symbol)": "not supported by ccxt for this venue",
    "set_position_mode hedge": "the account's mode is the person's to choose; it is verified, not changed",
    "fetch_leverage": "the leverage follows from a position's margin",
    "fetch_margin_mode": "the margin mode is shown with a position",
    "entry no clientOrderId (broker id)": "every order has an id of ours",
    "entry with attached stopLoss dict": "the venue would open unprotected",
    "TP limit (TAKE_PROFIT)": "take profits execute at market",
    "trailing": "the stop is trailed by us, on the best price that we know",
    "edit conditional via edit_order": "not supported by the venue",
    "cancel all regular": "would cancel what is not ours",
    "cancel all conditional": "would cancel protection",
    "fetch_open_orders regular all symbols": "the same request as with the warning off",
    "fetch_orders": "an order is asked for by its id",
    "fetch_orders conditional": "an order is asked for by its id",
    "fetch_my_trades orderId": "fills are read by time",
    "fetch_ledger (income)": "only funding is read, by the raw method",
    "raw income": "asked for funding instead of realized profit",
    "fetch_ticker": "prices come by stream",
    "fetch_mark_price": "prices come by stream",
    "listenKey start": "by the streams: see test_binance_streams_live",
    "listenKey keepalive": "by the streams: see test_binance_streams_live",
    "listenKey close": "the key ends by itself",
    "raw algo order": "the same request as the unified one, with its parameters in another order",
    "countdown cancel all": "its effect on conditional orders is not known",
    "raw cancel algo by client id": "with the symbol, as the unified one sends it",
    "raw get algo by client id": "with the symbol, as the unified one sends it",
}


def recorded() -> dict[str, list[dict[str, Any]]]:
    return {each["op"]: each["requests"] for each in facts("recorded/binanceusdm.json")}


def answers_of(requests: dict[str, list[dict[str, Any]]]) -> Callable[[Asked], Prepared]:
    """The recorded answer of each endpoint; the modes have none and are as documented."""
    known = {
        (request["method"], request["path"]): request["response"] for each in requests.values() for request in each
    }
    # What fits already is not set again: here nothing is known to fit.
    known["GET", "/fapi/v1/symbolConfig"] = []
    return lambda asked: Prepared(body=known.get((asked.method, asked.path), MODES))


def test_every_recorded_operation_is_used_or_there_is_a_reason_why_not() -> None:
    assert set(recorded()) == set(USED) | set(NOT_USED)
    assert not set(USED) & set(NOT_USED)


@pytest.mark.parametrize("operation", USED)
def test_our_request_is_the_recorded_one(operation: str) -> None:
    requests = recorded()
    request, different = USED[operation]
    with prepared_client(answers_of(requests)) as (client, server):
        answer = client.execute(request)
        sent = list(server.asked)
    for each in requests[operation]:
        wanted = asked_of(each["method"], each["path"], each["query"], each["body"])
        wanted = replace(wanted, params=wanted.params | different)
        matching = [asked for asked in sent if (asked.method, asked.path) == (wanted.method, wanted.path)]
        assert wanted in matching, matching
        if not different:
            assert [*wanted.params] in [[*asked.params] for asked in matching], "in the same order"
    assert not isinstance(answer, OutcomeUnknown | OrderRejected), answer
