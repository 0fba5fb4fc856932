"""What OKX's rows say in our words, whether they came by REST or by a stream.

A row that makes no sense raises ValueError, which no caller may take for the absence of what the row is about.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from adapters.venues.delisting import ends_ms
from adapters.venues.okx_rows import (
    OKX,
    QUOTE,
    WHOLE,
    AlgoRow,
    BalanceRow,
    BillRow,
    FillRow,
    InstrumentRow,
    OrderRow,
    PositionRow,
    hedge_side_of,
    is_of_a_client,
    number_of,
    price_of,
    symbol_of,
)
from messages.instruments import Instrument
from messages.orders import (
    BalanceReport,
    FillKind,
    FillReport,
    FundingReport,
    OrderReport,
    OrderStatus,
    PositionReport,
)
from messages.values import (
    ZERO,
    ClientOrderId,
    MarginMode,
    OrderKind,
    OrderSide,
    Side,
    Symbol,
    TriggerSource,
    VenueOrderId,
)

# --- orders -----------------------------------------------------------------------------------------------------------

_ORDER_STATES: Final = {
    "live": OrderStatus.WORKING,
    "partially_filled": OrderStatus.WORKING,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "mmp_canceled": OrderStatus.CANCELLED,
}
_ALGO_STATES: Final = {
    "live": OrderStatus.WORKING,
    "partially_effective": OrderStatus.WORKING,
    "effective": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "order_failed": OrderStatus.REJECTED,
    "partially_failed": OrderStatus.REJECTED,
    # What waits to be resumed by a person protects nothing.
    "pause": OrderStatus.REJECTED,
}
_AT_MARKET: Final = frozenset({"market", "optimal_limit_ioc"})
_SOURCES: Final = {"mark": TriggerSource.MARK, "last": TriggerSource.LAST, "index": TriggerSource.MARK}
FILL_KINDS: Final = {
    "full_liquidation": FillKind.LIQUIDATION,
    "partial_liquidation": FillKind.LIQUIDATION,
    "adl": FillKind.AUTO_DELEVERAGING,
}
"""By an order's ``category``."""
_LIQUIDATION_BILLS: Final = frozenset(str(number) for number in range(100, 108))
_ADL_BILLS: Final = frozenset(str(number) for number in range(125, 129))


def _status(states: Mapping[str, OrderStatus], state: str) -> OrderStatus:
    if state not in states:
        raise ValueError(f"unknown order state {state!r}")
    return states[state]


def order_id_of(row: OrderRow) -> ClientOrderId | None:
    """The client order id; for what a triggered algo order has sent, that of the algo order."""
    told = row.cl_ord_id if is_of_a_client(row.cl_ord_id) else row.algo_cl_ord_id or row.cl_ord_id
    return ClientOrderId(told) if told else None


def is_child(row: OrderRow) -> bool:
    """Whether a triggered algo order sent it; an entry names the algo order that came of it as well."""
    return bool(row.algo_id or row.algo_cl_ord_id) and not is_of_a_client(row.cl_ord_id)


def order_report(row: OrderRow) -> OrderReport:
    """A regular order in our words.

    Raises:
        ValueError: The row makes no sense.
    """
    side = OrderSide(row.side)
    hedge_side = hedge_side_of(row.pos_side)
    return OrderReport(
        venue=OKX,
        symbol=_symbol(row.inst_id),
        venue_order_id=VenueOrderId(row.ord_id),
        client_order_id=order_id_of(row),
        side=side,
        kind=OrderKind.MARKET if row.ord_type in _AT_MARKET else OrderKind.LIMIT,
        status=_status(_ORDER_STATES, row.state),
        quantity=_needed(row.sz, "sz"),
        filled_quantity=number_of(row.acc_fill_sz) or ZERO,
        price=price_of(row.px),
        average_price=price_of(row.avg_px),
        reduce_only=_reduces(side, hedge_side, row.reduce_only),
        hedge_side=hedge_side,
        created_ms=_ms(row.c_time),
        updated_ms=_ms(row.u_time),
        reject_reason=row.cancel_source_reason,
    )


def algo_report(row: AlgoRow) -> OrderReport:
    """A conditional order in our words; one with both sides (OCO) is a stop: that side protects.

    Raises:
        ValueError: The row makes no sense.
    """
    side = OrderSide(row.side)
    hedge_side = hedge_side_of(row.pos_side)
    stop, profit, trigger = price_of(row.sl_trigger_px), price_of(row.tp_trigger_px), price_of(row.trigger_px)
    if stop is not None:
        kind, level, source = OrderKind.STOP_MARKET, stop, row.sl_trigger_px_type
    elif profit is not None:
        kind, level, source = OrderKind.TAKE_PROFIT_MARKET, profit, row.tp_trigger_px_type
    elif trigger is not None:
        kind, level, source = _kind_of_trigger(row, side, trigger), trigger, row.trigger_px_type
    else:
        raise ValueError(f"algo order {row.algo_id} has no trigger price")
    whole = number_of(row.close_fraction) == WHOLE
    return OrderReport(
        venue=OKX,
        symbol=_symbol(row.inst_id),
        venue_order_id=VenueOrderId(row.algo_id),
        client_order_id=ClientOrderId(row.algo_cl_ord_id) if row.algo_cl_ord_id else None,
        side=side,
        kind=kind,
        status=_status(_ALGO_STATES, row.state),
        quantity=None if whole else _needed(row.sz, "sz"),
        filled_quantity=number_of(row.actual_sz) or ZERO,
        trigger_price=level,
        trigger_source=_SOURCES.get(source, TriggerSource.LAST),
        average_price=price_of(row.actual_px),
        reduce_only=whole or _reduces(side, hedge_side, row.reduce_only),
        hedge_side=hedge_side,
        created_ms=_ms(row.c_time),
        updated_ms=_ms(row.u_time),
        reject_reason=f"failCode {row.fail_code}" if row.fail_code not in {"", "0"} else "",
    )


