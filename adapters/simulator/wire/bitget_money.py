"""The engine's money, contracts and funding as rows of Bitget's."""

from decimal import Decimal
from typing import Final

from adapters.simulator.wire.bitget_rows import Row, text
from messages.instruments import Instrument
from messages.orders import BalanceReport, FundingReport

_BILLS: Final = 1_555_000_000_000_000_000


def account_row(balance: BalanceReport) -> Row:
    """The USDT account."""
    profit = balance.equity - balance.wallet
    return {
        "marginCoin": "USDT",
        "locked": "0",
        "available": text(balance.available),
        "crossedMaxAvailable": text(balance.available),
        "isolatedMaxAvailable": text(balance.available),
        "maxTransferOut": text(balance.available),
        "accountEquity": text(balance.equity),
        "usdtEquity": text(balance.equity),
        "btcEquity": "0",
        "crossedRiskRate": "0",
        "unrealizedPL": text(profit),
        "coupon": "0",
        "unionTotalMagin": "0",
        "unionAvailable": "0",
        "unionMm": "0",
        "assetList": [],
        "isolatedMargin": "0",
        "crossedMargin": "0",
        "crossedUnrealizedPL": text(profit),
        "isolatedUnrealizedPL": "0",
        "assetMode": "single",
    }


def contract_row(instrument: Instrument) -> Row:
    """A contract."""
    tick = instrument.price_tick.normalize()
    places = max(0, -int(tick.as_tuple().exponent))
    most = Decimal(1_000_000_000)
    return {
        "symbol": str(instrument.symbol),
        "baseCoin": str(instrument.symbol).removesuffix("USDT"),
        "quoteCoin": "USDT",
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "feeRateUpRatio": "0.005",
        "makerFeeRate": text(instrument.maker_rate),
        "takerFeeRate": text(instrument.taker_rate),
        "openCostUpRatio": "0.01",
        "supportMarginCoins": ["USDT"],
        "minTradeNum": text(instrument.min_quantity),
        "priceEndStep": text(tick.scaleb(places)),
        "volumePlace": str(max(0, -int(instrument.quantity_step.normalize().as_tuple().exponent))),
        "pricePlace": str(places),
        "sizeMultiplier": text(instrument.quantity_step),
        "symbolType": "perpetual",
        "minTradeUSDT": text(instrument.min_notional),
        "maxSymbolOrderNum": "200",
        "maxProductOrderNum": "1000",
        "maxPositionNum": "150",
        "symbolStatus": "normal" if instrument.trading else "maintain",
        "offTime": str(instrument.ends_ms or -1),
        "limitOpenTime": "-1",
        "deliveryTime": "",
        "deliveryStartTime": "",
        "deliveryPeriod": "",
        "launchTime": "",
        "fundInterval": "8",
        "minLever": "1",
        "maxLever": "125",
        "posLimit": "0.1",
        "maintainTime": "",
        "openTime": "",
        "maxMarketOrderQty": text(instrument.max_market_quantity or most),
        "maxOrderQty": text(instrument.max_quantity or most),
    }


def bill_row(payment: FundingReport) -> Row:
    """A funding payment among the bills."""
    return {
        "billId": str(_BILLS + int(payment.funding_id)),
        "symbol": str(payment.symbol),
        "amount": text(payment.amount),
        "fee": "0",
        "feeByCoupon": "",
        "businessType": "contract_settle_fee",
        "coin": "USDT",
        "cTime": str(payment.time_ms),
    }
