"""Which stories are told over the wire in a default run; with ``HOLDFAST_SOAK`` all of them are."""

import re
from typing import Final

WIRE: Final = "_wire"
"""The end of a profile's name in the names of tests that run over the wire."""
CHOSEN: Final = frozenset(
    {
        "test_a_stop_whose_answers_are_lost_is_there_once[1-long-*]",
        "test_three_lost_requests_to_move_the_stop_leave_it_protected[lost_request-long-*]",
        "test_a_stop_that_the_venue_denies_is_placed_again_once_at_most[0.0-long-*]",
        "test_an_entry_that_reaches_the_venue_only_after_the_restart_is_not_sent_again[*]",
        "test_what_filled_before_the_cancel_took_effect_is_tracked_and_protected[shuffled and twice-long-*]",
        "test_a_price_past_the_stop_closes_at_market_within_a_round_trip[long-*]",
        "test_a_gap_before_the_entry_arrives_leaves_nothing_without_a_stop[long-*]",
        "test_what_a_position_leaves_that_closes_while_nobody_is_there_goes_before_the_next_entry[long-*]",
        "test_a_rejected_close_is_pursued_under_the_stop[other-3-long-*]",
        "test_the_stop_goes_to_breakeven_only_when_the_first_take_profit_is_complete[long-*]",
        "test_no_stop_is_cancelled_and_one_alert_tells_of_twenty_positions[long-*]",
        "test_a_fall_through_the_trailing_level_in_silence_is_known_in_time_and_counted_once[20.0-long-*]",
        "test_after_a_ban_what_protects_is_sent_first[*]",
        "test_killed_just_as_the_database_went_a_restart_protects_from_the_venue_alone[*-locked]",
        "test_the_stop_follows_a_size_that_was_changed_by_hand[halved-long-*]",
        "test_a_stop_stays_clear_of_the_liquidation_when_the_leverage_is_raised_by_hand[silent-long-*]",
        "test_a_stop_stays_clear_of_the_liquidation_when_the_margin_is_isolated_by_hand[long-*]",
        "test_a_restart_finds_the_exit_beside_theirs_and_leaves_both[*]",
        "test_an_order_that_is_gone_already_is_taken_for_gone_when_its_cancel_is_refused[long-*]",
        "test_take_profits_that_are_refused_are_planned_from_the_position_as_it_is[1-long-*]",
        "test_a_clock_that_is_off_from_the_start_delays_and_repeats_nothing[2000-*]",
        "test_a_position_that_cannot_live_is_parked_under_its_stop_while_the_others_go_on[*]",
        "test_an_entry_whose_answer_never_comes_is_protected_all_the_same[events come-*]",
        "test_calls_that_never_return_hold_nobody_else_up[*-take profit-lost_request]",
        "test_a_close_asked_for_waits_under_its_stop_until_trading_resumes[long-*]",
        "test_an_owner_whose_account_was_taken_over_sends_nothing_any_more[*]",
        "test_a_signal_that_comes_twice_opens_one_position[*]",
        "test_protection_is_not_a_millisecond_later_than_with_a_good_channel[down-*]",
        "test_it_is_taken_for_full_cover_and_no_second_stop_is_sent[long-*]",
        "test_opening_is_refused_with_a_hint_and_the_stop_that_is_there_is_kept[long-*]",
        "test_a_200_with_a_refusal_inside_is_a_refusal[*]",
        "test_an_entry_that_is_answered_without_an_id_is_there_once[1-long-*]",
        "test_only_the_price_that_is_watched_executes_the_stop[mark-long-*]",
        "test_the_same_seed_is_the_same_life_over_sockets[*]",
        "test_nothing_of_a_world_stays_behind[*]",
        "test_exactly_ten_positions_are_opened_and_every_signal_has_its_fate[*]",
    }
)
"""Names of tests, with a star in place of the venue: one story of each scenario."""


def is_told_by_default(name: str) -> bool:
    """Whether the test runs without being asked for."""
    starred, wired = re.subn(rf"(?<=[\[-])[a-z]+{WIRE}(?=[\]-])", "*", name)
    return not wired or starred in CHOSEN
