"""Bitget USDT-M futures (classic account, API v2) over ccxt.

A stop is a ``pos_loss`` plan order: one a position and side, without a size, so that it covers whatever the position
grows to; it is moved in place. A stop that comes with its entry (``presetStopLossPrice``) carries no id of ours: it is
recognised by its position and price when it is first seen, and known by the venue's id from then on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, assert_never

import ccxt

from adapters.venues import request_table
from adapters.venues.bitget_account import (
    balance_report,
    funding_of,
    instruments_of,
    position_report,
)
from adapters.venues.bitget_errors import RefusedError, meaning, meaning_of
from adapters.venues.bitget_links import Links
from adapters.venues.bitget_lookup import Lookup
from adapters.venues.bitget_orders import (
    CONDITIONAL,
    MARGIN_COIN,
    PRODUCT,
    TRIGGER_TYPES,
    VENUE,
    fill_report,
    new_order,
    new_plan,
    order_report,
    plan_report,
    plan_type,
    report_of,
    text_of,
)
from adapters.venues.bitget_preflight import account_checks
from adapters.venues.bitget_session import BitgetSession, Clock
from adapters.venues.bitget_settings import Settings
from adapters.venues.rest import VenueConfig
from messages.checks import Check
from messages.instruments import Capabilities
from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.values import ClientOrderId, MarginMode, Symbol, Venue, VenueOrderId
from messages.venue import (
    AccountReport,
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    FillsReport,
    InstrumentsReport,
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

SECOND_MS: Final = 1_000
FILLS_WINDOW_MS: Final = 7 * 24 * 3_600_000
"""The longest span that one request for fills may ask for."""
FILLS_KEPT_MS: Final = 90 * 24 * 3_600_000
"""How long the venue keeps them: older ones are in no answer."""
_WINDOWS: Final = {
    "place-order": 10,
    "place-tpsl-order": 10,
    "modify-tpsl-order": 10,
    "cancel-order": 10,
    "cancel-plan-order": 10,
    "order-detail": 10,
    "orders": 10,
    "plan-orders": 10,
    "positions": 5,
    "accounts": 10,
    "fills": 10,
    "account": 10,
    "set-margin-mode": 5,
    "set-leverage": 5,
    "public": 20,
}
"""Requests a second and account; each endpoint has a limit of its own."""


class Shared:
    """What the clients of one account know together."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.links = Links()
        self.margin_modes: dict[Symbol, MarginMode] = {}


class BitgetRest:
    """One Bitget account; satisfies ``VenueRest``."""

    venue: Venue = VENUE
    capabilities = Capabilities(
        attach_stop_to_entry=True,
        amend_stop=True,
        two_stops=False,
        whole_position_stop=True,
        hedge_mode=True,
    )
    windows: Sequence[RateWindow] = tuple(
        RateWindow(name=name, limit=limit, window_ms=SECOND_MS) for name, limit in _WINDOWS.items()
    )

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._shared = Shared()

    @property
    def links(self) -> Links:
        """Which order stands behind an order id; the streams share it."""
        return self._shared.links

    @property
    def clock(self) -> Clock:
        """What is known of the venue's time; the streams share it."""
        return self._shared.clock

    def client(self) -> "BitgetClient":
        """A client for one more thread. The raw calls need no markets: symbols are the venue's own."""
        return BitgetClient(self._config, self._shared)

    def preflight(self) -> Sequence[Check]:
        """What the key may do, and in which modes the account is; blocks."""
        session = BitgetSession(self._config, self._shared.clock)
        try:
            return account_checks(session, hedge=self._config.hedge)
        finally:
            session.close()

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        """What ``request`` uses up, by the name of the rate window."""
        match request:
            case PlaceOrder(order=order):
                return {"place-tpsl-order" if order.kind in CONDITIONAL else "place-order": 1}
            case AmendOrder():
                return {"modify-tpsl-order": 1}
            case CancelOrder(order=order):
                if order.kind in CONDITIONAL:
                    return {"cancel-plan-order": 1}
                return {"cancel-order": 1, "order-detail": 1}
            case QueryOrder(kind=kind):
                return {"plan-orders": 2} if kind in CONDITIONAL else {"order-detail": 1, "orders": 2}
            case FetchAccount():
                return {"positions": 1, "orders": 1, "plan-orders": 1, "accounts": 1}
            case FetchFills():
                return {"fills": 1, "accounts": 1, "order-detail": 1, "plan-orders": 1}
            case SetLeverage():
                return {"account": 1, "set-margin-mode": 1, "set-leverage": 1}
            case FetchInstruments() | FetchServerTime():
                return {"public": 1}
            case _:
                assert_never(request)


