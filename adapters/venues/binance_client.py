"""One ccxt client for Binance, used by one thread: each request in the venue's own calls, each answer in our words.

A create counts only when an id came back. An order is "not found" only when both lists say so.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import ccxt
import msgspec

from adapters.venues import request_table
from adapters.venues.binance_errors import (
    ALREADY_SO,
    CLOCK_CODES,
    CallFailed,
    Refusal,
    code_of,
    is_not_found,
    meaning_of,
    of_code,
)
from adapters.venues.binance_funding import FundingMemory
from adapters.venues.binance_history import BinanceHistory
from adapters.venues.binance_orders import (
    Params,
    amended_limit,
    is_conditional,
    new_algo,
    new_regular,
    of_algo,
    of_regular,
)
from adapters.venues.binance_reports import (
    BINANCE,
    TRIGGERED,
    Account,
    AccountConfig,
    AlgoCancelled,
    AlgoOrder,
    ExchangeInfo,
    PositionRow,
    RegularOrder,
    SymbolBrackets,
    SymbolConfig,
    algo_report,
    balance_report,
    instruments_of,
    position_report,
    regular_report,
)
from messages.orders import BalanceReport, OrderReport, OrderSpec, OrderStatus
from messages.values import ClientOrderId, MarginMode, OrderKind, Symbol, VenueOrderId
from messages.venue import (
    AccountReport,
    FetchFills,
    FillsReport,
    InstrumentsReport,
    LeverageSet,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    QueryOrder,
    RejectReason,
    ServerTime,
    SetLeverage,
    VenueAnswer,
    VenueRequest,
)

T = TypeVar("T")
HTTP_OK: Final = 200


class Memory(Protocol):
    """What the clients of one account share."""

    clock_ahead_ms: int
    mode_verified: bool
    funding: FundingMemory
    balance: BalanceReport | None

    def told(self, headers: Mapping[str, str] | None, sent_ms: int) -> None:
        """An answer came with these headers, to a request sent at ``sent_ms``."""
        ...

    def client_id(self, symbol: str, order_id: int) -> str | None:
        """The client order id of a regular order, where it was looked up before."""
        ...

    def remember(self, symbol: str, order_id: int, client_order_id: str) -> None:
        """Keep an order's client order id."""
        ...


