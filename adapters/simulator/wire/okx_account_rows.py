"""Positions, money, instruments and prices, as OKX's rows."""

from decimal import Decimal
from typing import Final

from adapters.simulator.wire.okx_rows import BILLS, SOURCES, Row, algo_id, empty_row, pos_side_of, text_or_empty
from adapters.venues.okx_rows import QUOTE, instrument_of, text_of
from messages.instruments import Instrument
from messages.market import Tick
from messages.orders import BalanceReport, FundingReport, OrderReport, PositionReport
from messages.values import MarginMode, Side


def funding_row(payment: FundingReport) -> Row:
    """A funding payment as a bill."""
    return {
        "bal": "",
        "balChg": text_of(payment.amount),
        "billId": str(BILLS + int(payment.funding_id)),
        "ccy": QUOTE,
        "instId": instrument_of(payment.symbol),
        "instType": "SWAP",
        "pnl": text_of(payment.amount),
        "subType": "174" if payment.amount > 0 else "173",
        "ts": str(payment.time_ms),
        "type": "8",
    }


def position_row(position: PositionReport, instrument: Instrument, stop: OrderReport | None, now_ms: int) -> Row:
    """A position; ``closeOrderAlgo`` shows the stop on the whole of it."""
    signed = position.quantity if position.side is Side.LONG or position.hedge_side is not None else -position.quantity
    value = position.quantity * instrument.contract_size * position.mark_price
    return {
        **_EMPTY_POSITION,
        "avgPx": text_of(position.entry_price),
        "cTime": str(position.updated_ms),
        "closeOrderAlgo": []
        if stop is None
        else [
            {
                "algoId": algo_id(stop.venue_order_id),
                "closeFraction": "1",
                "slTriggerPx": text_or_empty(stop.trigger_price),
                "slTriggerPxType": SOURCES[stop.trigger_source],
                "tpTriggerPx": "",
                "tpTriggerPxType": "",
            }
        ],
        "instId": instrument_of(position.symbol),
        "last": text_of(position.mark_price),
        "lever": text_of(position.leverage),
        "liqPx": text_or_empty(position.liquidation_price),
        "margin": text_of(value / position.leverage) if position.margin_mode is MarginMode.ISOLATED else "",
        "markPx": text_of(position.mark_price),
        "mgnMode": position.margin_mode.value,
        "notionalUsd": text_of(value),
        "pTime": str(now_ms),
        "pos": text_of(signed),
        "posId": f"61605704119{sum(position.symbol.encode()):07d}",
        "posSide": pos_side_of(position.hedge_side),
        "uTime": str(position.updated_ms),
        "upl": text_of(position.unrealized_pnl),
    }


def flat_row(instrument: str, now_ms: int) -> Row:
    """A position that was closed: it is shown with nothing in it."""
    return {
        **_EMPTY_POSITION,
        "instId": instrument,
        "mgnMode": "cross",
        "pos": "0",
        "posSide": "net",
        "uTime": str(now_ms),
    }


def balance_row(balance: BalanceReport, now_ms: int) -> Row:
    """The account's USDT."""
    frozen = text_of(max(balance.equity - balance.available, Decimal(0)))
    detail = {
        **dict.fromkeys(("accAvgPx", "borrowFroz", "crossLiab", "interest", "isoLiab", "liab", "maxLoan"), ""),
        "availBal": text_of(balance.available),
        "availEq": text_of(balance.available),
        "cashBal": text_of(balance.wallet),
        "ccy": QUOTE,
        "disEq": text_of(balance.equity),
        "eq": text_of(balance.equity),
        "eqUsd": text_of(balance.equity),
        "frozenBal": frozen,
        "ordFrozen": "0",
        "uTime": str(now_ms),
        "upl": text_of(balance.equity - balance.wallet),
    }
    return {"adjEq": "", "details": [detail], "totalEq": text_of(balance.equity), "uTime": str(now_ms)}


def instrument_row(instrument: Instrument) -> Row:
    """A swap's rules."""
    name = instrument_of(instrument.symbol)
    base = name.split("-", maxsplit=1)[0]
    most = text_or_empty(instrument.max_quantity)
    return {
        **dict.fromkeys(("alias", "baseCcy", "optType", "quoteCcy", "stk"), ""),
        "category": "1",
        "ctMult": "1",
        "ctType": "linear",
        "ctVal": text_of(instrument.contract_size),
        "ctValCcy": base,
        "expTime": "" if instrument.ends_ms is None else str(instrument.ends_ms),
        "instFamily": name.removesuffix("-SWAP"),
        "instId": name,
        "instIdCode": 10459,
        "instType": "SWAP",
        "lever": "100",
        "listTime": "1573557408000",
        "lotSz": text_of(instrument.quantity_step),
        "maxLmtSz": most,
        "maxMktSz": text_or_empty(instrument.max_market_quantity),
        "maxStopSz": most,
        "maxTriggerSz": most,
        "minSz": text_of(instrument.min_quantity),
        "ruleType": "normal",
        "settleCcy": QUOTE,
        "state": "live" if instrument.trading else "suspend",
        "tickSz": text_of(instrument.price_tick),
        "uly": name.removesuffix("-SWAP"),
    }


def ticker_row(tick: Tick) -> Row:
    """Last price, best bid and ask."""
    bid, ask = tick.bid or tick.last, tick.ask or tick.last
    return {
        **{name: text_of(tick.last) for name in ("last", "open24h", "high24h", "low24h", "sodUtc0", "sodUtc8")},
        **dict.fromkeys(("lastSz", "askSz", "bidSz", "vol24h", "volCcy24h"), "1"),
        "askPx": text_of(ask),
        "bidPx": text_of(bid),
        "instId": instrument_of(tick.symbol),
        "instType": "SWAP",
        "ts": str(tick.time_ms),
    }


def mark_row(tick: Tick) -> Row:
    """The mark price."""
    return {
        "instId": instrument_of(tick.symbol),
        "instType": "SWAP",
        "markPx": text_of(tick.mark),
        "ts": str(tick.time_ms),
    }


_EMPTY_POSITION: Final = empty_row(
    "avgPx baseBal bePx bizRefId bizRefType cTime deltaBS gammaBS idxPx interest liab liabCcy liqPx margin markPx"
    " optVal posCcy quoteBal thetaBS tradeId usdPx vegaBS",
    adl="1",
    availPos="",
    ccy=QUOTE,
    closeOrderAlgo=[],
    fee="0",
    fundingFee="0",
    imr="0",
    lever="1",
    liqPenalty="0",
    mgnRatio="100",
    mmr="0",
    notionalUsd="0",
    pnl="0",
    realizedPnl="0",
    upl="0",
    uplRatio="0",
)
