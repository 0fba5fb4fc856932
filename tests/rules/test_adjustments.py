from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.journal import PositionResult
from messages.values import Money, PositionId
from rules.adjustments import DAY_MS, AdjustmentPolicy, OpeningTerms, TradingDay, opening_terms, trading_day

POLICY = AdjustmentPolicy()
MIDNIGHT_MS = 1_641_168_000_000
NOON_MS = MIDNIGHT_MS + DAY_MS // 2
MINUTE_MS = 60_000
BASE = Decimal(200)
amounts = st.decimals("-1000", "1000", places=2)
balances = st.none() | st.decimals("0", "20000", places=2)
moments = st.integers(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS - 1)
closes = st.lists(st.sampled_from([Decimal(each) for each in (-1, -1, -1, 0, 1)]), max_size=30)


def _a_day(
    *results: Money | str, balance: str | Money | None = "1000", at_ms: int = NOON_MS, now_ms: int | None = None
) -> TradingDay:
    """A day with ``results`` one after the other, the last at ``at_ms``."""
    return trading_day(
        results=[
            PositionResult(
                position_id=PositionId(f"p{number}"), closed_ms=at_ms - len(results) + 1 + number, net_pnl=Decimal(each)
            )
            for number, each in enumerate(results)
        ],
        now_ms=at_ms if now_ms is None else now_ms,
        balance=None if balance is None else Decimal(balance),
        policy=POLICY,
    )


def _terms(day: TradingDay, now_ms: int = NOON_MS, policy: AdjustmentPolicy = POLICY) -> OpeningTerms:
    return opening_terms(day=day, base_usd=BASE, now_ms=now_ms, policy=policy)


@given(balance=balances, result=amounts, worse=st.decimals("0", "1000", places=2))
def test_1_the_size_is_never_larger_than_the_base_size_and_never_larger_after_a_worse_result(
    balance: Money | None, result: Money, worse: Money
) -> None:
    better, after = _terms(_a_day(result, balance=balance)), _terms(_a_day(result - worse, balance=balance))
    assert 0 < after.size_usd <= better.size_usd <= BASE


@given(balance=st.decimals("1", "20000", places=2), before=st.lists(amounts, max_size=10), after=st.lists(amounts))
def test_2_a_day_that_was_once_at_the_stop_stays_stopped_until_the_next_utc_day_whatever_is_won_afterwards(
    balance: Money, before: list[Money], after: list[Money]
) -> None:
    policy = replace(POLICY, pauses_after_losses=False)
    was_stopped = any(sum(before[: number + 1]) * 20 <= -balance for number in range(len(before)))
    stopped_until_ms = _terms(_a_day(*before, balance=balance), policy=policy).paused_until_ms
    assert stopped_until_ms == (MIDNIGHT_MS + DAY_MS if was_stopped else None)
    if was_stopped:
        later = _terms(_a_day(*before, *after, balance=balance), policy=policy)
        assert later.paused_until_ms == MIDNIGHT_MS + DAY_MS


@given(balance=balances, results=st.lists(amounts), days=st.integers(1, 5), moment=moments)
def test_3_a_new_utc_day_starts_with_nothing_won_or_lost_and_with_the_full_size(
    balance: Money | None, results: list[Money], days: int, moment: int
) -> None:
    later_ms = moment + days * DAY_MS
    day = _a_day(*results, balance=balance, at_ms=moment, now_ms=later_ms)
    assert day.start_ms == MIDNIGHT_MS + days * DAY_MS
    assert day.realized == day.worst == 0
    terms = _terms(day, later_ms, replace(POLICY, pauses_after_losses=False))
    assert terms.size_usd == BASE
    assert terms.paused_until_ms is None


@given(results=closes)
def test_4_fewer_losing_closes_in_a_row_than_the_limit_never_pause_and_a_close_that_is_no_loss_starts_the_count_anew(
    results: list[Money],
) -> None:
    longest = max((len(run) for run in "".join("x" if each < 0 else " " for each in results).split()), default=0)
    assert (_terms(_a_day(*results)).paused_until_ms is not None) is (longest >= 4)
    assert _a_day(*results, "0").losses == 0


@given(results=closes, at_ms=moments, since_ms=st.integers(0, 2 * 60 * MINUTE_MS))
def test_5_a_pause_lasts_its_minutes_and_the_count_starts_anew_with_it(
    results: list[Money], at_ms: int, since_ms: int
) -> None:
    day = _a_day(*results, "1", "-1", "-1", "-1", "-1", at_ms=at_ms, balance="100000")
    assert day.losses == 0
    expected = at_ms + 60 * MINUTE_MS if since_ms < 60 * MINUTE_MS else None
    assert _terms(day, at_ms + since_ms).paused_until_ms == expected


