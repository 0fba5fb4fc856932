"""OKX v5 USDT swaps over ccxt.

A position's stop is an algo order of ours with ``closeFraction`` 1, moved in place. The entry carries one of its own:
OKX makes that one for the entry's quantity, once the entry has filled completely. It has an id of ours as well, so that
each stop can be asked for, moved and cancelled by its client order id.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

import ccxt

from adapters.venues import request_table
from adapters.venues.okx_errors import RefusedError, answer_of, answer_to_error
from adapters.venues.okx_http import MeaninglessAnswerError, OkxHttp, VenueClock
from adapters.venues.okx_preflight import account_checks
from adapters.venues.okx_reading import Children, Modes, OkxReading
from adapters.venues.okx_requests import (
    ALGO_KINDS,
    Params,
    algo_amend,
    algo_identity,
    algo_order,
    regular_amend,
    regular_identity,
    regular_order,
    report_of,
)
from adapters.venues.okx_rows import OKX, AckRow, AnyRow, LeverageRow, instrument_of, number_of
from adapters.venues.rest import VenueConfig
from messages.checks import Check
from messages.instruments import Capabilities
from messages.orders import OrderSpec, OrderStatus
from messages.values import MarginMode, OrderKind, Symbol, VenueOrderId
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    InstrumentsReport,
    LeverageSet,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    RateWindow,
    RejectReason,
    ServerTime,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)

CAPABILITIES = Capabilities(
    attach_stop_to_entry=True,
    amend_stop=True,
    two_stops=True,
    whole_position_stop=True,
    hedge_mode=True,
    attached_stop_needs_full_fill=True,
)
_WINDOW_MS = 2_000
_LIMITS = {
    "order": 60,
    "cancel": 60,
    "amend": 60,
    "algo": 20,
    "algo_cancel": 20,
    "algo_amend": 20,
    "order_query": 60,
    "algo_query": 20,
    "pending": 60,
    "algo_pending": 20,
    "positions": 10,
    "balance": 10,
    "fills": 60,
    "bills": 10,
    "leverage": 10,
    "public": 20,
}
"""Requests in two seconds, by endpoint; OKX counts most of them by user, some (orders) by instrument as well."""
WINDOWS = tuple(RateWindow(name=name, limit=limit, window_ms=_WINDOW_MS) for name, limit in _LIMITS.items())


class OkxRest:
    """One OKX account; its clients share what they know of its clock, margin modes and algo orders' children."""

    venue = OKX
    capabilities = CAPABILITIES
    windows: Sequence[RateWindow] = WINDOWS

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self.clock = VenueClock()
        self._modes = Modes()
        self._children = Children()

    def client(self) -> "OkxClient":
        """A client for one more worker thread. OKX's native calls need no markets, so none are loaded."""
        return OkxClient(self._config, self.clock, self._modes, self._children)

    def preflight(self) -> Sequence[Check]:
        """What the key may do, and in which modes the account is; blocks."""
        http = OkxHttp(self._config, self.clock)
        try:
            return account_checks(http, hedge=self._config.hedge)
        finally:
            http.close()

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up, by the name of the rate window."""
        match request:
            case PlaceOrder(order=order):
                return {"algo" if order.kind in ALGO_KINDS else "order": 1}
            case AmendOrder(order=order):
                return {"algo_amend" if order.kind in ALGO_KINDS else "amend": 1}
            case CancelOrder(order=order):
                is_algo = order.kind in ALGO_KINDS
                return {"algo_cancel": 1, "algo_query": 1} if is_algo else {"cancel": 1, "order_query": 1}
            case QueryOrder(kind=kind):
                return {"algo_query": 1} if kind in ALGO_KINDS else {"order_query": 1}
            case FetchAccount():
                return {"positions": 1, "pending": 1, "algo_pending": 2, "balance": 1}
            case FetchFills():
                return {"fills": 1, "bills": 1}
            case SetLeverage():
                return {"leverage": 2 if request.hedge_side is None and self._config.hedge else 1}
            case FetchInstruments() | FetchServerTime():
                return {"public": 1}
            case _:
                assert_never(request)


class OkxClient:
    """What one worker thread sends."""

    def __init__(self, config: VenueConfig, clock: VenueClock, modes: Modes, children: Children) -> None:
        self._config = config
        self._http = OkxHttp(config, clock)
        self._modes = modes
        self._reading = OkxReading(self._http, modes, children)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def execute(self, request: VenueRequest) -> VenueAnswer:
        """Do ``request`` and say what came of it; blocks."""
        try:
            return request_table.answer(self, request)
        except RefusedError as error:
            answer = answer_of(error.code, str(error))
        except ccxt.BaseError as error:
            answer = answer_to_error(error)
        except (MeaninglessAnswerError, ValueError) as error:
            answer = OutcomeUnknown(text=f"not what OKX answers: {error}")
        if isinstance(answer, OrderRejected) and answer.reason is RejectReason.CLOCK:
            self._follow_the_clock()
        return answer

    # --- orders -------------------------------------------------------------------------------------------------------

    def place(self, order: OrderSpec) -> VenueAnswer:
        """Send a new order, to the list that its kind is in."""
        mode = self._reading.mode(order.symbol)
        if order.kind in ALGO_KINDS:
            acks = self._http.rows("privatePostTradeOrderAlgo", algo_order(order, mode), AckRow)
        else:
            acks = self._http.rows("privatePostTradeOrder", regular_order(order, mode), AckRow)
        return self._acknowledged(order, acks, OrderStatus.WORKING)

    def amend(self, order: OrderSpec) -> VenueAnswer:
        """Change a working order in place."""
        if order.kind in ALGO_KINDS:
            acks = self._http.rows("privatePostTradeAmendAlgos", algo_amend(order), AckRow)
        else:
            acks = self._http.rows("privatePostTradeAmendOrder", regular_amend(order), AckRow)
        return self._acknowledged(order, acks, OrderStatus.WORKING)

    def cancel(self, order: OrderSpec) -> VenueAnswer:
        """The acknowledgement says nothing of what filled before: the order is read once more."""
        if order.kind in ALGO_KINDS:
            identity = algo_identity(order)
            acks = self._http.rows("privatePostTradeCancelAlgos", [dict(identity)], AckRow)
        else:
            identity = regular_identity(order)
            acks = self._http.rows("privatePostTradeCancelOrder", dict(identity), AckRow)
        acknowledged = self._acknowledged(order, acks, OrderStatus.CANCELLED)
        if not isinstance(acknowledged, OrderAccepted):
            return acknowledged
        try:
            report = self._reading.order_after_cancel(_look_up(identity, order.kind), order.kind)
        except (RefusedError, ccxt.BaseError, MeaninglessAnswerError, ValueError) as error:
            # The cancel was taken: whatever this failure says must not be read as a refusal of it.
            return OutcomeUnknown(text=f"cancelled, and then not to be read: {error}")
        if report is None:
            return acknowledged
        if report.status is OrderStatus.WORKING:
            return OutcomeUnknown(text="the cancellation was taken, the order still works")
        return OrderAccepted(report=report)

    def _acknowledged(self, order: OrderSpec, acks: Sequence[AckRow], status: OrderStatus) -> VenueAnswer:
        """Only an id proves that there is an order."""
        own_id = next((ack.algo_id if order.kind in ALGO_KINDS else ack.ord_id for ack in acks), "")
        if not own_id:
            return OutcomeUnknown(text="OKX answered without an order id")
        return OrderAccepted(report=report_of(order, OKX, VenueOrderId(own_id), status, self._http.now_ms()))

    def query(self, request: QueryOrder) -> VenueAnswer:
        """Look for one order of ours, in every list that may hold it."""
        report = self._reading.order(request.symbol, request.client_order_id, request.kind)
        if report is None:
            text = f"OKX has no order {request.client_order_id} in any list"
            return OrderRejected(reason=RejectReason.NOT_FOUND, text=text)
        return OrderAccepted(report=report)

    # --- account ------------------------------------------------------------------------------------------------------

    def account(self, symbol: Symbol | None) -> VenueAnswer:
        """Positions, open orders of both lists, money."""
        return self._reading.account(symbol)

    def fills(self, request: FetchFills) -> VenueAnswer:
        """Executions and funding payments."""
        return self._reading.fills(request.symbol, request.since_ms)

    def instruments(self) -> VenueAnswer:
        """The USDT swaps."""
        return InstrumentsReport(venue=OKX, instruments=self._reading.instruments())

    def server_time(self) -> VenueAnswer:
        """OKX's clock; what is signed from now on follows it."""
        return ServerTime(server_ms=self._http.server_ms())

    def set_leverage(self, request: SetLeverage) -> VenueAnswer:
        """OKX has no margin mode of a symbol: leverage is set for one, and which one counts is said with each order.

        What is as it should be is left alone: with orders or a position a change may be refused.
        """
        of_mode: Params = {"instId": instrument_of(request.symbol), "mgnMode": request.margin_mode.value}
        rows = self._http.rows("privateGetAccountLeverageInfo", of_mode, LeverageRow)
        present = {row.pos_side: number_of(row.lever) for row in rows}
        params: Params = {"lever": request.leverage, **of_mode}
        sides = [""]
        if self._config.hedge and request.margin_mode is MarginMode.ISOLATED:
            sides = ["long", "short"] if request.hedge_side is None else [request.hedge_side.value]
        for side in sides:
            shown = {lever for held, lever in present.items() if held == side or not side}
            if shown == {request.leverage}:
                continue
            self._http.rows("privatePostAccountSetLeverage", params | ({"posSide": side} if side else {}), AnyRow)
        self._modes.was_set(request.symbol, request.margin_mode)
        return LeverageSet(symbol=request.symbol, leverage=request.leverage, margin_mode=request.margin_mode)

    def _follow_the_clock(self) -> None:
        """What is sent next is signed with OKX's time; where that cannot be read now, the next refusal tries again."""
        try:
            self._http.server_ms()
        except (ccxt.BaseError, MeaninglessAnswerError):
            return


def _look_up(identity: Params, kind: OrderKind) -> Params:
    """How the same order is read: algo orders by their own id alone."""
    if kind in ALGO_KINDS:
        return {name: value for name, value in identity.items() if name != "instId"}
    return identity
