"""What can be asked of a Bybit account before anything is at stake.

Sources: V5 "Get API Key Information" (``permissions``), "Get Account Info" (``unifiedMarginStatus``: 1 classic, 3 to 6
unified), "Get Position Info" (``positionIdx``: 0 one-way, 1 and 2 hedge; asked for by symbol it shows flat ones too).
"""

from collections.abc import Iterable
from typing import Any, Final

from adapters.venues.account_checks import (
    ACCOUNT_TYPE,
    MARGIN_MODE,
    POSITION_MODE,
    TRADING,
    WITHDRAWAL,
    Asking,
    Refusal,
    account_type,
    margin_mode,
    position_mode,
    trading,
    unknown,
    withdrawal,
)
from adapters.venues.bybit_errors import BybitRefusedError
from adapters.venues.bybit_http import BybitHttp, of_category
from adapters.venues.bybit_rows import BYBIT, SETTLE_COIN
from messages.checks import Check
from messages.venue import OutcomeUnknown

ANY_SYMBOL: Final = "BTCUSDT"
"""The mode is a symbol's; that of the most traded one stands for those without a position."""
CLASSIC: Final = 1
UNIFIED: Final = frozenset({3, 4, 5, 6})
PORTFOLIO: Final = "PORTFOLIO_MARGIN"


def account_checks(http: BybitHttp, *, hedge: bool) -> list[Check]:
    """Key, modes, kind of account and permissions; ``hedge`` says which position mode it should be in."""
    asking = Asking(
        venue=BYBIT,
        errors=(BybitRefusedError,),
        meaning=_meaning,
        set_clock=http.server_ms,
    )

    def modes() -> Iterable[Check]:
        told = http.call("privateGetV5AccountInfo", {})
        yield _kind(told.get("unifiedMarginStatus"))
        mode = str(told.get("marginMode"))
        hindrance = "it has no isolated margin" if mode == PORTFOLIO else ""
        yield margin_mode(BYBIT, f"{mode}, the whole account's", hindrance=hindrance)

    def positions() -> Iterable[Check]:
        where = ({"settleCoin": SETTLE_COIN, "limit": "200"}, {"symbol": ANY_SYMBOL})
        rows = [row for each in where for row in _rows(http.call("privateGetV5PositionList", of_category(**each)))]
        if not rows:
            return [unknown(BYBIT, POSITION_MODE, f"no position is told, not even of {ANY_SYMBOL}")]
        wrong = next((row for row in rows if _is_hedge(row) is not hedge), None)
        if wrong is None:
            return [position_mode(BYBIT, is_hedge=hedge, wanted_hedge=hedge)]
        return [position_mode(BYBIT, is_hedge=not hedge, wanted_hedge=hedge, where=str(wrong.get("symbol")))]

    def permissions() -> Iterable[Check]:
        told = http.call("privateGetV5UserQueryApi", {})
        allowed = told.get("permissions")
        groups = allowed if isinstance(allowed, dict) else {}
        may_trade = "Order" in (groups.get("ContractTrade") or ()) and told.get("readOnly") == 0
        yield trading(BYBIT, allowed=may_trade)
        wallet = groups.get("Wallet")
        if isinstance(wallet, list):
            yield withdrawal(BYBIT, allowed="Withdraw" in wallet)
        else:
            yield unknown(BYBIT, WITHDRAWAL, "the venue did not tell permissions.Wallet")

    return [
        *asking.modes((ACCOUNT_TYPE, MARGIN_MODE), modes),
        *asking.permissions((POSITION_MODE,), positions),
        *asking.permissions((TRADING, WITHDRAWAL), permissions),
    ]


def _kind(status: object) -> Check:
    if status == CLASSIC:
        return account_type(BYBIT, "classic", what_to_do="upgrade it to a unified trading account (UTA) on Bybit")
    if status in UNIFIED:
        return account_type(BYBIT, "unified")
    return unknown(BYBIT, ACCOUNT_TYPE, f"unifiedMarginStatus is {status!r}")


def _rows(result: Any) -> list[dict[str, Any]]:
    return [row for row in result.get("list") or () if isinstance(row, dict)]


def _is_hedge(row: dict[str, Any]) -> bool:
    return str(row.get("positionIdx")) != "0"


def _meaning(error: Exception) -> Refusal:
    return error.answer if isinstance(error, BybitRefusedError) else OutcomeUnknown(text=str(error))
