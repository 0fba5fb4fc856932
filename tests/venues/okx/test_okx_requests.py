"""What the adapter sends is what ccxt was recorded to send; where it is not, the reason is here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from messages.orders import OrderSpec
from messages.values import (
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderPurpose,
    OrderSide,
    Side,
    Symbol,
    VenueOrderId,
)
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
    SetLeverage,
    VenueRequest,
)
from tests.venues.okx.canned import Answer, Asked, canned

BTC = Symbol("BTCUSDT")
SINCE_MS = 1_699_999_999_000
CROSS = SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.CROSS)


def an_order(own_id: str, **changes: Any) -> OrderSpec:
    values: dict[str, Any] = {
        "client_order_id": ClientOrderId(own_id),
        "symbol": BTC,
        "side": OrderSide.BUY,
        "kind": OrderKind.MARKET,
        "purpose": OrderPurpose.ENTRY,
        "quantity": Decimal(1),
    }
    return OrderSpec(**(values | changes))


def an_exit(own_id: str, **changes: Any) -> OrderSpec:
    values = {"side": OrderSide.SELL, "purpose": OrderPurpose.CLOSE, "reduce_only": True}
    return an_order(own_id, **(values | changes))


def a_stop(own_id: str, **changes: Any) -> OrderSpec:
    values: dict[str, Any] = {
        "kind": OrderKind.STOP_MARKET,
        "purpose": OrderPurpose.STOP,
        "quantity": None,
        "trigger_price": Decimal(49_000),
    }
    return an_exit(own_id, **(values | changes))


def with_id(order: OrderSpec, venue_order_id: str) -> OrderSpec:
    names = {name: getattr(order, name) for name in OrderSpec.__dataclass_fields__}
    return OrderSpec(**(names | {"venue_order_id": VenueOrderId(venue_order_id)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """Our request for a recorded operation. ``ours`` is only in what we send, ``theirs`` only in what ccxt sends."""

    request: VenueRequest
    ours: Mapping[str, str] = field(default_factory=dict)
    theirs: frozenset[str] = frozenset()
    why: str = ""
    hedge: bool = False


_TAG = frozenset({"clOrdId", "tag"})
_UNIFIED = "ccxt's unified call adds its broker's id and tag, and watches the last price unless told otherwise"
USED = {
    "load_markets types=[swap], has.fetchCurrencies=False": Same(request=FetchInstruments()),
    "fetch_time": Same(request=FetchServerTime()),
    "fetch_balance": Same(request=FetchAccount()),
    "fetch_positions": Same(request=FetchAccount(), ours={"instType": "SWAP"}, why="other types are nobody's here"),
    "fetch_position": Same(request=FetchAccount(symbol=BTC)),
    "open regular": Same(request=FetchAccount(symbol=BTC), ours={"instType": "SWAP"}, why="as with positions"),
    "open regular all": Same(request=FetchAccount(), ours={"instType": "SWAP"}, why="as with positions"),
    "open algo conditional,oco (needs trigger)": Same(
        request=FetchAccount(symbol=BTC), ours={"instType": "SWAP"}, why="as with positions"
    ),
    "open algo all symbols": Same(request=FetchAccount()),
    "raw orders-algo-pending": Same(request=FetchAccount()),
    "set_leverage cross": Same(request=CROSS),
    "set_margin_mode": Same(request=SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.ISOLATED)),
    "set_leverage isolated hedge": Same(
        request=SetLeverage(symbol=BTC, leverage=10, margin_mode=MarginMode.ISOLATED, hedge_side=Side.LONG), hedge=True
    ),
    "raw place order": Same(request=PlaceOrder(order=an_order("supe9"))),
    "entry with options.createOrder=privatePostTradeOrder": Same(request=PlaceOrder(order=an_order("supe1"))),
    "entry raw attachAlgoOrds": Same(
        request=PlaceOrder(
            order=an_order("supe5", attached_stop_price=Decimal(49_000), attached_stop_id=ClientOrderId("supsl5"))
        )
    ),
    "close market net reduceOnly": Same(request=PlaceOrder(order=an_exit("supc1"))),
    "close market hedge (close long)": Same(request=PlaceOrder(order=an_exit("supc2", hedge_side=Side.LONG))),
    "TP reduceOnly limit": Same(
        request=PlaceOrder(
            order=an_exit("suptp3", kind=OrderKind.LIMIT, quantity=Decimal("0.5"), price=Decimal(51_000))
        )
    ),
    "raw order-algo": Same(request=PlaceOrder(order=a_stop("supraw1"))),
    "SL conditional closeFraction net": Same(
        request=PlaceOrder(order=a_stop("supsl2")),
        ours={"cxlOnClosePos": "true", "reduceOnly": "true"},
        theirs=_TAG,
        why=f"{_UNIFIED}; ours goes with its position",
    ),
    "SL conditional closeFraction hedge": Same(
        request=PlaceOrder(order=a_stop("supsl3", hedge_side=Side.LONG)),
        ours={"slTriggerPxType": "mark"},
        theirs=_TAG,
        why=_UNIFIED,
        hedge=True,
    ),
    "SL hedge sz": Same(
        request=PlaceOrder(order=a_stop("supsl4", hedge_side=Side.LONG, quantity=Decimal(1))),
        ours={"slTriggerPxType": "mark"},
        theirs=_TAG,
        why=_UNIFIED,
        hedge=True,
    ),
    "TP conditional partial": Same(
        request=PlaceOrder(
            order=a_stop(
                "suptp1",
                kind=OrderKind.TAKE_PROFIT_MARKET,
                quantity=Decimal("0.5"),
                trigger_price=Decimal(51_000),
            )
        ),
        ours={"tpTriggerPxType": "mark", "cxlOnClosePos": "true", "reduceOnly": "true"},
        theirs=_TAG,
        why=f"{_UNIFIED}; ours goes with its position",
    ),
    "raw amend-algos": Same(request=AmendOrder(order=a_stop("supsl1", trigger_price=Decimal(48_500)))),
    "amend algo native names": Same(
        request=AmendOrder(order=with_id(a_stop("supsl1", trigger_price=Decimal(48_500)), "18364"))
    ),
    "amend regular": Same(
        request=AmendOrder(
            order=with_id(
                an_order("sup1", kind=OrderKind.LIMIT, quantity=Decimal(2), price=Decimal(47_000)),
                "312",
            )
        )
    ),
    "cancel regular": Same(request=CancelOrder(order=with_id(an_order("sup1", kind=OrderKind.LIMIT), "312"))),
    "cancel regular client id": Same(request=CancelOrder(order=an_order("suptp3", kind=OrderKind.LIMIT))),
    "cancel algo by id": Same(request=CancelOrder(order=with_id(a_stop("supsl1"), "18364"))),
    "cancel algo by client id": Same(request=CancelOrder(order=a_stop("supsl1"))),
    "raw cancel-algos": Same(request=CancelOrder(order=a_stop("supsl1"))),
    "fetch_order by client id": Same(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup1"), kind=OrderKind.MARKET)
    ),
    "raw order by clOrdId": Same(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("sup1"), kind=OrderKind.LIMIT)
    ),
    "raw order-algo by algoClOrdId": Same(
        request=QueryOrder(symbol=BTC, client_order_id=ClientOrderId("supsl1"), kind=OrderKind.STOP_MARKET)
    ),
    "my trades": Same(
        request=FetchFills(symbol=BTC, since_ms=SINCE_MS),
        ours={"begin": str(SINCE_MS - 1)},
        why="whether begin takes in its own millisecond is not documented",
    ),
}
_BATCH = "orders go one by one: a batch answers for all of them at once"
_LISTS = "algo orders are listed by their types, conditional and oco together"
UNUSED = {
    "load_markets defaults": "native calls need no markets",
    "fetch_positions [S]": "asked for with the type beside the instrument, as fetch_position does",
    "account config raw": "asked for before anything is at stake, which is no request of the port",
    "fetch_position_mode": "the same",
    "set_leverage no params": "the margin mode is always said",
    "set_position_mode hedge": "the account's mode is the user's to change; it is checked",
    "set_position_mode net": "the same",
    "fetch_leverage": "leverage is set without being read: already set is success",
    "entry market net": _BATCH,
    "entry market net isolated": _BATCH,
    "entry market hedge": _BATCH,
    "entry explicit posSide": _BATCH,
    "entry positionSide": _BATCH,
    "entry no client id": _BATCH,
    "entry attached SL/TP": "the attached stop has an id of its own, which ccxt's unified call cannot give it",
    "close_position": "a close is an order with an id of ours",
    "SL conditional sz": "ccxt sends the id as clOrdId, where OKX loses it",
    "SL conditional algoClOrdId": "the same stop with the last price for a source; SL hedge sz is compared",
    "OCO SL+TP": "stop and take profit are apart: losing one must not touch the other",
    "TP limit conditional": "take profits are at market",
    "trigger order": "conditional orders have a list of their own that shows what they are",
    "amend algo via edit_order": "leaks a parameter that OKX does not know",
    "amend algo by client id": "the same; watches the last price",
    "cancel_all_orders": "does not exist",
    "open algo trigger default": "read as well, with the type of instrument; compared by the list of conditional ones",
    "open algo conditional": _LISTS,
    "open algo conditional,oco no trigger": "goes to the wrong list",
    "fetch_order child of algo (ordId=999)": "children are asked for only to learn whose fills they are",
    "fetch_order algo by client id": "the algo order's id alone is enough",
    "history regular": "the second source of a query; not filtered by state",
    "history canceled": "the same",
    "history algo": "the second source of a query; see the test of what is in no list",
    "my trades ordId": "fills are asked for by symbol",
    "my trades method fills": "ccxt passes the method on as a parameter",
    "raw fills (3 days, fast)": "the recorded time is years ago, for which fills-history is asked",
    "positions history": "the result of a position is computed from its fills",
    "ticker": "prices come by stream",
    "mark price": "the same",
    "cancel_orders algo": "cancels go one by one",
}


def recorded(venue_facts: Path) -> dict[str, Any]:
    entries = json.loads((venue_facts / "recorded" / "okx.json").read_text(encoding="utf-8"))
    return {entry["op"]: entry for entry in entries}


def contents(fields: Any) -> dict[str, Any]:
    """The fields of a body, or of the one row that it has."""
    return dict(fields[0] if isinstance(fields, list) else fields or {})


@pytest.mark.parametrize("operation", USED)
def test_the_request_is_the_recorded_one(venue_facts: Path, operation: str) -> None:
    entries = recorded(venue_facts)
    answers = {
        (each["method"], each["path"]): each["response"] for entry in entries.values() for each in entry["requests"]
    }
    used = USED[operation]

    def route(asked: Asked) -> Answer:
        if asked.path.endswith("leverage-info"):
            # What fits already is not set again: here nothing is known to fit.
            return Answer(body={"code": "0", "data": [], "msg": ""})
        return Answer(body=answers.get((asked.method, asked.path), {"code": "0", "data": [], "msg": ""}))

    with canned(route, hedge=used.hedge) as venue:
        assert not isinstance(venue.client.execute(CROSS), OutcomeUnknown)
        del venue.asked[:]
        answer = venue.client.execute(used.request)
        # The recording shows a cancelled algo order as live: that is no proof of its end.
        assert isinstance(used.request, CancelOrder) or not isinstance(answer, OutcomeUnknown), answer
        sent = venue.asked
    [was] = entries[operation]["requests"]
    same_place = [each for each in sent if (each.method, each.path) == (was["method"], was["path"])]
    assert same_place, sent
    theirs = contents(json.loads(was["body"])) if was["body"] else dict(parse_qsl(was["query"] or ""))
    expected = {name: value for name, value in theirs.items() if name not in used.theirs} | dict(used.ours)
    assert expected in [contents(each.body) if each.body else each.query for each in same_place]
    assert bool(used.why) == bool(used.ours or used.theirs)


def test_every_recorded_operation_is_used_or_not_used_for_a_reason(venue_facts: Path) -> None:
    assert set(recorded(venue_facts)) == {*USED, *UNUSED}
    assert not set(USED) & set(UNUSED)
