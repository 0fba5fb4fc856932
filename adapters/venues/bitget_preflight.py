"""What can be asked of a Bitget account before anything is at stake.

Sources: v2 mix "Get Single Account" (``posMode``, ``marginMode``, ``assetMode``), spot "Get Account Information"
(``authorities``, a code for each permission). A unified account answers all of v2 with 40085.
"""

from collections.abc import Iterable
from typing import Final

import ccxt

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
from adapters.venues.bitget_errors import RefusedError, meaning_of
from adapters.venues.bitget_orders import MARGIN_COIN, VENUE
from adapters.venues.bitget_session import BitgetSession
from messages.checks import Check, Finding
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

ANY_SYMBOL: Final = "BTCUSDT"
"""The position mode is the account's, but it is told by symbol only."""
POSITION_MODES: Final = {"one_way_mode": False, "hedge_mode": True}
UNIFIED: Final = "40085"
FUTURES_ORDERS: Final = "coow"
WALLET_WITHDRAWAL: Final = "wwow"
READING: Final = frozenset({"coor", "cpor", "stor", "smor", "ttor", "wtor", "taxr", "chor", "p2pr", "pllr"})
CHANGING: Final = frozenset({"coow", "cpow", "stow", "smow", "ttow", "wtow", "taxw", "chow", "p2p", "p2pw", "pllw"})
"""The codes that the documentation explains, beside the one for withdrawals."""


def account_checks(session: BitgetSession, *, hedge: bool) -> list[Check]:
    """Key, modes, kind of account and permissions; ``hedge`` says which position mode it should be in."""
    asking = Asking(
        venue=VENUE,
        errors=(RefusedError, ccxt.BaseError, LookupError, TypeError, AttributeError, ValueError),
        meaning=_meaning,
        set_clock=session.server_ms,
    )

    def modes() -> Iterable[Check]:
        row = session.get("AccountAccount", symbol=ANY_SYMBOL, marginCoin=MARGIN_COIN)
        yield account_type(VENUE, "classic")
        told = row.get("posMode")
        is_hedge = POSITION_MODES.get(told)
        if is_hedge is None:
            yield unknown(VENUE, POSITION_MODE, f"posMode is {told!r}")
        else:
            yield position_mode(VENUE, is_hedge=is_hedge, wanted_hedge=hedge)
        text = f"{row.get('marginMode')} for {ANY_SYMBOL}"
        hindrance = "it has no isolated margin" if row.get("assetMode") == "union" else ""
        yield margin_mode(VENUE, "multi-assets mode" if hindrance else text, hindrance=hindrance)

    def permissions() -> Iterable[Check]:
        codes = frozenset(map(str, session.private("SpotGetV2SpotAccountInfo").get("authorities") or ()))
        if WALLET_WITHDRAWAL not in codes and (not codes or codes - READING - CHANGING):
            # A code without a known meaning must not pass for harmless.
            text = f"authorities are {', '.join(sorted(codes)) or 'none'}"
            yield from (unknown(VENUE, name, text) for name in (TRADING, WITHDRAWAL))
            return
        yield trading(VENUE, allowed=FUTURES_ORDERS in codes)
        yield withdrawal(VENUE, allowed=WALLET_WITHDRAWAL in codes)

    checks = asking.modes((ACCOUNT_TYPE, POSITION_MODE, MARGIN_MODE), modes)
    if any(check.finding is Finding.WRONG and check.text.startswith(UNIFIED) for check in checks):
        advice = "use a key of a classic account (API v2), which a sub-account may be"
        return [account_type(VENUE, f"unified: {UNIFIED}", what_to_do=advice)]
    return [*checks, *asking.permissions((TRADING, WITHDRAWAL), permissions)]


def _meaning(error: Exception) -> Refusal:
    match error:
        case RefusedError():
            return error.answer
        case ccxt.BaseError():
            meaning = meaning_of(error)
            if isinstance(error, ccxt.AuthenticationError) and isinstance(meaning, OutcomeUnknown):
                # ccxt's own: a key without its passphrase is not even sent.
                return OrderRejected(reason=RejectReason.AUTHENTICATION, text=meaning.text)
            return meaning
        case _:
            return OutcomeUnknown(text=f"the answer cannot be read: {type(error).__name__} {error}")
