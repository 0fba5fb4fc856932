"""What can be asked of a Binance account before anything is at stake.

Sources: USD-M futures "Futures Account Configuration" (in multi-assets mode isolated margin is refused, -4168); Wallet
"Get API Key Permission", which demo trading does not have.
"""

from collections.abc import Iterable
from typing import Any

from adapters.venues.account_checks import (
    MARGIN_MODE,
    POSITION_MODE,
    TRADING,
    WITHDRAWAL,
    Asking,
    Refusal,
    margin_mode,
    position_mode,
    trading,
    unknown,
    withdrawal,
)
from adapters.venues.binance_client import BinanceClient
from adapters.venues.binance_errors import CallFailed
from adapters.venues.binance_reports import BINANCE
from messages.checks import Check
from messages.venue import FetchServerTime, OutcomeUnknown

_Answer = dict[str, Any]


def account_checks(client: BinanceClient, exchange: Any, *, hedge: bool, testnet: bool) -> list[Check]:
    """Key, modes and permissions; ``exchange`` is the client's own.

    Args:
        client: For this thread; it is not closed.
        exchange: The ccxt object of ``client``.
        hedge: Whether the account should be in hedge mode.
        testnet: Demo trading, which says nothing of a key.
    """
    asking = Asking(
        venue=BINANCE,
        errors=(CallFailed,),
        meaning=_meaning,
        set_clock=lambda: client.execute(FetchServerTime()),
    )

    def modes() -> Iterable[Check]:
        told = client.modes()
        yield position_mode(BINANCE, is_hedge=told.dual_side_position, wanted_hedge=hedge)
        if told.multi_assets_margin:
            yield margin_mode(BINANCE, "multi-assets mode", hindrance="it has no isolated margin")
        else:
            yield margin_mode(BINANCE, "single-asset mode, margin by symbol")

    def permissions() -> Iterable[Check]:
        told = client.call(exchange.sapiGetAccountApiRestrictions, {}, _Answer)
        for name, key, check in (
            (TRADING, "enableFutures", trading),
            (WITHDRAWAL, "enableWithdrawals", withdrawal),
        ):
            allowed = told.get(key)
            yield (
                check(BINANCE, allowed=allowed)
                if isinstance(allowed, bool)
                else unknown(BINANCE, name, f"the venue did not tell {key}")
            )

    checks = asking.modes((POSITION_MODE, MARGIN_MODE), modes)
    if testnet:
        why = "demo trading does not tell what a key may do"
        return [*checks, unknown(BINANCE, TRADING, why), unknown(BINANCE, WITHDRAWAL, why)]
    return [*checks, *asking.permissions((TRADING, WITHDRAWAL), permissions)]


def _meaning(error: Exception) -> Refusal:
    return error.answer if isinstance(error, CallFailed) else OutcomeUnknown(text=str(error))