@given(balance=balances, results=st.lists(amounts))
def test_6_what_is_switched_off_changes_nothing(balance: Money | None, results: list[Money]) -> None:
    day = _a_day(*results, balance=balance)
    off = replace(POLICY, size_follows_day=False, pauses_after_losses=False)
    terms = _terms(day, policy=off)
    assert terms.size_usd == BASE
    assert terms.paused_until_ms is None
    assert not terms.why
    sizes_only, pauses_only = replace(off, size_follows_day=True), replace(off, pauses_after_losses=True)
    assert _terms(day, policy=pauses_only).factor == 1
    without_pause = _terms(replace(day, paused_until_ms=0), policy=POLICY)
    assert _terms(day, policy=sizes_only).paused_until_ms == without_pause.paused_until_ms


@given(results=st.lists(amounts), after_ms=st.integers(0, DAY_MS // 2 - 1))
def test_7_while_it_is_not_known_what_the_account_holds_a_day_that_has_lost_anything_opens_nothing(
    results: list[Money], after_ms: int
) -> None:
    day = _a_day(*results, balance=None)
    terms = _terms(day, NOON_MS + after_ms, replace(POLICY, pauses_after_losses=False))
    assert (terms.paused_until_ms is not None) is (day.worst < 0)


@given(balance=balances, results=st.lists(amounts))
def test_8_every_answer_tells_what_it_was_made_from(balance: Money | None, results: list[Money]) -> None:
    day = _a_day(*results, balance=balance)
    terms = _terms(day)
    inputs = dict(terms.inputs)
    assert Decimal(inputs["base_usd"]) == BASE
    assert Decimal(inputs["day_realized"]) == day.realized
    assert inputs["day_balance"] == ("" if day.balance is None else f"{day.balance:f}")
    assert int(inputs["losses_in_a_row"]) == day.losses
    assert bool(terms.why) is (terms.factor != 1 or terms.paused_until_ms is not None)


@given(results=st.lists(amounts, min_size=2, max_size=8), order=st.randoms(use_true_random=False))
def test_the_order_in_which_results_are_heard_does_not_matter(results: list[Money], order: Random) -> None:
    told = [
        PositionResult(position_id=PositionId(f"p{number}"), closed_ms=NOON_MS + number, net_pnl=each)
        for number, each in enumerate(results)
    ]
    shuffled = list(told)
    order.shuffle(shuffled)
    days = [trading_day(results=each, now_ms=NOON_MS, balance=None, policy=POLICY) for each in (told, shuffled)]
    assert days[0] == days[1]


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
    terms = _terms(_a_day(result, balance="1000"))
    assert (terms.size_usd, terms.paused_until_ms is not None) == (Decimal(size), stopped)


def test_losses_in_a_row_are_counted_over_midnight() -> None:
    day = _a_day("-1", "-1", "-1", "-1", at_ms=MIDNIGHT_MS + 1)
    assert day.realized == -2
    assert day.paused_until_ms == MIDNIGHT_MS + 1 + 60 * MINUTE_MS


def test_an_account_with_nothing_left_that_still_loses_is_stopped() -> None:
    assert _terms(_a_day("-0.01", balance="0")).paused_until_ms == MIDNIGHT_MS + DAY_MS


def test_a_pause_of_an_hour_is_over_on_the_hour() -> None:
    day = _a_day("-1", "-1", "-1", "-1")
    until_ms = NOON_MS + 60 * MINUTE_MS
    assert _terms(day, until_ms - 1).paused_until_ms == until_ms
    assert _terms(day, until_ms).paused_until_ms is None


@pytest.mark.parametrize(
    ("results", "balance", "why"),
    [
        (("-9",), "1000", ""),
        (("-10",), "1000", "the day is at -1.00 %, sizes are 0.75 of 200"),
        (("-50", "60"), "1000", "the day was at -5 % or worse"),
        (("-1",), None, "the day lost -1, of what is not known yet"),
        (("-1", "-1", "-1", "-1"), "1000", "4 losing closes in a row"),
    ],
)
def test_people_are_told_why(results: tuple[str, ...], balance: str | None, why: str) -> None:
    terms = _terms(_a_day(*results, balance=balance))
    assert terms.why == why
    told = dict(terms.inputs)["paused_until_ms"]
    assert told == ("" if terms.paused_until_ms is None else str(terms.paused_until_ms))