class BinanceClient:
    """Satisfies :class:`~adapters.venues.rest.RestClient`."""

    def __init__(self, exchange: Any, *, memory: Memory, hedge: bool) -> None:
        """``exchange`` is a ``ccxt.binanceusdm`` of this thread's own; ``hedge`` what the account should be set to."""
        self._exchange = exchange
        self._memory = memory
        self._hedge = hedge
        self._history = BinanceHistory(exchange, memory, self.call)

    def execute(self, request: VenueRequest) -> VenueAnswer:
        """Do ``request``; blocks. What the venue refuses, or does not answer, is an answer."""
        try:
            return request_table.answer(self, request)
        except CallFailed as failed:
            return failed.answer

    def close(self) -> None:
        """Let go of the connection."""
        session = self._exchange.session
        if session is not None:
            session.close()

    def call(self, method: Callable[[Params], Any], params: Mapping[str, str], shape: type[T]) -> T:
        """Call one raw method and read its answer as ``shape``.

        Raises:
            CallFailed: Refused, not answered, or answered with something else.
        """
        exchange = self._exchange
        # What ccxt keeps of the last answer must not be taken for an answer to this call.
        exchange.last_http_response = exchange.last_response_headers = None
        exchange.options["timeDifference"] = self._memory.clock_ahead_ms
        sent_ms = self._now_ms()
        try:
            answer = method(dict(params))
        except ccxt.BaseError as error:
            body, headers = exchange.last_http_response, exchange.last_response_headers
            meaning = meaning_of(error, body=body, headers=headers)
            code = code_of(error, body)
            if code in CLOCK_CODES:
                meaning = self._with_the_clock_set(meaning)
            raise CallFailed(meaning, code=code) from error
        finally:
            self._memory.told(exchange.last_response_headers, sent_ms)
        try:
            return msgspec.convert(answer, shape)
        except msgspec.ValidationError as error:
            raise CallFailed(_misread(answer, error)) from error

    def _now_ms(self) -> int:
        return int(self._exchange.milliseconds())

    def _with_the_clock_set(self, meaning: Refusal) -> Refusal:
        """Measure the venue's clock; the request may then be sent again at once."""
        try:
            self._server_ms()
        except CallFailed:
            return meaning
        if isinstance(meaning, OrderRejected):
            return OrderRejected(reason=meaning.reason, text=meaning.text, retry_after_s=0.0)
        return meaning

    # --- orders -------------------------------------------------------------------------------------------------------

    def place(self, spec: OrderSpec) -> VenueAnswer:
        """Send a new order, to the list that its kind is in."""
        if spec.attached_stop_price is not None:
            # Binance would take the order and leave the stop out.
            return _refused(RejectReason.NOT_SENT, "Binance cannot attach a stop to an entry")
        if is_conditional(spec.kind):
            algo = self.call(self._exchange.fapiPrivatePostAlgoOrder, new_algo(spec), AlgoOrder)
            return OrderAccepted(report=algo_report(algo))
        order = self.call(self._exchange.fapiPrivatePostOrder, new_regular(spec), RegularOrder)
        return OrderAccepted(report=regular_report(order))

    def amend(self, spec: OrderSpec) -> VenueAnswer:
        """Change a limit order in place; a stop is replaced by another one."""
        if spec.kind is not OrderKind.LIMIT or spec.price is None or spec.quantity is None:
            return _refused(RejectReason.OTHER, "Binance amends limit orders only: a stop is replaced by another one")
        try:
            order = self.call(self._exchange.fapiPrivatePutOrder, amended_limit(spec), RegularOrder)
        except CallFailed as failed:
            if failed.code not in ALREADY_SO:
                raise
            return self.query(QueryOrder(symbol=spec.symbol, client_order_id=spec.client_order_id, kind=spec.kind))
        return OrderAccepted(report=regular_report(order))

    def cancel(self, spec: OrderSpec) -> VenueAnswer:
        """Take a working order back."""
        if not is_conditional(spec.kind):
            params = of_regular(spec.symbol, spec.client_order_id, spec.venue_order_id)
            order = self.call(self._exchange.fapiPrivateDeleteOrder, params, RegularOrder)
            return OrderAccepted(report=regular_report(order))
        params = of_algo(spec.symbol, spec.client_order_id, spec.venue_order_id)
        cancelled = self.call(self._exchange.fapiPrivateDeleteAlgoOrder, params, AlgoCancelled)
        if int(cancelled.code) != HTTP_OK:
            return of_code(int(cancelled.code), f"cancel answered {cancelled.code}")
        return OrderAccepted(report=_cancelled(spec, cancelled, self._now_ms()))

    def query(self, request: QueryOrder) -> VenueAnswer:
        """Look in the list where the order should be, then in the other one (a stop's child carries the stop's id)."""
        looks = (self._find_algo, self._find_regular) if is_conditional(request.kind) else (self._find_regular,)
        for look in looks:
            report = look(request.symbol, request.client_order_id)
            if report is not None:
                return OrderAccepted(report=report)
        return _refused(RejectReason.NOT_FOUND, f"no list has an order {request.client_order_id}")

    def _find_regular(self, symbol: Symbol, client_order_id: ClientOrderId) -> OrderReport | None:
        params = of_regular(symbol, client_order_id, None)
        order = _or_none(lambda: self.call(self._exchange.fapiPrivateGetOrder, params, RegularOrder))
        return None if order is None else regular_report(order)

    def _find_algo(self, symbol: Symbol, client_order_id: ClientOrderId) -> OrderReport | None:
        params = of_algo(symbol, client_order_id, None)
        order = _or_none(lambda: self.call(self._exchange.fapiPrivateGetAlgoOrder, params, AlgoOrder))
        if order is None:
            return None
        child: OrderReport | None = None
        if order.algo_status in TRIGGERED and order.actual_order_id:
            of_child = of_regular(symbol, "", VenueOrderId(f"{order.actual_order_id}"))
            made = _or_none(lambda: self.call(self._exchange.fapiPrivateGetOrder, of_child, RegularOrder))
            child = None if made is None else regular_report(made)
        return algo_report(order, child)

    # --- reading ------------------------------------------------------------------------------------------------------

    def account(self, symbol: Symbol | None) -> VenueAnswer:
        """Positions, open orders of both lists, money."""
        taken_ms = self._now_ms()
        exchange = self._exchange
        params = {} if symbol is None else {"symbol": str(symbol)}
        # Orders before positions: a stop that triggers in between is then shown beside its position, not missing.
        algos = self.call(exchange.fapiPrivateGetOpenAlgoOrders, params, list[AlgoOrder])
        regular = self.call(exchange.fapiPrivateGetOpenOrders, params, list[RegularOrder])
        rows = self.call(exchange.fapiPrivateV3GetPositionRisk, params, list[PositionRow])
        positions = (position_report(row) for row in rows if symbol is None or row.symbol == symbol)
        return AccountReport(
            venue=BINANCE,
            symbol=symbol,
            positions=tuple(position for position in positions if position is not None),
            orders=(*(regular_report(order) for order in regular), *(algo_report(order) for order in algos)),
            balance=self._balance(symbol),
            taken_ms=taken_ms,
        )

    def _balance(self, symbol: Symbol | None) -> BalanceReport:
        """It is in no answer about a symbol, and would weigh almost as much as all that is: one of before will do."""
        known = self._memory.balance
        if symbol is None or known is None:
            known = balance_report(self.call(self._exchange.fapiPrivateV3GetAccount, {}, Account))
            self._memory.balance = known
        return known

    def fills(self, request: FetchFills) -> VenueAnswer:
        """Executions and funding payments."""
        return FillsReport(
            venue=BINANCE,
            symbol=request.symbol,
            since_ms=request.since_ms,
            fills=self._history.fills(request.symbol, request.since_ms),
            funding=self._memory.funding.of(request.symbol, request.since_ms, self._history.funding),
        )

    def instruments(self) -> VenueAnswer:
        """The USDT perpetuals; refused in the wrong position mode."""
        problem = self._wrong_position_mode()
        if problem:
            return _refused(RejectReason.OTHER, problem)
        info = self.call(self._exchange.fapiPublicGetExchangeInfo, {}, ExchangeInfo)
        brackets = self.call(self._exchange.fapiPrivateGetLeverageBracket, {}, list[SymbolBrackets])
        try:
            return InstrumentsReport(venue=BINANCE, instruments=tuple(instruments_of(info, brackets)))
        except (KeyError, ArithmeticError) as error:
            return OutcomeUnknown(text=f"an instrument without its rules: {error!r}")

    def _wrong_position_mode(self) -> str:
        """What to do when the account's mode is not the one that is set here; empty when it is."""
        if not self._memory.mode_verified:
            is_hedge = self.modes().dual_side_position
            if is_hedge is not self._hedge:
                is_, should = ("hedge", "one-way") if is_hedge else ("one-way", "hedge")
                return f"the account is in {is_} mode, the settings say {should}: change one of them"
        return ""

    def modes(self) -> AccountConfig:
        """The modes that the account is in; a position mode as it is set here is not asked for again.

        Raises:
            CallFailed: The venue does not tell.
        """
        modes = self.call(self._exchange.fapiPrivateGetAccountConfig, {}, AccountConfig)
        self._memory.mode_verified = modes.dual_side_position is self._hedge
        return modes

    def server_time(self) -> VenueAnswer:
        """The venue's clock; what is signed from now on follows it."""
        return ServerTime(server_ms=self._server_ms())

    def _server_ms(self) -> int:
        before_ms = self._now_ms()
        answer = self.call(self._exchange.fapiPublicGetTime, {}, dict[str, int])
        server_ms = answer.get("serverTime")
        if server_ms is None:
            raise CallFailed(OutcomeUnknown(text=f"no time in {answer!r:.100}"))
        self._memory.clock_ahead_ms = (before_ms + self._now_ms()) // 2 - server_ms
        return server_ms

    def set_leverage(self, request: SetLeverage) -> VenueAnswer:
        """Set what differs only: with orders or a position the venue may refuse even what is so already."""
        margin_type = "ISOLATED" if request.margin_mode is MarginMode.ISOLATED else "CROSSED"
        exchange, symbol = self._exchange, str(request.symbol)
        configs = self.call(exchange.fapiPrivateGetSymbolConfig, {"symbol": symbol}, list[SymbolConfig])
        present = next((each for each in configs if each.symbol == symbol), None)
        if present is None or present.margin_type != margin_type:
            self._set_margin_type({"symbol": symbol, "marginType": margin_type})
        if present is None or present.leverage != request.leverage:
            of_leverage = {"symbol": symbol, "leverage": f"{request.leverage}"}
            set_to = self.call(exchange.fapiPrivatePostLeverage, of_leverage, dict[str, Any]).get("leverage")
            if str(set_to) != f"{request.leverage}":
                return OutcomeUnknown(text=f"asked for leverage {request.leverage}, answered {set_to!r}")
        return LeverageSet(symbol=request.symbol, leverage=request.leverage, margin_mode=request.margin_mode)

    def _set_margin_type(self, of_margin: dict[str, str]) -> None:
        try:
            self.call(self._exchange.fapiPrivatePostMarginType, of_margin, dict[str, Any])
        except CallFailed as failed:
            if failed.code not in ALREADY_SO:
                raise


