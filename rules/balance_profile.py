"""How large an account is: what its additions and partial closes are chosen by (S3, S9, S10).

Invariants:
1. More money never means a smaller profile.
2. A balance on a border belongs to the larger profile.
"""

from decimal import Decimal
from typing import Final

from messages.conditions import BalanceProfile
from messages.values import Money

MEDIUM_FROM_USD: Final = Decimal(1_000)
LARGE_FROM_USD: Final = Decimal(10_000)


def balance_profile(balance_usd: Money) -> BalanceProfile:
    """The profile of an account that holds ``balance_usd`` in the quote currency."""
    if balance_usd < MEDIUM_FROM_USD:
        return BalanceProfile.SMALL
    return BalanceProfile.MEDIUM if balance_usd < LARGE_FROM_USD else BalanceProfile.LARGE