class BitgetClient:
    """One ccxt client, used by one thread; satisfies ``RestClient``."""

    def __init__(self, config: VenueConfig, shared: Shared) -> None:
        self._shared = shared
        self._session = BitgetSession(config, shared.clock)
        self._lookup = Lookup(self._session, shared.links)
        self._settings = Settings(self._session, shared.margin_modes, hedge=config.hedge)

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    def execute(self, request: VenueRequest) -> VenueAnswer:
        """Do ``request`` and say what came of it."""
        try:
            return request_table.answer(self, request)
        except RefusedError as error:
            return self._told(error.answer)
        except ccxt.BaseError as error:
            return self._told(meaning_of(error))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            return OutcomeUnknown(text=f"the answer cannot be read: {type(error).__name__} {error}")

    def _told(self, answer: OrderRejected | OutcomeUnknown) -> VenueAnswer:
        if isinstance(answer, OrderRejected) and answer.reason is RejectReason.CLOCK:
            self._resync()
        return answer

    def _resync(self) -> None:
        try:
            self._session.server_ms()
        except (RefusedError, ccxt.BaseError, LookupError, TypeError, ValueError):
            # The refusal is told as it is; the next one tries again.
            return

    # --- orders -------------------------------------------------------------------------------------------------------

    def place(self, order: OrderSpec) -> VenueAnswer:
        """Send a new order, regular or plan."""
        if order.kind in CONDITIONAL:
            data = self._session.post("OrderPlaceTpslOrder", new_plan(order))
        else:
            if order.attached_stop_id is not None:
                self._shared.links.expect(order)
            data = self._session.post("OrderPlaceOrder", new_order(order, self._settings.margin_mode(order.symbol)))
        order_id = str((data or {}).get("orderId") or "")
        if not order_id:
            return self._taken_without_id(order)
        report = report_of(order, order_id, OrderStatus.WORKING, now_ms=self._session.now_ms())
        self._shared.links.learn(report)
        return OrderAccepted(report=report)

    def _taken_without_id(self, order: OrderSpec) -> OrderAccepted | OutcomeUnknown:
        """Reducing orders that pushed others out come back so. Why it cannot be looked up is no refusal of it."""
        try:
            found = self.query(QueryOrder(symbol=order.symbol, client_order_id=order.client_order_id, kind=order.kind))
        except (RefusedError, ccxt.BaseError) as error:
            return OutcomeUnknown(text=f"no order id came, and the order is not to be read: {error}"[:300])
        return found if isinstance(found, OrderAccepted) else OutcomeUnknown(text="the answer carries no order id")

    def amend(self, order: OrderSpec) -> VenueAnswer:
        """Move a stop or take profit in place."""
        if order.kind not in CONDITIONAL:
            text = "a limit order would get another client id; cancel it and place a new one"
            return OrderRejected(reason=RejectReason.OTHER, text=text)
        key = self._plan_key(order)
        body = {
            **key,
            "symbol": str(order.symbol),
            "productType": PRODUCT,
            "marginCoin": MARGIN_COIN,
            "triggerPrice": text_of(order.trigger_price) if order.trigger_price is not None else "",
            "triggerType": TRIGGER_TYPES[order.trigger_source],
            "size": "" if order.quantity is None else text_of(order.quantity),
        }
        data = self._session.post("OrderModifyTpslOrder", body)
        order_id = str((data or {}).get("orderId") or key.get("orderId") or order.venue_order_id or "")
        if not order_id:
            return OutcomeUnknown(text="the answer carries no order id")
        return OrderAccepted(report=report_of(order, order_id, OrderStatus.WORKING, now_ms=self._session.now_ms()))

    def cancel(self, order: OrderSpec) -> VenueAnswer:
        """Take a working order back, and say what had filled of it."""
        if order.kind in CONDITIONAL:
            return self._cancel_plan(order)
        if order.venue_order_id is not None:
            key = {"orderId": str(order.venue_order_id)}
        else:
            key = {"clientOid": str(order.client_order_id)}
        data = self._session.post("OrderCancelOrder", {"symbol": str(order.symbol), **key, "productType": PRODUCT})
        order_id = str((data or {}).get("orderId") or order.venue_order_id or "")
        try:
            ended = self._lookup.regular(order.symbol, key)
        except (RefusedError, ccxt.BaseError) as error:
            # The cancel was taken: whatever this failure says must not be read as a refusal of it.
            return OutcomeUnknown(text=f"cancelled, and then not to be read: {error}"[:300])
        if ended is None:
            return OrderAccepted(
                report=report_of(order, order_id, OrderStatus.CANCELLED, now_ms=self._session.now_ms())
            )
        return OrderAccepted(report=_as_cancelled(ended))

    def _cancel_plan(self, order: OrderSpec) -> VenueAnswer:
        key = self._plan_key(order)
        body = {
            "symbol": str(order.symbol),
            "orderIdList": [key],
            "productType": PRODUCT,
            "planType": plan_type(order),
        }
        data = self._session.post("OrderCancelPlanOrder", body) or {}
        for failure in data.get("failureList") or ():
            return self._told(meaning(str(failure.get("errorCode") or ""), str(failure.get("errorMsg") or "")))
        done = data.get("successList") or ()
        if not done:
            return OutcomeUnknown(text="the answer names neither success nor failure")
        order_id = str(done[0].get("orderId") or key.get("orderId") or order.venue_order_id or "")
        return OrderAccepted(report=report_of(order, order_id, OrderStatus.CANCELLED, now_ms=self._session.now_ms()))

    def _plan_key(self, order: OrderSpec) -> dict[str, str]:
        """How the venue is told which plan order is meant; a stop that came with its entry has no id of ours."""
        if order.venue_order_id is not None:
            self._shared.links.name(order.client_order_id, order.venue_order_id)
            return {"orderId": str(order.venue_order_id)}
        known = self._anonymous(order.symbol, order.client_order_id)
        return {"clientOid": str(order.client_order_id)} if known is None else {"orderId": str(known)}

    def _anonymous(self, symbol: Symbol, client_id: ClientOrderId) -> VenueOrderId | None:
        """The venue's id of an order that it does not know by ours."""
        links = self._shared.links
        if links.expects(client_id):
            self._lookup.learn_stops(symbol)
        return links.named(client_id)

    def query(self, request: QueryOrder) -> VenueAnswer:
        """Look for one order of ours, in every list that may hold it."""
        symbol, key = request.symbol, {"clientOid": str(request.client_order_id)}
        if request.kind in CONDITIONAL:
            if request.venue_order_id is not None:
                self._shared.links.name(request.client_order_id, request.venue_order_id)
            found = self._lookup.plan(symbol, key)
            known = None if found is not None else self._anonymous(symbol, request.client_order_id)
            if known is not None:
                found = self._lookup.plan(symbol, {"orderId": str(known)})
        else:
            found = self._lookup.regular(symbol, key)
        if found is not None:
            return OrderAccepted(report=found)
        return OrderRejected(reason=RejectReason.NOT_FOUND, text=f"no list shows {request.client_order_id}")

    # --- the account --------------------------------------------------------------------------------------------------

    def account(self, symbol: Symbol | None) -> VenueAnswer:
        """Positions, open orders of both kinds, money."""
        taken_ms = self._session.now_ms()
        session = self._session
        rows = session.get("PositionAllPosition", marginCoin=MARGIN_COIN) or ()
        positions = [position for row in rows if (position := position_report(row)) is not None]
        for position in positions:
            self._shared.margin_modes[position.symbol] = position.margin_mode
        of_symbol = {} if symbol is None else {"symbol": str(symbol)}
        orders = [order_report(row) for row in session.pages("OrderOrdersPending", "entrustedList", of_symbol)]
        plans = session.pages("OrderOrdersPlanPending", "entrustedList", {"planType": "profit_loss", **of_symbol})
        orders += [report for row in plans if (report := plan_report(row)) is not None]
        for report in orders:
            self._shared.links.learn(report)
        return AccountReport(
            venue=VENUE,
            symbol=symbol,
            positions=tuple(position for position in positions if symbol in (None, position.symbol)),
            orders=tuple(orders),
            balance=balance_report(session.get("AccountAccounts") or ()),
            taken_ms=taken_ms,
        )

    def instruments(self) -> VenueAnswer:
        """The USDT-M perpetuals."""
        rows = self._session.public("MixGetV2MixMarketContracts", productType=PRODUCT)
        return InstrumentsReport(venue=VENUE, instruments=instruments_of(rows))

    def set_leverage(self, request: SetLeverage) -> VenueAnswer:
        """Leverage and margin mode of a symbol, where they differ."""
        return self._settings.set_leverage(request)

    def server_time(self) -> VenueAnswer:
        """The venue's clock; what is signed from now on follows it."""
        return ServerTime(server_ms=self._session.server_ms())

    def fills(self, request: FetchFills) -> VenueAnswer:
        """Executions and funding payments, each under the order that it is of."""
        symbol, until_ms = request.symbol, self._session.now_ms()
        rows = []
        bills = []
        start_ms = max(request.since_ms, until_ms - FILLS_KEPT_MS)
        while True:
            end_ms = start_ms + FILLS_WINDOW_MS
            span = {"startTime": str(start_ms)} | ({"endTime": str(end_ms)} if end_ms < until_ms else {})
            rows += self._session.pages("OrderFills", "fillList", {"symbol": str(symbol), **span})
            bills += self._session.pages("AccountBill", "bills", {"businessType": "contract_settle_fee", **span})
            if end_ms >= until_ms:
                break
            start_ms = end_ms
        self._lookup.learn_all(symbol, rows)
        unique = {str(row.get("tradeId")): row for row in rows}.values()
        fills = [fill_report(row, self._shared.links.find(str(row.get("orderId")))) for row in unique]
        fills.sort(key=lambda fill: (fill.time_ms, len(fill.fill_id), fill.fill_id))
        unique_bills = {str(row.get("billId")): row for row in bills}.values()
        return FillsReport(
            venue=VENUE,
            symbol=symbol,
            since_ms=request.since_ms,
            fills=tuple(fills),
            funding=funding_of(unique_bills, symbol),
        )


def _as_cancelled(ended: OrderReport) -> OrderReport:
    """The order after its cancel was accepted: the reading may be a moment older than the cancel."""
    if ended.status is not OrderStatus.WORKING:
        return ended
    return replace(ended, status=OrderStatus.CANCELLED)
