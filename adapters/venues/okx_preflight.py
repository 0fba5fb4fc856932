"""What can be asked of an OKX account before anything is at stake: one request tells it all.

Source: v5 "Get account configuration" (``acctLv`` 1 spot, 2 futures, 3 multi-currency, 4 portfolio; ``posMode``;
``perm``, the key's own).
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
from adapters.venues.okx_errors import RefusedError, answer_of, answer_to_error
from adapters.venues.okx_http import MeaninglessAnswerError, OkxHttp
from adapters.venues.okx_rows import OKX, ConfigRow
from messages.checks import Check
from messages.venue import OutcomeUnknown

SPOT: Final = "1"
KINDS: Final = {"2": "futures mode", "3": "multi-currency margin mode", "4": "portfolio margin mode"}
POSITION_MODES: Final = {"net_mode": False, "long_short_mode": True}


def account_checks(http: OkxHttp, *, hedge: bool) -> list[Check]:
    """Key, modes, kind of account and permissions; ``hedge`` says which position mode it should be in."""
    asking = Asking(
        venue=OKX,
        errors=(RefusedError, ccxt.BaseError, MeaninglessAnswerError),
        meaning=_meaning,
        set_clock=http.server_ms,
    )

    def config() -> Iterable[Check]:
        rows = http.rows("privateGetAccountConfig", {}, ConfigRow)
        if not rows:
            raise MeaninglessAnswerError("no account in the answer")
        return _found(rows[0], hedge=hedge)

    return asking.modes((ACCOUNT_TYPE, POSITION_MODE, MARGIN_MODE, TRADING, WITHDRAWAL), config)


def _found(row: ConfigRow, *, hedge: bool) -> Iterable[Check]:
    if row.acct_lv == SPOT:
        yield account_type(OKX, "spot mode", what_to_do="switch the account to futures mode on OKX")
    elif row.acct_lv in KINDS:
        yield account_type(OKX, KINDS[row.acct_lv])
    else:
        yield unknown(OKX, ACCOUNT_TYPE, f"acctLv is {row.acct_lv!r}")
    is_hedge = POSITION_MODES.get(row.pos_mode)
    if is_hedge is None:
        yield unknown(OKX, POSITION_MODE, f"posMode is {row.pos_mode!r}")
    else:
        yield position_mode(OKX, is_hedge=is_hedge, wanted_hedge=hedge)
    yield margin_mode(OKX, "said with each order")
    if row.perm:
        allowed = {each.strip() for each in row.perm.split(",")}
        yield trading(OKX, allowed="trade" in allowed)
        yield withdrawal(OKX, allowed="withdraw" in allowed)
    else:
        yield from (unknown(OKX, name, "the venue did not tell perm") for name in (TRADING, WITHDRAWAL))


def _meaning(error: Exception) -> Refusal:
    match error:
        case RefusedError():
            return answer_of(error.code, str(error))
        case ccxt.BaseError():
            return answer_to_error(error)
        case _:
            return OutcomeUnknown(text=f"not what OKX answers: {error}")
