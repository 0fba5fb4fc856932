from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.values import Money
from rules.adjustments import (
    DAY_MS,
    AdjustmentPolicy,
    OpeningTerms,
    TradingDay,
    booked,
    day_at,
    opening_terms,
    position_closed,
)

POLICY = AdjustmentPolicy()
MIDNIGHT_MS = 1_641_168_000_000
NOON_MS = MIDNIGHT_MS + DAY_MS // 2
MINUTE_MS = 60_000
BASE = Decimal(200)
amounts = st.decimals("-1000", "1000", places=2)
balances = st.none() | st.decimals("0", "20000", places=2)
moments = st.integers(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS - 1)
closes = st.lists(st.sampled_from([-1, -1, -1, 0, 1]), max_size=30)


def _a_day(*, balance: str | Money | None = "1000") -> TradingDay:
    return TradingDay(start_ms=MIDNIGHT_MS, balance=None if balance is None else Decimal(balance))


def _terms(day: TradingDay, now_ms: int = NOON_MS, policy: AdjustmentPolicy = POLICY) -> OpeningTerms:
    return opening_terms(day=day, base_usd=BASE, now_ms=now_ms, policy=policy)


def _booked(day: TradingDay, results: list[Decimal]) -> TradingDay:
    for result in results:
        day = booked(day, net_pnl=result, at_ms=NOON_MS)
    return day


def _closed(day: TradingDay, results: list[int], *, at_ms: int = NOON_MS) -> TradingDay:
    for result in results:
        day = position_closed(day, net_pnl=Decimal(result), at_ms=at_ms, policy=POLICY)
    return day


@given(balance=balances, result=amounts, worse=st.decimals("0", "1000", places=2))
def test_1_the_size_is_never_larger_than_the_base_size_and_never_larger_after_a_worse_result(
    balance: Money | None, result: Money, worse: Money
) -> None:
    better = _terms(_booked(_a_day(balance=balance), [result]))
    after = _terms(_booked(_a_day(balance=balance), [result - worse]))
    assert 0 < after.size_usd <= better.size_usd <= BASE


@given(balance=st.decimals("1", "20000", places=2), before=st.lists(amounts, max_size=10), after=st.lists(amounts))
def test_2_a_day_that_was_once_at_the_stop_stays_stopped_until_the_next_utc_day_whatever_is_won_afterwards(
    balance: Money, before: list[Money], after: list[Money]
) -> None:
    day = _booked(_a_day(balance=balance), before)
    was_stopped = any(sum(before[: number + 1]) * 20 <= -balance for number in range(len(before)))
    assert (_terms(day).paused_until_ms is not None) is was_stopped
    if was_stopped:
        assert _terms(_booked(day, after)).paused_until_ms == MIDNIGHT_MS + DAY_MS


@given(balance=balances, results=st.lists(amounts), days=st.integers(1, 5), moment=moments, next_balance=balances)
def test_3_a_new_utc_day_starts_with_nothing_won_or_lost_and_with_the_full_size(
    balance: Money | None, results: list[Money], days: int, moment: int, next_balance: Money | None
) -> None:
    later_ms = moment + days * DAY_MS
    day = day_at(_booked(_a_day(balance=balance), results), now_ms=later_ms, balance=next_balance)
    assert day == TradingDay(start_ms=MIDNIGHT_MS + days * DAY_MS, balance=next_balance)
    assert (_terms(day, later_ms).size_usd, _terms(day, later_ms).paused_until_ms) == (BASE, None)


@given(results=closes)
def test_4_fewer_losing_closes_in_a_row_than_the_limit_never_pause_and_a_close_that_is_no_loss_starts_the_count_anew(
    results: list[int],
) -> None:
    longest = max((len(run) for run in "".join("x" if each < 0 else " " for each in results).split()), default=0)
    day = _closed(_a_day(), results)
    assert (_terms(day).paused_until_ms is not None) is (longest >= 4)
    assert _closed(day, [0]).losses == 0


