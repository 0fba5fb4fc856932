"""One WebSocket client of the simulated Binance: private events, or prices, in the venue's messages."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import msgspec

from adapters.simulator.engine import Exchange
from adapters.simulator.paper import PaperExchange
from adapters.simulator.wire.binance_rows import (
    algo_id,
    client_id_of,
    figure,
    is_conditional,
    position_side_of,
    regular_id,
    side_of,
    status_of,
    type_of,
    working_type_of,
)
from messages.market import Tick
from messages.orders import FillKind, FillReport, FundingReport, OrderReport, OrderStatus, PositionReport
from messages.values import ZERO, MarginMode, Side, Symbol, VenueOrderId

Row = dict[str, Any]


class Room(Enum):
    """The three ends of the venue's streams since they were split."""

    PRIVATE = "private"
    MARKET = "market"
    PUBLIC = "public"


_ROOM_OF: Final = {
    "markPrice": Room.MARKET,
    "markPrice@1s": Room.MARKET,
    "aggTrade": Room.MARKET,
    "ticker": Room.MARKET,
    "bookTicker": Room.PUBLIC,
}
_ENDED: Final = {OrderStatus.CANCELLED: "CANCELED", OrderStatus.EXPIRED: "EXPIRED", OrderStatus.REJECTED: "EXPIRED"}


