from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from actors.policies import LIVE_SETTINGS, guard_policy, position_policies, sizing_policy
from actors.risk import RiskPolicy
from actors.signals import WavePolicy
from messages.settings import Settings
from rules.adjustments import AdjustmentPolicy

SETTINGS = Settings(data_dir=Path("data"))


def _with(**values: object) -> Settings:
    return Settings.model_validate({"data_dir": Path("data"), **values})


def test_without_a_word_the_adjustments_are_those_of_the_specification_and_on() -> None:
    policy = RiskPolicy.of(SETTINGS)
    assert policy.adjustments == AdjustmentPolicy()
    assert policy.follows_volatility
    assert policy.follows_regime
    assert policy.least_close_usd is None


def test_each_adjustment_can_be_switched_off_alone() -> None:
    assert not RiskPolicy.of(_with(size_follows_day_result=False)).adjustments.size_follows_day
    assert not RiskPolicy.of(_with(pause_after_losses_minutes=0)).adjustments.pauses_after_losses
    assert not RiskPolicy.of(_with(distances_follow_volatility=False)).follows_volatility
    assert not RiskPolicy.of(_with(parameters_follow_regime=False)).follows_regime


def test_a_least_value_of_a_partial_close_that_is_set_takes_the_place_of_the_profile_s() -> None:
    assert RiskPolicy.of(_with(min_partial_close_value_usd=7)).least_close_usd == Decimal(7)


OTHER: Mapping[str, object] = {
    "wave_check_minutes": (7,),
    "stoplist_symbols": ("BTCUSDT",),
    "margin_mode": "cross",
    "entry_type": "limit",
    "guard_mode": "act",
    "tp_split": (60, 40),
    "tp_split_large": (60, 40),
    "min_partial_close_value_usd": 4,
    "pause_after_losses_minutes": 0,
}
"""Another value where a number more or a switch turned is none."""


def _policies(settings: Settings) -> tuple[object, ...]:
    return (
        position_policies(settings),
        sizing_policy(settings),
        RiskPolicy.of(settings),
        WavePolicy.of(settings),
        guard_policy(settings),
    )


def _another(name: str) -> object:
    value = getattr(SETTINGS, name)
    if name in OTHER:
        return OTHER[name]
    return not value if isinstance(value, bool) else value + (1 if isinstance(value, int) else Decimal("0.05"))


@pytest.mark.parametrize("name", sorted(LIVE_SETTINGS))
def test_a_setting_that_changes_while_everything_lives_changes_a_policy(name: str) -> None:
    changed = SETTINGS.model_copy(update={name: _with(**{name: _another(name)}).__dict__[name]})
    assert _policies(changed) != _policies(SETTINGS)


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - LIVE_SETTINGS))
def test_a_setting_that_needs_a_restart_is_in_no_policy_of_those_that_change(name: str) -> None:
    changed = SETTINGS.model_copy(update={name: object()})
    assert _policies(changed) == _policies(SETTINGS)
