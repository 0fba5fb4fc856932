"""From settings to the policies of rules and positions; the risk and the signal actor know how theirs are made."""

from typing import Final

from actors.auditors import AuditPolicy
from messages.settings import EntryType, Settings
from rules.aged import AgedPolicy
from rules.guard import GuardPolicy
from rules.ladder import LadderPolicy
from rules.position_case import OrderPolicy, PositionPolicies
from rules.sizing import SizingPolicy
from rules.stop_choice import StopPolicy
from rules.take_profits import TakeProfitPolicy
from rules.trailing import TrailingPolicy

MS_A_SECOND: Final = 1_000
MS_A_MINUTE: Final = 60_000
MINUTES_AN_HOUR: Final = 60


def position_policies(settings: Settings) -> PositionPolicies:
    """Everything that a position's rules depend on."""
    defaults = TakeProfitPolicy()
    least = settings.min_partial_close_value_usd
    profits = TakeProfitPolicy(
        split=settings.tp_split,
        split_large=settings.tp_split_large,
        tp1_percent=settings.tp1_percent,
        tp2_percent=settings.tp2_percent,
        min_close_value_usd=defaults.min_close_value_usd if least is None else least,
    )
    return PositionPolicies(
        trailing=TrailingPolicy(
            activation_percent=settings.trailing_activation_percent,
            callback_percent=settings.trailing_callback_percent,
            tp1_progress_percent=settings.trailing_tp1_progress_percent,
            breakeven_at_percent=settings.breakeven_at_percent,
            activate_after_minutes=settings.trailing_activate_after_minutes,
            momentum_percent=settings.trailing_momentum_percent,
            min_update_interval_s=settings.trailing_min_update_interval_seconds,
            min_improvement_percent=settings.trailing_min_improvement_percent,
            emergency_override_percent=settings.trailing_emergency_override_percent,
        ),
        take_profits=profits,
        stops=StopPolicy(stop_loss_percent=settings.stop_loss_percent),
        orders=OrderPolicy(
            entry_limit=settings.entry_type is EntryType.LIMIT,
            entry_limit_timeout_ms=settings.entry_limit_timeout_seconds * MS_A_SECOND,
            alert_window_ms=settings.trailing_alert_if_unprotected_window_ms,
        ),
        aged=AgedPolicy(
            max_age_hours=settings.max_position_age_hours,
            grace_hours=settings.aged_grace_period_hours,
            loss_step_percent=settings.aged_loss_step_percent,
            max_loss_percent=settings.aged_max_loss_percent,
            acceleration=settings.aged_acceleration_factor,
            check_every_ms=settings.aged_check_interval_minutes * MS_A_MINUTE,
        ),
        ladder=LadderPolicy(
            enabled=settings.scaling_enabled,
            max_position_usd=settings.max_position_size_usd,
            leverage=settings.leverage,
        ),
        commission_percent=settings.commission_percent,
        margin_mode=settings.margin_mode,
    )


def audit_policy(settings: Settings) -> AuditPolicy:
    """What the auditors may touch, and when they look at everything."""
    hours, _, minutes = settings.selfcheck_at.partition(":")
    return AuditPolicy(
        zombie_scope=settings.zombie_scope,
        zombie_threshold=settings.zombie_threshold,
        selfcheck_minute=int(hours) * MINUTES_AN_HOUR + int(minutes),
    )


def guard_policy(settings: Settings) -> GuardPolicy:
    """What the guard measures by, and whether it acts."""
    return GuardPolicy(
        mode=settings.guard_mode,
        stop_loss_percent=settings.stop_loss_percent,
        horizon_hours=settings.max_position_age_hours + settings.aged_grace_period_hours,
        max_spread_percent=settings.max_spread_percent,
    )


def sizing_policy(settings: Settings) -> SizingPolicy:
    """Sizes of a new position."""
    return SizingPolicy(
        position_size_usd=settings.position_size_usd,
        min_position_size_usd=settings.min_position_size_usd,
        max_position_size_usd=settings.max_position_size_usd,
    )


LIVE_SETTINGS: Final = frozenset(
    {
        "wave_check_minutes", "wave_check_duration_seconds", "stoplist_symbols", "min_score_week", "min_score_month",
        "max_spread_percent", "max_trades_per_15min", "signal_buffer_percent", "signal_buffer_size",
        "position_size_usd", "min_position_size_usd", "max_position_size_usd", "max_positions", "max_exposure_usd",
        "leverage", "margin_mode", "commission_percent", "size_follows_day_result", "distances_follow_volatility",
        "parameters_follow_regime", "pause_after_losses_minutes", "pause_after_consecutive_losses", "entry_type",
        "entry_limit_timeout_seconds", "trailing_alert_if_unprotected_window_ms", "stop_loss_percent", "tp_split",
        "tp1_percent", "tp2_percent", "trailing_activation_percent", "trailing_callback_percent",
        "trailing_tp1_progress_percent", "breakeven_at_percent", "trailing_activate_after_minutes",
        "trailing_momentum_percent", "trailing_min_update_interval_seconds", "trailing_min_improvement_percent",
        "trailing_emergency_override_percent", "min_partial_close_value_usd", "tp_split_large",
        "max_position_age_hours", "aged_grace_period_hours", "aged_loss_step_percent", "aged_max_loss_percent",
        "guard_mode", "scaling_enabled", "aged_acceleration_factor", "aged_check_interval_minutes",
    }
)  # fmt: skip
"""Fields that change over while everything lives; the others need a restart."""
