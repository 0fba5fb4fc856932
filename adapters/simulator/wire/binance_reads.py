"""The reading endpoints of the simulated Binance, and the settings of its account."""

from collections.abc import Iterable
from typing import Final, TypeVar

from adapters.simulator.account import LeverageSetting
from adapters.simulator.engine import Exchange
from adapters.simulator.orders import SimOrder
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.binance_orders import BinanceOrders, Params, order_in, required
from adapters.simulator.wire.binance_refusals import Refused, refused
from adapters.simulator.wire.binance_rows import (
    REGULAR_FROM,
    Row,
    account_row,
    algo_row,
    bracket_row,
    engine_id,
    funding_row,
    has_child,
    is_conditional,
    listed_row,
    position_row,
    premium_row,
    regular_row,
    ticker_row,
    trade_row,
)
from adapters.simulator.wire.dialect import Ask
from messages.instruments import Instrument
from messages.market import Tick
from messages.orders import OrderReport
from messages.values import MarginMode, OrderKind, Side, Symbol
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    FillsReport,
    InstrumentsReport,
    LeverageSet,
    OrderRejected,
    OutcomeUnknown,
    QueryOrder,
    RejectReason,
    ServerTime,
    SetLeverage,
    VenueAnswer,
)

T = TypeVar("T")
DEFAULT_PAGE: Final = 500
MAX_PAGE: Final = 1_000
WINDOW_MS: Final = 7 * 86_400_000
_MARGIN_TYPES: Final = {MarginMode.ISOLATED: "ISOLATED", MarginMode.CROSS: "CROSSED"}