def _kind_of_trigger(row: AlgoRow, side: OrderSide, trigger: Decimal) -> OrderKind:
    """A plain trigger order does not say from which side its price is reached; the price at its placing does."""
    last = price_of(row.last)
    rises = last is None or trigger > last
    return OrderKind.STOP_MARKET if rises == (side is OrderSide.BUY) else OrderKind.TAKE_PROFIT_MARKET


# --- fills and money --------------------------------------------------------------------------------------------------


def fill_report(row: FillRow, client_order_id: ClientOrderId | None) -> FillReport:
    """An execution from REST; the id of an algo order's child is found by the caller.

    Raises:
        ValueError: The row makes no sense.
    """
    kind = FillKind.TRADE
    if row.sub_type in _LIQUIDATION_BILLS:
        kind = FillKind.LIQUIDATION
    elif row.sub_type in _ADL_BILLS:
        kind = FillKind.AUTO_DELEVERAGING
    return FillReport(
        venue=OKX,
        symbol=_symbol(row.inst_id),
        fill_id=row.trade_id,
        venue_order_id=VenueOrderId(row.ord_id),
        client_order_id=client_order_id,
        side=OrderSide(row.side),
        price=_needed(row.fill_px, "fillPx"),
        quantity=_needed(row.fill_sz, "fillSz"),
        commission=-(number_of(row.fee) or ZERO),
        time_ms=_ms(row.fill_time or row.ts),
        commission_asset=row.fee_ccy or QUOTE,
        kind=kind,
        maker=row.exec_type == "M",
        hedge_side=hedge_side_of(row.pos_side),
    )


def funding_report(row: BillRow) -> FundingReport:
    """A funding payment; OKX says it as profit and loss of the position.

    Raises:
        ValueError: The row makes no sense.
    """
    amount = number_of(row.pnl)
    return FundingReport(
        venue=OKX,
        symbol=_symbol(row.inst_id),
        funding_id=row.bill_id,
        amount=amount or number_of(row.bal_chg) or ZERO,
        time_ms=_ms(row.ts),
    )


def position_report(row: PositionRow) -> PositionReport | None:
    """A position, ``None`` when it is flat: OKX goes on showing those that were closed a while ago.

    Raises:
        ValueError: The row makes no sense.
    """
    size = number_of(row.pos) or ZERO
    if not size:
        return None
    hedge_side = hedge_side_of(row.pos_side)
    net_side = Side.LONG if size > 0 else Side.SHORT
    return PositionReport(
        venue=OKX,
        symbol=_symbol(row.inst_id),
        side=hedge_side or net_side,
        quantity=abs(size),
        entry_price=_needed(row.avg_px, "avgPx"),
        mark_price=_needed(row.mark_px or row.last or row.avg_px, "markPx"),
        leverage=number_of(row.lever) or Decimal(1),
        margin_mode=MarginMode(row.mgn_mode),
        liquidation_price=price_of(row.liq_px),
        unrealized_pnl=number_of(row.upl) or ZERO,
        hedge_side=hedge_side,
        updated_ms=_ms(row.u_time),
    )


def balance_report(rows: Sequence[BalanceRow]) -> BalanceReport:
    """The account's USDT; an account that never had any has none."""
    for row in rows:
        for detail in row.details:
            if detail.ccy == QUOTE:
                cash = number_of(detail.cash_bal) or ZERO
                return BalanceReport(
                    venue=OKX,
                    equity=number_of(detail.eq) or cash,
                    available=number_of(detail.avail_eq or detail.avail_bal) or ZERO,
                    wallet=cash,
                )
    return BalanceReport(venue=OKX, equity=ZERO, available=ZERO, wallet=ZERO)


def instrument(row: InstrumentRow) -> Instrument | None:
    """A USDT swap's trading rules; ``None`` for others, and for what is announced only.

    Raises:
        ValueError: The row makes no sense.
    """
    symbol = symbol_of(row.inst_id)
    if symbol is None or row.settle_ccy != QUOTE or row.ct_type != "linear" or not row.ct_val:
        return None
    limits = [limit for text in (row.max_lmt_sz, row.max_stop_sz) if (limit := number_of(text))]
    return Instrument(
        venue=OKX,
        symbol=symbol,
        price_tick=_needed(row.tick_sz, "tickSz"),
        quantity_step=_needed(row.lot_sz, "lotSz"),
        min_quantity=_needed(row.min_sz, "minSz"),
        max_quantity=min(limits, default=None),
        max_market_quantity=number_of(row.max_mkt_sz),
        contract_size=_needed(row.ct_val, "ctVal") * (number_of(row.ct_mult) or 1),
        taker_rate=Decimal("0.0005"),
        trading=row.state == "live",
        ends_ms=ends_ms(row.exp_time),
    )


# --- reading -----


def _needed(text: str, what: str) -> Decimal:
    number = number_of(text)
    if number is None:
        raise ValueError(f"{what} is missing")
    return number


def _ms(text: str) -> int:
    return int(text) if text else 0


def _symbol(instrument: str) -> Symbol:
    symbol = symbol_of(instrument)
    if symbol is None:
        raise ValueError(f"{instrument} is no USDT swap")
    return symbol


def _reduces(side: OrderSide, hedge_side: Side | None, reduce_only: str) -> bool:
    """In hedge mode OKX shows ``reduceOnly`` as false: there, an order of the exit side reduces by definition."""
    if hedge_side is not None:
        return (side is OrderSide.SELL) == (hedge_side is Side.LONG)
    return reduce_only == "true"