@given(results=closes, at_ms=moments, since_ms=st.integers(0, 2 * 60 * MINUTE_MS))
def test_5_a_pause_lasts_its_minutes_and_the_count_starts_anew_with_it(
    results: list[int], at_ms: int, since_ms: int
) -> None:
    day = _closed(_a_day(), [*results, 1, -1, -1, -1, -1], at_ms=at_ms)
    assert day.losses == 0
    paused_until_ms = at_ms + 60 * MINUTE_MS
    expected = paused_until_ms if since_ms < 60 * MINUTE_MS else None
    assert _terms(day, at_ms + since_ms).paused_until_ms == expected


@given(balance=balances, results=st.lists(amounts), lost=closes)
def test_6_what_is_switched_off_changes_nothing(balance: Money | None, results: list[Money], lost: list[int]) -> None:
    day = _closed(_booked(_a_day(balance=balance), results), lost)
    off = replace(POLICY, size_follows_day=False, pauses_after_losses=False)
    terms = _terms(day, policy=off)
    assert terms.size_usd == BASE
    assert terms.paused_until_ms is None
    assert not terms.why
    sizes_only, pauses_only = replace(off, size_follows_day=True), replace(off, pauses_after_losses=True)
    assert _terms(day, policy=pauses_only).factor == 1
    assert _terms(replace(day, paused_until_ms=0), policy=sizes_only) == _terms(day, policy=sizes_only)


@given(balance=balances, results=st.lists(amounts), lost=closes)
def test_7_every_answer_tells_what_it_was_made_from(
    balance: Money | None, results: list[Money], lost: list[int]
) -> None:
    day = _closed(_booked(_a_day(balance=balance), results), lost)
    terms = _terms(day)
    inputs = dict(terms.inputs)
    assert Decimal(inputs["base_usd"]) == BASE
    assert Decimal(inputs["day_realized"]) == day.realized
    assert inputs["day_balance"] == ("" if day.balance is None else f"{day.balance:f}")
    assert int(inputs["losses_in_a_row"]) == day.losses
    assert bool(terms.why) is (terms.factor != 1 or terms.paused_until_ms is not None)


@pytest.mark.parametrize(
    ("result", "size", "stopped"),
    [
        ("50", "200", False),
        ("0", "200", False),
        ("-9.99", "200", False),
        ("-10", "150", False),
        ("-19.99", "150", False),
        ("-20", "100", False),
        ("-29.99", "100", False),
        ("-30", "50", False),
        ("-49.99", "50", False),
        ("-50", "50", True),
    ],
)
def test_the_steps_are_those_of_the_specification(result: str, size: str, *, stopped: bool) -> None:
    terms = _terms(_booked(_a_day(balance="1000"), [Decimal(result)]))
    assert (terms.size_usd, terms.paused_until_ms is not None) == (Decimal(size), stopped)


def test_a_balance_first_heard_at_noon_is_counted_back_to_midnight() -> None:
    day = _booked(_a_day(balance=None), [Decimal(-30)])
    assert _terms(day).size_usd == BASE
    assert day_at(day, now_ms=NOON_MS, balance=Decimal(970)).balance == 1000
    assert _terms(day_at(day, now_ms=NOON_MS, balance=Decimal(970))).size_usd == 50


def test_a_clock_that_goes_back_over_midnight_does_not_bring_yesterday_back() -> None:
    day = _booked(_a_day(), [Decimal(-50)])
    assert day_at(day, now_ms=MIDNIGHT_MS - 1, balance=Decimal(950)) == day


def test_what_was_won_yesterday_and_told_today_is_yesterdays() -> None:
    assert booked(_a_day(), net_pnl=Decimal(-500), at_ms=MIDNIGHT_MS - 1) == _a_day()


def test_losses_in_a_row_are_counted_over_midnight() -> None:
    day = _closed(_a_day(), [-1, -1, -1])
    tomorrow = day_at(day, now_ms=MIDNIGHT_MS + DAY_MS, balance=None)
    paused = _closed(tomorrow, [-1], at_ms=MIDNIGHT_MS + DAY_MS)
    assert paused.paused_until_ms == MIDNIGHT_MS + DAY_MS + 60 * MINUTE_MS


def test_an_account_with_nothing_left_that_still_loses_is_stopped() -> None:
    assert _terms(_booked(_a_day(balance="0"), [Decimal("-0.01")])).paused_until_ms == MIDNIGHT_MS + DAY_MS
