from decimal import Decimal
from pathlib import Path

from actors.policies import risk_policy
from messages.settings import Settings
from rules.adjustments import AdjustmentPolicy

SETTINGS = Settings(data_dir=Path("data"))


def _with(**values: object) -> Settings:
    return Settings.model_validate({"data_dir": Path("data"), **values})


def test_without_a_word_the_adjustments_are_those_of_the_specification_and_on() -> None:
    policy = risk_policy(SETTINGS)
    assert policy.adjustments == AdjustmentPolicy()
    assert policy.follows_volatility
    assert policy.follows_regime
    assert policy.least_close_usd is None


def test_each_adjustment_can_be_switched_off_alone() -> None:
    assert not risk_policy(_with(size_follows_day_result=False)).adjustments.size_follows_day
    assert not risk_policy(_with(pause_after_losses_minutes=0)).adjustments.pauses_after_losses
    assert not risk_policy(_with(distances_follow_volatility=False)).follows_volatility
    assert not risk_policy(_with(parameters_follow_regime=False)).follows_regime


def test_a_least_value_of_a_partial_close_that_is_set_takes_the_place_of_the_profile_s() -> None:
    assert risk_policy(_with(min_partial_close_value_usd=7)).least_close_usd == Decimal(7)