class BinanceReads:
    """Answers what is asked about the account and the market."""

    def __init__(self, exchange: PaperExchange, orders: BinanceOrders) -> None:
        self._exchange = exchange
        self._orders = orders

    # --- the venue ----------------------------------------------------------------------------------------------------

    async def exchange_info(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v1/exchangeInfo."""
        _ = params
        report = _as(await ask(FetchInstruments()), InstrumentsReport)
        limits = (("REQUEST_WEIGHT", "MINUTE", 1, 2400), ("ORDERS", "MINUTE", 1, 1200), ("ORDERS", "SECOND", 10, 300))
        return {
            "timezone": "UTC",
            "serverTime": self._exchange.venue_ms,
            "futuresType": "U_MARGINED",
            "rateLimits": [
                {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
                for kind, interval, number, limit in limits
            ],
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-100"}],
            "symbols": [listed_row(each) for each in report.instruments],
        }

    async def time(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v1/time."""
        _ = params
        return {"serverTime": _as(await ask(FetchServerTime()), ServerTime).server_ms}

    async def ticker(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v1/ticker/24hr."""
        _ = ask
        return ticker_row(self._tick(params))

    async def premium(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v1/premiumIndex."""
        _ = ask
        return premium_row(self._tick(params))

    async def brackets(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v1/leverageBracket."""
        report = _as(await ask(FetchInstruments()), InstrumentsReport)
        return [bracket_row(each) for each in report.instruments if params.get("symbol") in {None, each.symbol}]

    # --- the account --------------------------------------------------------------------------------------------------

    async def account(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v3/account."""
        _ = params
        report = _as(await ask(FetchAccount()), AccountReport)
        return account_row(report.balance, self._exchange.venue_ms)

    async def positions(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v3/positionRisk: those that are open."""
        report = await self._account(params, ask)
        listed = self._listed()
        return [position_row(each, listed[each.symbol]) for each in report.positions]

    async def open_orders(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v1/openOrders."""
        report = await self._account(params, ask)
        listed = self._listed()
        return [regular_row(each, listed[each.symbol]) for each in report.orders if not is_conditional(each)]

    async def open_algos(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v1/openAlgoOrders."""
        report = await self._account(params, ask)
        listed = self._listed()
        return [algo_row(each, listed[each.symbol]) for each in report.orders if is_conditional(each)]

    async def order(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v1/order."""
        instrument = self._orders.instrument(params)
        return regular_row(await self._asked_for(params, ask, algo=False), instrument)

    async def algo(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v1/algoOrder."""
        report = await self._asked_for(params, ask, algo=True)
        return algo_row(report, self._listed()[report.symbol], whole=True)

    async def all_orders(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v1/allOrders."""
        _at_most_a_week(params)
        _ = ask
        instrument = self._orders.instrument(params)
        known = (each for each in self._known(instrument.symbol) if not is_conditional(each) or has_child(each))
        first = int(engine_id(params.get("orderId", f"{REGULAR_FROM}"), REGULAR_FROM))
        rows = [each for each in known if int(each.venue_order_id) >= first and _is_within(params, each.created_ms)]
        return [regular_row(each, instrument) for each in _page(params, rows, from_start="orderId" in params)]

    async def all_algos(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v1/allAlgoOrders."""
        _at_most_a_week(params)
        _ = ask
        instrument = self._orders.instrument(params)
        known = [each for each in self._known(instrument.symbol) if is_conditional(each)]
        rows = [each for each in known if _is_within(params, each.created_ms)]
        return [algo_row(each, instrument, whole=True) for each in _page(params, rows)]

    async def trades(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v1/userTrades: a week at most between the times; from an id on without them."""
        instrument = self._orders.instrument(params)
        timed = "startTime" in params or "endTime" in params
        if "fromId" in params and timed:
            raise Refused(-1106, "Parameter 'fromid' sent when not required.")
        _at_most_a_week(params)
        report = _as(await ask(FetchFills(symbol=instrument.symbol, since_ms=0)), FillsReport)
        rows = [trade_row(fill, instrument) for fill in report.fills]
        if "orderId" in params:
            rows = [row for row in rows if f"{row['orderId']}" == params["orderId"]]
        if "fromId" in params:
            rows = [row for row in rows if row["id"] >= int(params["fromId"])]
        rows = [row for row in rows if _is_within(params, row["time"])]
        return list(_page(params, rows, from_start="fromId" in params or "startTime" in params))

    async def income(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v1/income: funding payments; the engine keeps no other kind apart."""
        if params.get("incomeType", "FUNDING_FEE") != "FUNDING_FEE":
            return []
        listed = list(self._listed())
        symbols = [self._orders.instrument(params).symbol] if "symbol" in params else listed
        # One question to the engine, whatever it is about: it carries the network's time and faults.
        _as(await ask(FetchFills(symbol=symbols[0], since_ms=0)), FillsReport)
        paid = self._exchange.look(lambda engine: [engine.fills(symbol, 0).funding for symbol in symbols])
        rows = [funding_row(each) for payments in paid for each in payments if _is_within(params, each.time_ms)]
        rows.sort(key=lambda row: (row["time"], row["tranId"]))
        return list(_page(params, rows, from_start="startTime" in params))

    # --- settings -----------------------------------------------------------------------------------------------------

    async def set_leverage(self, params: Params, ask: Ask) -> Row:
        """POST /fapi/v1/leverage: of both sides in hedge mode."""
        symbol = self._orders.instrument(params).symbol
        leverage = int(required(params, "leverage"))
        await self._set(ask, symbol, leverage, self._setting(symbol).margin_mode)
        return {"leverage": leverage, "maxNotionalValue": "1000000", "symbol": symbol}

    async def set_margin_type(self, params: Params, ask: Ask) -> Row:
        """POST /fapi/v1/marginType."""
        symbol = self._orders.instrument(params).symbol
        wanted = next((mode for mode, word in _MARGIN_TYPES.items() if word == required(params, "marginType")), None)
        setting = self._setting(symbol)
        if wanted is None:
            raise Refused(-1102, "Mandatory parameter 'margintype' was not sent, was empty/null, or malformed.")
        if setting.margin_mode is wanted:
            raise Refused(-4046, "No need to change margin type.")
        if self._exchange.look(lambda engine: bool(engine.state.orders.working(symbol))):
            raise Refused(-4047, "Margin type cannot be changed if there exists open orders.")
        await self._set(ask, symbol, setting.leverage, wanted)
        return {"code": 200, "msg": "success"}

    async def symbol_config(self, params: Params, ask: Ask) -> list[Row]:
        """GET /fapi/v1/symbolConfig."""
        _ = ask
        symbols = [self._orders.instrument(params).symbol] if "symbol" in params else list(self._listed())
        return [
            {
                "symbol": symbol,
                "marginType": _MARGIN_TYPES[setting.margin_mode],
                "isAutoAddMargin": False,
                "leverage": setting.leverage,
                "maxNotionalValue": "1000000",
            }
            for symbol, setting in ((symbol, self._setting(symbol)) for symbol in symbols)
        ]

    async def position_mode(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v1/positionSide/dual."""
        _ = params, ask
        return {"dualSidePosition": self._hedge}

    async def account_config(self, params: Params, ask: Ask) -> Row:
        """GET /fapi/v1/accountConfig."""
        _ = params, ask
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "dualSidePosition": self._hedge,
            "updateTime": 0,
            "multiAssetsMargin": False,
            "tradeGroupId": -1,
        }

    async def set_position_mode(self, params: Params, ask: Ask) -> Row:
        """POST /fapi/v1/positionSide/dual: the simulated account's mode is set at its start."""
        _ = ask
        if (required(params, "dualSidePosition") == "true") is self._hedge:
            raise Refused(-4059, "No need to change position side.")
        raise Refused(-4068, "Position side cannot be changed if there exists position.")

    # --- inside -------------------------------------------------------------------------------------------------------

    @property
    def _hedge(self) -> bool:
        return self._exchange.look(lambda engine: engine.state.config.hedge)

    def _listed(self) -> dict[Symbol, Instrument]:
        return self._exchange.look(lambda engine: dict(engine.state.instruments))

    def _setting(self, symbol: Symbol) -> LeverageSetting:
        side = Side.LONG if self._hedge else None
        return self._exchange.look(lambda engine: engine.state.account.setting((symbol, side)))

    async def _set(self, ask: Ask, symbol: Symbol, leverage: int, margin_mode: MarginMode) -> None:
        for side in (Side.LONG, Side.SHORT) if self._hedge else (None,):
            request = SetLeverage(symbol=symbol, leverage=leverage, margin_mode=margin_mode, hedge_side=side)
            _as(await ask(request), LeverageSet)

    def _tick(self, params: Params) -> Tick:
        tick = self._exchange.current_tick(self._orders.instrument(params).symbol)
        if tick is None:
            raise Refused(-1121, "Invalid symbol.")
        return tick

    async def _account(self, params: Params, ask: Ask) -> AccountReport:
        symbol = self._orders.instrument(params).symbol if "symbol" in params else None
        return _as(await ask(FetchAccount(symbol=symbol)), AccountReport)

    def _known(self, symbol: Symbol) -> list[OrderReport]:
        def read(engine: Exchange) -> list[OrderReport]:
            known: Iterable[SimOrder] = engine.state.orders.known(symbol)
            return [order.report(engine.state.config.venue) for order in known]

        return self._exchange.look(read)

    async def _asked_for(self, params: Params, ask: Ask, *, algo: bool) -> OrderReport:
        """The one order that is asked for; by the engine's own way where it has one, so that faults apply."""
        wanted = self._orders.wanted(params, algo=algo)
        known = self._orders.found(wanted)
        client_id = known.client_order_id if known is not None else wanted.client_order_id
        answer: VenueAnswer | None = None
        if client_id:
            kind = known.kind if known is not None else _kind_asked_for(algo=algo)
            answer = await ask(QueryOrder(symbol=wanted.symbol, client_order_id=client_id, kind=kind))
        report = known if answer is None else order_in(answer, algo=algo, query=True)
        # The engine knows an id in whichever list, and the latest order under it; here the list and the id count.
        found = self._orders.found(wanted)
        if report is None or found is None:
            raise refused(OrderRejected(reason=RejectReason.NOT_FOUND, text="no such order"), algo=algo, query=True)
        return found


def _kind_asked_for(*, algo: bool) -> OrderKind:
    return OrderKind.STOP_MARKET if algo else OrderKind.MARKET


def _as(answer: VenueAnswer, shape: type[T]) -> T:
    """The answer that was hoped for.

    Raises:
        Refused: It is another one.
    """
    if isinstance(answer, shape):
        return answer
    if isinstance(answer, OrderRejected | OutcomeUnknown):
        raise refused(answer)
    raise TypeError(f"not the answer that was asked for: {answer}")


def _is_within(params: Params, at_ms: int) -> bool:
    start_ms, end_ms = int(params.get("startTime", "0")), int(params.get("endTime", f"{1 << 62}"))
    if "startTime" in params and "endTime" not in params:
        end_ms = start_ms + WINDOW_MS
    return start_ms <= at_ms <= end_ms


def _at_most_a_week(params: Params) -> None:
    end_ms = int(params.get("endTime", "0"))
    if "startTime" in params and end_ms - int(params["startTime"]) > WINDOW_MS:
        raise Refused(-4166, "Search window is restricted to recent 7 days only.")


def _page(params: Params, rows: list[T], *, from_start: bool = False) -> list[T]:
    """As many as asked for: the first ones from a start that was given, else the last ones."""
    limit = min(int(params.get("limit", f"{DEFAULT_PAGE}")), MAX_PAGE)
    return rows[:limit] if from_start else rows[-limit:]
