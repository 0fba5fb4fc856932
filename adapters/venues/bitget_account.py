"""Positions, money, instruments and funding in Bitget's words."""

from collections.abc import Iterable
from decimal import Decimal

from adapters.venues.bitget_orders import (
    MARGIN_COIN,
    VENUE,
    Row,
    UnreadableError,
    number,
    whole_number,
)
from adapters.venues.delisting import ends_ms
from messages.instruments import Instrument
from messages.orders import BalanceReport, FundingReport, PositionReport
from messages.values import ZERO, MarginMode, Side, Symbol


def position_report(row: Row) -> PositionReport | None:
    """A row of the positions, from a request or a stream (which has no mark price); ``None`` when it is flat.

    Raises:
        UnreadableError: It does not say what it must.
    """
    quantity, entry = number(row, "total"), number(row, "openPriceAvg")
    if not quantity:
        return None
    if row.get("holdSide") not in {"long", "short"}:
        raise UnreadableError(f"holdSide {row.get('holdSide')!r}")
    side = Side(str(row["holdSide"]))
    profit = number(row, "unrealizedPL")
    drift = profit / quantity
    return PositionReport(
        venue=VENUE,
        symbol=Symbol(str(row.get("symbol") or row.get("instId"))),
        side=side,
        quantity=quantity,
        entry_price=entry,
        mark_price=number(row, "markPrice") or (entry + drift if side is Side.LONG else entry - drift),
        leverage=number(row, "leverage"),
        margin_mode=margin_mode_of(row),
        liquidation_price=max(number(row, "liquidationPrice"), ZERO) or None,
        unrealized_pnl=profit,
        hedge_side=side if row.get("posMode") == "hedge_mode" else None,
        updated_ms=whole_number(row, "uTime"),
    )


def margin_mode_of(row: Row) -> MarginMode:
    """Bitget says ``isolated`` or ``crossed``."""
    return MarginMode.ISOLATED if row.get("marginMode") == "isolated" else MarginMode.CROSS


def balance_report(rows: Iterable[Row]) -> BalanceReport:
    """The USDT account. What can be used for new isolated positions is less than what is there.

    Raises:
        UnreadableError: There is no such account.
    """
    row = next((each for each in rows if each.get("marginCoin") == MARGIN_COIN), None)
    if row is None:
        raise UnreadableError(f"no {MARGIN_COIN} account")
    equity = number(row, "accountEquity", "usdtEquity")
    return BalanceReport(
        venue=VENUE,
        equity=equity,
        available=number(row, "isolatedMaxAvailable", "crossedMaxAvailable", "available"),
        wallet=equity - number(row, "unrealizedPL"),
    )


def instruments_of(rows: Iterable[Row]) -> tuple[Instrument, ...]:
    """The perpetuals among the contracts."""
    return tuple(_instrument(row) for row in rows if row.get("symbolType", "perpetual") == "perpetual")


def _instrument(row: Row) -> Instrument:
    tick = number(row, "priceEndStep") * Decimal(1).scaleb(-whole_number(row, "pricePlace"))
    return Instrument(
        venue=VENUE,
        symbol=Symbol(str(row["symbol"])),
        price_tick=tick,
        quantity_step=number(row, "sizeMultiplier"),
        min_quantity=number(row, "minTradeNum"),
        max_quantity=number(row, "maxOrderQty") or None,
        max_market_quantity=number(row, "maxMarketOrderQty") or None,
        min_notional=number(row, "minTradeUSDT"),
        maker_rate=number(row, "makerFeeRate"),
        taker_rate=number(row, "takerFeeRate"),
        trading=row.get("symbolStatus") == "normal",
        ends_ms=ends_ms(row.get("offTime")),
    )


def funding_of(rows: Iterable[Row], symbol: Symbol) -> tuple[FundingReport, ...]:
    """The funding payments among the bills of the account, oldest first."""
    payments = [
        FundingReport(
            venue=VENUE,
            symbol=symbol,
            funding_id=str(row["billId"]),
            amount=number(row, "amount"),
            time_ms=whole_number(row, "cTime"),
        )
        for row in rows
        if row.get("symbol") == symbol and row.get("businessType") == "contract_settle_fee"
    ]
    return tuple(sorted(payments, key=lambda each: (each.time_ms, each.funding_id)))
