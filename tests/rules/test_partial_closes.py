from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.conditions import BalanceProfile, Regime
from messages.instruments import Instrument
from messages.values import Money, Price, Quantity
from rules.partial_closes import PartialClose, PartialCloseSkipped, SkipReason, least_close_value, partial_close
from tests.rules.builders import an_instrument, prices, quantities

instruments = st.builds(
    an_instrument,
    step=st.sampled_from(["0.001", "0.1", "1", "2.5"]),
    minimum=st.sampled_from(["0.001", "1", "10"]),
    contract_size=st.sampled_from(["0.001", "1", "1000"]),
)
levels = prices(least="0.01", most="50000", places=2)
least_values = st.sampled_from([Decimal(value) for value in (3, 5, 6, 10, 20)])


def _close(
    wanted: Quantity | str,
    position: Quantity | str,
    price: Price | str,
    instrument: Instrument,
    least: Money | str = "5",
) -> PartialClose | PartialCloseSkipped:
    return partial_close(
        wanted=Decimal(wanted),
        position_quantity=Decimal(position),
        price=Decimal(price),
        instrument=instrument,
        least_value_usd=Decimal(least),
    )


@given(wanted=quantities(least="0"), position=quantities(), price=levels, instrument=instruments, least=least_values)
def test_1_a_partial_close_never_closes_the_whole_position_and_never_leaves_less_than_the_venue_s_minimum(
    wanted: Quantity, position: Quantity, price: Price, instrument: Instrument, least: Money
) -> None:
    answer = _close(wanted, position, price, instrument, least)
    if isinstance(answer, PartialClose):
        assert answer.quantity < position
        assert position - answer.quantity >= instrument.min_quantity


@given(wanted=quantities(least="0"), position=quantities(), price=levels, instrument=instruments)
def test_2_a_partial_close_is_on_the_venue_s_step_and_not_more_than_was_asked_for(
    wanted: Quantity, position: Quantity, price: Price, instrument: Instrument
) -> None:
    answer = _close(wanted, position, price, instrument)
    if isinstance(answer, PartialClose):
        assert answer.quantity % instrument.quantity_step == 0
        assert wanted - instrument.quantity_step < answer.quantity <= wanted


@given(
    wanted=quantities(least="0"),
    position=quantities(),
    price=levels,
    instrument=instruments,
    profile=st.sampled_from(BalanceProfile),
    regime=st.sampled_from(Regime),
)
def test_3_a_partial_close_is_worth_the_least_value_of_its_balance_profile_twice_that_while_the_market_is_trending(
    wanted: Quantity,
    position: Quantity,
    price: Price,
    instrument: Instrument,
    profile: BalanceProfile,
    regime: Regime,
) -> None:
    least = least_close_value(profile=profile, regime=regime, set_usd=None)
    answer = _close(wanted, position, price, instrument, least)
    expected = Decimal({"small": 3, "medium": 5, "large": 10}[profile]) * (2 if regime is Regime.TRENDING else 1)
    if isinstance(answer, PartialClose):
        assert answer.quantity * instrument.contract_size * price >= expected


@given(wanted=quantities(least="0"), position=quantities(), price=levels, instrument=instruments, least=least_values)
def test_4_a_partial_close_is_not_under_the_venue_s_least_quantity(
    wanted: Quantity, position: Quantity, price: Price, instrument: Instrument, least: Money
) -> None:
    answer = _close(wanted, position, price, instrument, least)
    if isinstance(answer, PartialClose):
        assert answer.quantity >= instrument.min_quantity


@given(wanted=quantities(least="0"), position=quantities(), price=levels, instrument=instruments, least=least_values)
def test_5_a_close_that_is_skipped_names_its_reason_with_the_figures(
    wanted: Quantity, position: Quantity, price: Price, instrument: Instrument, least: Money
) -> None:
    answer = _close(wanted, position, price, instrument, least)
    if isinstance(answer, PartialCloseSkipped):
        assert answer.reason in SkipReason
        assert answer.text


@pytest.mark.parametrize(
    ("profile", "regime", "set_usd", "least"),
    [
        ("small", "ranging", None, "3"),
        ("small", "choppy", None, "3"),
        ("small", "trending", None, "6"),
        ("medium", "ranging", None, "5"),
        ("medium", "trending", None, "10"),
        ("large", "ranging", None, "10"),
        ("large", "trending", None, "20"),
        ("large", "ranging", "7", "7"),
        ("large", "trending", "7", "14"),
    ],
)
def test_the_least_values_are_those_of_the_specification(
    profile: str, regime: str, set_usd: str | None, least: str
) -> None:
    found = least_close_value(
        profile=BalanceProfile(profile),
        regime=Regime(regime),
        set_usd=None if set_usd is None else Decimal(set_usd),
    )
    assert found == Decimal(least)


@pytest.mark.parametrize(
    ("wanted", "position", "instrument", "reason"),
    [
        ("0.0009", "1", an_instrument(), "nothing"),
        ("1", "1", an_instrument(), "whole_position"),
        ("2", "1", an_instrument(), "whole_position"),
        ("0.4", "1", an_instrument(minimum="0.5"), "under_min_quantity"),
        ("0.6", "1", an_instrument(minimum="0.5"), "leaves_too_little"),
        ("0.049", "1", an_instrument(), "under_min_value"),
    ],
)
def test_every_skip_has_its_reason(wanted: str, position: str, instrument: Instrument, reason: str) -> None:
    answer = _close(wanted, position, "100", instrument)
    assert isinstance(answer, PartialCloseSkipped)
    assert answer.reason == reason


def test_the_value_of_contracts_is_contracts_times_contract_size_times_price() -> None:
    contracts = an_instrument(step="1", minimum="1", contract_size="0.001")
    assert _close("3", "10", "42000", contracts, "126") == PartialClose(quantity=Decimal(3))
    assert isinstance(_close("3", "10", "42000", contracts, "126.01"), PartialCloseSkipped)


def test_the_least_value_of_an_opening_order_does_not_hold_for_a_close() -> None:
    assert _close("0.19", "1", "100", an_instrument(min_notional="20")) == PartialClose(quantity=Decimal("0.19"))


def test_a_close_of_exactly_the_minimum_that_leaves_exactly_the_minimum_is_made() -> None:
    assert _close("0.5", "1", "100", an_instrument(minimum="0.5")) == PartialClose(quantity=Decimal("0.5"))