def _cancelled(spec: OrderSpec, cancelled: AlgoCancelled, now_ms: int) -> OrderReport:
    """A conditional order as it ended: the venue says only that it is cancelled, the rest is what was asked for."""
    return OrderReport(
        venue=BINANCE,
        symbol=spec.symbol,
        venue_order_id=VenueOrderId(f"{cancelled.algo_id}"),
        client_order_id=spec.client_order_id,
        side=spec.side,
        kind=spec.kind,
        status=OrderStatus.CANCELLED,
        quantity=spec.quantity,
        trigger_price=spec.trigger_price,
        trigger_source=spec.trigger_source,
        reduce_only=spec.reduce_only,
        hedge_side=spec.hedge_side,
        updated_ms=now_ms,
    )


def _or_none(look: Callable[[], T]) -> T | None:
    """What was looked for; ``None`` when the venue says that it is not there."""
    try:
        return look()
    except CallFailed as failed:
        if is_not_found(failed):
            return None
        raise


def _misread(answer: object, error: msgspec.ValidationError) -> Refusal:
    """An answer without what it should have: an error inside a 200, or no answer of the venue's at all."""
    code = answer.get("code") if isinstance(answer, dict) else None
    if isinstance(code, int | str) and str(code).lstrip("-").isdigit() and int(code) < 0:
        return of_code(int(code), f"{code} {answer.get('msg', '')}" if isinstance(answer, dict) else "")
    return OutcomeUnknown(text=f"an answer that is none ({error}): {answer!r:.200}")


def _refused(reason: RejectReason, text: str) -> OrderRejected:
    return OrderRejected(reason=reason, text=text)
