"""The ladder of closes: what follows what, how much is sent, how far a limit reaches, how long is waited."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.reasons import Rule
from messages.values import ZERO, Side
from messages.venue import RejectReason
from rules.escalation import (
    LADDER,
    LIMIT_LIFE_MS,
    LONGEST_WAIT_MS,
    OVERDUE_AGAIN_MS,
    OVERDUE_MS,
    attempts_after,
    close_price,
    close_quantity,
    rung_of,
    wait_ms,
)
from rules.position_case import OrderPolicy
from tests.rules.builders import an_instrument, prices, sides

REASONS = st.sampled_from(RejectReason)
ATTEMPTS = st.integers(0, 200)
STEPS = st.integers(1, 10_000).map(lambda steps: steps * Decimal("0.001"))
LARGEST = st.none() | st.integers(1, 2_000).map(lambda steps: str(steps * Decimal("0.001")))


@given(reasons=st.lists(REASONS, min_size=40, max_size=40))
def test_1_after_the_last_rung_comes_the_first_again_nothing_is_given_up_while_anything_is_open(
    reasons: list[RejectReason],
) -> None:
    attempts, rules = 0, set()
    for reason in reasons:
        rules.add(rung_of(attempts).rule)
        following = attempts_after(attempts, reason)
        assert attempts < following <= attempts + len(LADDER)
        attempts = following
    assert Rule.CLOSE_AT_MARKET in rules
    assert Rule.CLOSE_IN_SLICES in rules


@given(attempts=ATTEMPTS, exposed=STEPS, opened=STEPS, largest=LARGEST, market_largest=LARGEST)
def test_2_a_close_is_never_larger_than_what_is_open_nor_than_the_venue_s_largest_order_of_its_kind(
    attempts: int, exposed: Decimal, opened: Decimal, largest: str | None, market_largest: str | None
) -> None:
    instrument = an_instrument(maximum=largest, market_maximum=market_largest)
    quantity = close_quantity(attempts=attempts, exposed=exposed, opened=opened, instrument=instrument)
    limit = rung_of(attempts).bands is not None
    most = instrument.max_quantity if limit else instrument.max_market_quantity or instrument.max_quantity
    assert ZERO < quantity <= exposed
    assert most is None or quantity <= most
    assert quantity % instrument.quantity_step == 0


@given(round_=st.integers(0, 6), opened=STEPS, minimum=st.sampled_from(["0.001", "0.01", "0.5"]))
def test_3_slices_of_one_round_are_as_many_as_the_rung_says_or_fewer_and_close_what_is_open(
    round_: int, opened: Decimal, minimum: str
) -> None:
    rung = next(number for number, each in enumerate(LADDER) if each.rule is Rule.CLOSE_IN_SLICES)
    attempts, exposed, slices = rung + round_ * len(LADDER), opened, 0
    while exposed > 0:
        exposed -= close_quantity(
            attempts=attempts, exposed=exposed, opened=opened, instrument=an_instrument(minimum=minimum)
        )
        slices += 1
    assert slices <= LADDER[rung].parts * 2**round_


@given(attempts=ATTEMPTS, side=sides(), price=prices(least="1"), percent=st.sampled_from(["0.1", "0.5", "5"]))
def test_4_a_limit_close_never_reaches_further_through_the_price_than_its_rung_allows(
    attempts: int, side: Side, price: Decimal, percent: str
) -> None:
    rung = rung_of(attempts)
    tick = Decimal("0.0001")
    limit = close_price(rung=rung, side=side, price=price, band_percent=Decimal(percent), tick=tick)
    if rung.bands is None:
        assert limit is None
        return
    assert limit is not None
    reach = price - limit if side is Side.LONG else limit - price
    assert reach <= price * Decimal(percent) * rung.bands / 100
    assert limit >= tick


@given(attempts=ATTEMPTS, reason=st.none() | REASONS)
def test_5_the_wait_before_the_next_try_is_never_longer_than_the_longest_one(
    attempts: int, reason: RejectReason | None
) -> None:
    assert 0 <= wait_ms(attempts, reason) <= LONGEST_WAIT_MS


@pytest.mark.parametrize(
    ("attempts", "reason", "rule"),
    [
        (0, RejectReason.OTHER, Rule.CLOSE_INSIDE_BAND),
        (0, RejectReason.PRICE_BAND, Rule.CLOSE_INSIDE_BAND),
        (0, RejectReason.SIZE, Rule.CLOSE_IN_SLICES),
        (2, RejectReason.SIZE, Rule.CLOSE_IN_SLICES),
        (3, RejectReason.OTHER, Rule.CLOSE_AT_MARKET),
    ],
)
def test_what_the_venue_refused_says_which_rung_follows(attempts: int, reason: RejectReason, rule: Rule) -> None:
    assert rung_of(attempts_after(attempts, reason)).rule is rule


def test_a_position_is_closed_in_four_slices_and_in_eight_in_the_next_round() -> None:
    def slice_of(attempts: int, exposed: str) -> Decimal:
        return close_quantity(
            attempts=attempts, exposed=Decimal(exposed), opened=Decimal("0.010"), instrument=an_instrument()
        )

    assert [slice_of(2, exposed) for exposed in ("0.010", "0.007", "0.004", "0.001")] == [
        Decimal(text) for text in ("0.003", "0.003", "0.003", "0.001")
    ]
    assert slice_of(6, "0.010") == Decimal("0.002")


def test_the_ladder_is_written_down_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "escalation.md").read_text(encoding="utf-8")
    written = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if re.match(r"\| \d+ \|", line)
    ]
    assert written == [
        [
            str(number),
            f"`{rung.rule}`",
            "market" if rung.bands is None else "limit",
            str(rung.parts),
            "" if rung.bands is None else f"{rung.bands} times `close_band_percent`",
            "" if rung.bands is None else f"{LIMIT_LIFE_MS} ms",
        ]
        for number, rung in enumerate(LADDER, start=1)
    ]
    assert f"`close_band_percent` is {OrderPolicy().close_band_percent} %" in text
    assert f"{OVERDUE_MS // 1_000} s after the close was decided, then every {OVERDUE_AGAIN_MS // 1_000} s" in text
    assert f"{LONGEST_WAIT_MS // 1_000} s at most. A limit" in text


@given(attempts=st.integers(0, 12), steps=st.integers(1, 50), residue=st.integers(1, 999))
def test_of_what_is_off_the_step_everything_that_is_on_it_is_closed(attempts: int, steps: int, residue: int) -> None:
    instrument = an_instrument(step="1", minimum="1")
    exposed = steps + Decimal(residue) / 1_000
    quantity = close_quantity(attempts=attempts, exposed=exposed, opened=exposed, instrument=instrument)
    assert 0 < quantity <= exposed
    assert quantity % 1 == 0
