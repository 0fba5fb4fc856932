from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.conditions import BalanceProfile
from messages.values import Money
from rules.balance_profile import balance_profile

ORDER = list(BalanceProfile)
balances = st.decimals("-100", "50000", places=2)


@given(balance=balances, more=st.decimals("0", "50000", places=2))
def test_1_more_money_never_means_a_smaller_profile(balance: Money, more: Money) -> None:
    assert ORDER.index(balance_profile(balance + more)) >= ORDER.index(balance_profile(balance))


@given(below=st.decimals("0.00000001", "900", places=8))
def test_2_a_balance_on_a_border_belongs_to_the_larger_profile(below: Money) -> None:
    assert balance_profile(Decimal(1000)) is BalanceProfile.MEDIUM
    assert balance_profile(1000 - below) is BalanceProfile.SMALL
    assert balance_profile(Decimal(10000)) is BalanceProfile.LARGE
    assert balance_profile(10000 - below) is BalanceProfile.MEDIUM


@pytest.mark.parametrize(
    ("balance", "profile"),
    [
        ("-5", "small"),
        ("0", "small"),
        ("999.99", "small"),
        ("1000", "medium"),
        ("9999.99", "medium"),
        ("10000", "large"),
    ],
)
def test_the_borders_are_those_of_the_specification(balance: str, profile: str) -> None:
    assert balance_profile(Decimal(balance)) == profile