class BinanceSession:
    """Satisfies :class:`~adapters.simulator.wire.dialect.WireSession`."""

    def __init__(
        self,
        exchange: PaperExchange,
        *,
        room: Room,
        combined: bool,
        names: Sequence[str],
        is_alive: Callable[[], bool],
        listen_key: str,
    ) -> None:
        self._exchange = exchange
        self._room = room
        self._combined = combined
        self._names = dict.fromkeys(names)
        self._is_alive = is_alive
        self._listen_key = listen_key
        self._expired = False
        self._filled: dict[VenueOrderId, Decimal] = {}
        self._told: set[str] = set()

    @property
    def hears_private(self) -> bool:
        """Everything, as long as the listen key lives, and the news of its end."""
        return self._room is Room.PRIVATE and not self._expired

    @property
    def symbols(self) -> Sequence[Symbol]:
        """Those of the streams that were asked for."""
        return tuple({Symbol(name.partition("@")[0].upper()): None for name in self._names})

    def opened(self) -> Sequence[str]:
        """Binance says nothing first."""
        return ()

    def received(self, text: str) -> Sequence[str]:
        """Subscriptions."""
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return (_said({"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}}),)
        if not isinstance(message, dict):
            return (_said({"error": {"code": 2, "msg": "Invalid request: not an object"}}),)
        number, params = message.get("id"), message.get("params", [])
        match message.get("method"):
            case "SUBSCRIBE" if all(self._is_a_stream(name) for name in params):
                self._names.update(dict.fromkeys(params))
            case "UNSUBSCRIBE":
                for name in params:
                    self._names.pop(name, None)
            case "LIST_SUBSCRIPTIONS":
                return (_said({"result": list(self._names), "id": number}),)
            case "SUBSCRIBE":
                return (_said({"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": number}),)
            case _:
                return (_said({"error": {"code": 2, "msg": "Invalid request: unknown variant"}, "id": number}),)
        return (_said({"result": None, "id": number}),)

    # --- private ------------------------------------------------------------------------------------------------------

    def on_order(self, report: OrderReport) -> Sequence[str]:
        """A new order, a changed one, or one that ended without (more) execution: executions tell of themselves."""
        if is_conditional(report):
            return self._private(self._algo_news(report))
        if report.status in _ENDED:
            return self._private([self._order_event(report, _ENDED[report.status], None)])
        if report.status is OrderStatus.WORKING and not report.filled_quantity:
            changed = report.updated_ms != report.created_ms
            return self._private([self._order_event(report, "AMENDMENT" if changed else "NEW", None)])
        return ()

    def on_fill(self, fill: FillReport) -> Sequence[str]:
        """An execution; the first of a conditional order is when that triggers, and its child appears."""
        order = self._order(fill)
        before = self._filled.get(fill.venue_order_id, ZERO)
        if fill.fill_id not in self._told:
            # A scripted duplicate tells the same event again, with the same sums.
            self._told.add(fill.fill_id)
            self._filled[fill.venue_order_id] = before + fill.quantity
        events: list[Row] = []
        if is_conditional(order) and not before:
            events.append(_algo_event(order, "TRIGGERING"))
            events.append(_algo_event(order, "TRIGGERED", child=True))
            events.append(self._order_event(order, "NEW", None))
        execution = "TRADE" if fill.kind is FillKind.TRADE else "CALCULATED"
        events.append(self._order_event(order, execution, fill))
        return self._private(events)

    def on_position(self, symbol: Symbol, report: PositionReport | None) -> Sequence[str]:
        """A position; one that is flat is told with an amount of zero."""
        rows = [_position_row(report)] if report is not None else self._flat_rows(symbol)
        return self._private([self._account_event("ORDER", positions=rows)])

    def on_funding(self, payment: FundingReport) -> Sequence[str]:
        """A payment: the wallet changes."""
        return self._private([self._account_event("FUNDING_FEE", change=figure(payment.amount))])

    # --- prices -------------------------------------------------------------------------------------------------------

    def on_tick(self, tick: Tick) -> Sequence[str]:
        """The streams of this symbol that were asked for."""
        texts: list[str] = []
        for name in self._names:
            symbol, _, stream = name.partition("@")
            if symbol.upper() == tick.symbol and _ROOM_OF.get(stream) is self._room:
                texts.append(self._wrapped(name, _price_event(stream, tick)))
        return texts

    # --- inside -------------------------------------------------------------------------------------------------------

    def _is_a_stream(self, name: object) -> bool:
        return isinstance(name, str) and _ROOM_OF.get(name.partition("@")[2]) is self._room

    def _wrapped(self, name: str, event: Row) -> str:
        return _said({"stream": name, "data": event} if self._combined else event)

    def _private(self, events: Sequence[Row]) -> Sequence[str]:
        if self._expired:
            return ()
        if not self._is_alive():
            self._expired = True
            now_ms = self._exchange.venue_ms
            events = [{"e": "listenKeyExpired", "E": now_ms, "listenKey": self._listen_key}]
        return [self._wrapped(self._listen_key, event) for event in events]

    def _order(self, fill: FillReport) -> OrderReport:
        def read(engine: Exchange) -> OrderReport:
            order = engine.state.orders.by_id(fill.venue_order_id)
            if order is None:
                raise LookupError(f"fill {fill.fill_id} of an order that nobody knows")
            return order.report(engine.state.config.venue)

        return self._exchange.look(read)

    def _order_event(self, order: OrderReport, execution: str, fill: FillReport | None) -> Row:
        """ORDER_TRADE_UPDATE; of a conditional order it is about the child."""
        conditional = is_conditional(order)
        filled = self._filled.get(order.venue_order_id, ZERO) if fill or conditional else order.filled_quantity
        quantity = order.quantity if order.quantity is not None else order.filled_quantity
        if fill is None:
            status = execution if execution in {"CANCELED", "EXPIRED"} else status_of(order)
            status = "NEW" if conditional else status
        else:
            status = "FILLED" if filled >= quantity else "PARTIALLY_FILLED"
        at_ms = fill.time_ms if fill is not None else order.updated_ms
        order_type = "MARKET" if conditional else type_of(order.kind)
        body: Row = {
            "s": order.symbol,
            "c": client_id_of(order),
            "S": side_of(order.side),
            "o": order_type,
            "f": "GTC",
            "q": f"{quantity:f}",
            "p": f"{order.price or ZERO:f}",
            "ap": f"{order.average_price or ZERO:.5f}",
            "sp": "0",
            "x": execution,
            "X": status,
            "i": regular_id(order.venue_order_id),
            "l": f"{fill.quantity:f}" if fill is not None else "0",
            "z": f"{filled:f}",
            "L": f"{fill.price:f}" if fill is not None else "0",
            "T": at_ms,
            "t": int(fill.fill_id) if fill is not None else 0,
            "b": "0",
            "a": "0",
            "m": fill is not None and fill.maker,
            "R": order.reduce_only and order.hedge_side is None,
            "wt": working_type_of(order.trigger_source),
            "ot": order_type,
            "ps": position_side_of(order.hedge_side),
            "cp": False,
            "pP": False,
            "si": 0,
            "ss": 0,
            "rp": "0",
            "V": "EXPIRE_MAKER",
        }
        if fill is not None:
            body |= {"N": fill.commission_asset, "n": figure(fill.commission)}
        return {"e": "ORDER_TRADE_UPDATE", "E": self._exchange.venue_ms, "T": at_ms, "o": body}

    def _algo_news(self, report: OrderReport) -> list[Row]:
        if report.status is OrderStatus.FILLED:
            return [_algo_event(report, "FINISHED", child=True)]
        if report.status in _ENDED:
            return [_algo_event(report, _ENDED[report.status])]
        return [] if report.filled_quantity else [_algo_event(report, "NEW")]

    def _flat_rows(self, symbol: Symbol) -> list[Row]:
        """What is flat now: in hedge mode the event does not say which side it is about."""

        def read(engine: Exchange) -> list[Side | None]:
            sides: tuple[Side | None, ...] = (Side.LONG, Side.SHORT) if engine.state.config.hedge else (None,)
            return [side for side in sides if (symbol, side) not in engine.state.account.positions]

        return [
            {"s": symbol, "pa": "0", "ep": "0", "cr": "0", "up": "0", "mt": "isolated", "iw": "0"}
            | {"ps": position_side_of(side)}
            for side in self._exchange.look(read)
        ]

    def _account_event(self, reason: str, *, positions: Sequence[Row] = (), change: str = "0") -> Row:
        balance = self._exchange.look(lambda engine: engine.balance())
        now_ms = self._exchange.venue_ms
        money = {"a": "USDT", "wb": figure(balance.wallet), "cw": figure(balance.wallet), "bc": change}
        return {
            "e": "ACCOUNT_UPDATE",
            "T": now_ms,
            "E": now_ms,
            "a": {"m": reason, "B": [money], "P": list(positions)},
        }


def _algo_event(report: OrderReport, status: str, *, child: bool = False) -> Row:
    finished = status == "FINISHED"
    body = {
        "caid": client_id_of(report),
        "aid": algo_id(report.venue_order_id),
        "at": "CONDITIONAL",
        "o": type_of(report.kind),
        "s": report.symbol,
        "S": side_of(report.side),
        "ps": position_side_of(report.hedge_side),
        "f": "GTC",
        "q": f"{report.quantity or ZERO:f}",
        "X": status,
        "ai": f"{regular_id(report.venue_order_id)}" if child else "",
        "ap": f"{report.average_price or ZERO:.5f}" if finished else "0",
        "aq": f"{report.filled_quantity:f}" if finished else "0",
        "act": "MARKET" if child else "0",
        "tp": f"{report.trigger_price or ZERO:f}",
        "p": f"{report.price or ZERO:f}",
        "V": "EXPIRE_MAKER",
        "wt": working_type_of(report.trigger_source),
        "pm": "NONE",
        "cp": report.quantity is None,
        "pP": False,
        "R": report.reduce_only and report.hedge_side is None,
        "tt": 0 if status in {"NEW", "CANCELED"} else report.updated_ms,
        "gtd": 0,
        "rm": report.reject_reason,
    }
    return {"e": "ALGO_UPDATE", "T": report.updated_ms, "E": report.updated_ms, "o": body}


def _position_row(report: PositionReport) -> Row:
    sign = 1 if report.side is Side.LONG else -1
    isolated = report.margin_mode is MarginMode.ISOLATED
    margin = report.quantity * report.entry_price / report.leverage
    return {
        "s": report.symbol,
        "pa": f"{sign * report.quantity:f}",
        "ep": f"{report.entry_price:f}",
        "bep": f"{report.entry_price:f}",
        "cr": "0",
        "up": figure(report.unrealized_pnl),
        "mt": "isolated" if isolated else "cross",
        "iw": figure(margin if isolated else ZERO),
        "ps": position_side_of(report.hedge_side),
    }


def _price_event(stream: str, tick: Tick) -> Row:
    at_ms, symbol = tick.time_ms, tick.symbol
    match stream:
        case "aggTrade":
            price = {"p": f"{tick.last:f}", "q": "1", "a": at_ms, "f": at_ms, "l": at_ms, "T": at_ms, "m": False}
            return {"e": "aggTrade", "E": at_ms, "s": symbol, **price}
        case "ticker":
            day = {"c": f"{tick.last:f}", "Q": "1", "o": f"{tick.last:f}", "h": f"{tick.high:f}", "l": f"{tick.low:f}"}
            return {"e": "24hrTicker", "E": at_ms, "s": symbol, **day}
        case "bookTicker":
            best = {"b": f"{tick.bid or tick.last:f}", "B": "1", "a": f"{tick.ask or tick.last:f}", "A": "1"}
            return {"e": "bookTicker", "u": at_ms, "E": at_ms, "T": at_ms, "s": symbol, **best}
        case _:
            mark = figure(tick.mark)
            return {"e": "markPriceUpdate", "E": at_ms, "s": symbol, "p": mark, "i": mark, "P": mark, "r": "0", "T": 0}


def _said(message: Row) -> str:
    return msgspec.json.encode(message).decode("utf-8")
