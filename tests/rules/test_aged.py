from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.state import AgedPhase
from messages.values import Price, Quantity, Side
from rules.aged import AgedExit, AgedPolicy, ExitStep, RestingExit, aged_exit, next_exit_step
from tests.rules.builders import sides, ticks, units
from tests.rules.grid import as_grid

POLICY = AgedPolicy()
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
OPENED_MS = 1_641_204_000_000
EMERGENCY_MS = 27 * HOUR_MS + 40 * MINUTE_MS
"""3 h, 8 h, and 10 % at 0.5 % x 1.2 an hour: 16 h 40 min."""

# Entry 100, commission 0.1 %, tick 0.01: hours and minutes of age, and where the exit of a long and of a short rests.
SCHEDULE = """
age    phase        tolerated  long    short
00:00  young        0          -       -
03:00  young        0          -       -
03:01  grace        0          100.10  99.90
11:00  grace        0          100.10  99.90
11:12  progressive  0.1        99.90   100.10
12:00  progressive  0.5        99.50   100.50
13:00  progressive  1          99.00   101.00
16:30  progressive  2.75       97.25   102.75
21:00  progressive  5          95.00   105.00
21:01  progressive  6.01       93.99   106.01
22:00  progressive  6.6        93.40   106.60
27:00  progressive  9.6        90.40   109.60
27:39  progressive  9.99       90.01   109.99
27:40  emergency    10         -       -
99:00  emergency    10         -       -
"""

ages = st.integers(-HOUR_MS, 40 * HOUR_MS) | st.sampled_from(
    [hours * HOUR_MS + more for hours in (0, 3, 11, 21) for more in (-1, 0, 1)] + [EMERGENCY_MS - 1, EMERGENCY_MS]
)


def _exit(
    age_ms: int,
    *,
    side: Side = Side.LONG,
    entry: Price = Decimal(100),
    tick: Price = Decimal("0.01"),
    opened_ms: int = OPENED_MS,
) -> AgedExit:
    return aged_exit(
        side=side,
        entry_price=entry,
        opened_ms=opened_ms,
        now_ms=opened_ms + age_ms,
        commission_percent=Decimal("0.1"),
        tick=tick,
        policy=POLICY,
    )


@given(age_ms=ages, side=sides())
def test_1_a_position_that_is_not_older_than_its_age_has_no_exit(age_ms: int, side: Side) -> None:
    found = _exit(age_ms, side=side)
    assert (found.phase is AgedPhase.YOUNG) is (age_ms <= 3 * HOUR_MS)
    if found.phase is AgedPhase.YOUNG:
        assert found.limit_price is None


@given(age_ms=st.integers(3 * HOUR_MS + 1, 11 * HOUR_MS), side=sides(), entry=units(1_000), tick=ticks())
def test_2_in_the_grace_period_the_exit_pays_for_the_commission_and_is_the_nearest_tick_that_does(
    age_ms: int, side: Side, entry: Decimal, tick: Price
) -> None:
    found = _exit(age_ms, side=side, entry=entry * tick, tick=tick)
    assert found.phase is AgedPhase.GRACE
    assert found.limit_price is not None
    beyond = found.limit_price - entry * tick if side is Side.LONG else entry * tick - found.limit_price
    assert 0 <= beyond - entry * tick / 1000 < tick
    assert found.limit_price % tick == 0


@given(age_ms=st.integers(11 * HOUR_MS + 1, EMERGENCY_MS - 1), side=sides(), entry=units(1_000), tick=ticks())
def test_3_after_it_the_exit_is_never_further_from_the_entry_than_the_tolerated_loss_and_less_than_a_tick_nearer(
    age_ms: int, side: Side, entry: Decimal, tick: Price
) -> None:
    found = _exit(age_ms, side=side, entry=entry * tick, tick=tick)
    assert found.phase is AgedPhase.PROGRESSIVE
    assert found.limit_price is not None
    loss = entry * tick - found.limit_price if side is Side.LONG else found.limit_price - entry * tick
    tolerated = entry * tick * found.tolerated_percent / 100
    assert 0 <= tolerated - loss < tick
    assert found.limit_price % tick == 0


@given(age_ms=ages, later_ms=st.integers(0, 10 * HOUR_MS), side=sides(), entry=units(1_000), tick=ticks())
def test_4_with_time_the_phase_only_goes_on_and_the_exit_only_moves_to_where_it_fills_more_surely(
    age_ms: int, later_ms: int, side: Side, entry: Decimal, tick: Price
) -> None:
    now = _exit(age_ms, side=side, entry=entry * tick, tick=tick)
    later = _exit(age_ms + later_ms, side=side, entry=entry * tick, tick=tick)
    phases = list(AgedPhase)
    assert phases.index(later.phase) >= phases.index(now.phase)
    assert later.tolerated_percent >= now.tolerated_percent
    if now.limit_price is not None and later.limit_price is not None:
        assert later.limit_price <= now.limit_price if side is Side.LONG else later.limit_price >= now.limit_price


@given(age_ms=ages, side=sides())
def test_5_at_the_maximum_loss_the_position_is_closed_at_market_and_not_before(age_ms: int, side: Side) -> None:
    found = _exit(age_ms, side=side)
    assert (found.phase is AgedPhase.EMERGENCY) is (age_ms >= EMERGENCY_MS)
    assert found.tolerated_percent <= 10
    if found.phase is AgedPhase.EMERGENCY:
        assert found.tolerated_percent == 10
        assert found.limit_price is None


@given(age_ms=ages, opened_ms=st.integers(0, 4_000_000_000_000))
def test_6_only_the_age_counts_not_the_moment(age_ms: int, opened_ms: int) -> None:
    assert _exit(age_ms, opened_ms=opened_ms) == _exit(age_ms)


# --- the way of the resting exit --------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Desk:
    """A position, the exits at the venue, and one request at a time about each of them."""

    can_amend: bool
    position: Quantity = Decimal(10)
    wanted: Price | None = Decimal(100)
    exits: list[RestingExit] = field(default_factory=list)
    under_way: list[tuple[ExitStep, Price, Quantity]] = field(default_factory=list)
    placed_beside: list[RestingExit] = field(default_factory=list)

    def ask(self) -> ExitStep:
        step = next_exit_step(
            resting=self.exits, wanted_price=self.wanted, quantity=self.position, can_amend=self.can_amend
        )
        if step is ExitStep.PLACE:
            assert self.wanted is not None
            self.placed_beside += self.exits
            # From the moment it is sent it may rest, whether or not an answer comes.
            self.exits.append(RestingExit(price=self.wanted, quantity=self.position, settled=False))
            self.under_way.append((step, self.wanted, self.position))
        elif step in {ExitStep.AMEND, ExitStep.CANCEL}:
            number = next(number for number, each in enumerate(self.exits) if each.settled)
            self.exits[number] = replace(self.exits[number], settled=False)
            self.under_way.append((step, self.wanted or Decimal(0), self.position))
        return step

    def answer(self, *, succeeds: bool) -> None:
        """The oldest request is answered, or its outcome has been found out."""
        if not self.under_way:
            return
        step, price, quantity = self.under_way.pop(0)
        number = next(number for number, each in enumerate(self.exits) if not each.settled)
        if succeeds is (step is ExitStep.CANCEL) and step is not ExitStep.AMEND:
            del self.exits[number]
        elif step is ExitStep.AMEND and succeeds:
            self.exits[number] = RestingExit(price=price, quantity=quantity, settled=True)
        else:
            self.exits[number] = replace(self.exits[number], settled=True)

    def happen(self, what: str) -> None:
        match what:
            case "ask":
                self.ask()
            case "done":
                self.answer(succeeds=True)
            case "failed":
                self.answer(succeeds=False)
            case "older" if self.wanted is not None:
                self.wanted -= 1
            case "emergency":
                self.wanted = None
            case "partly_filled" if self.exits and self.exits[0].quantity > 1:
                self.exits[0] = replace(self.exits[0], quantity=self.exits[0].quantity - 1)
                self.position -= 1
            case "take_profit" if self.position > 1:
                self.position -= 1


events = ["ask", "ask", "ask", "done", "done", "failed", "older", "partly_filled", "take_profit", "emergency"]
histories = st.lists(st.sampled_from(events), max_size=40)
desks = st.builds(Desk, can_amend=st.booleans())


@given(desk=desks, history=histories)
def test_7_nothing_is_placed_while_an_exit_may_still_rest_so_that_two_never_add_up_to_more_than_the_position(
    desk: Desk, history: list[str]
) -> None:
    for what in history:
        desk.happen(what)
        assert len(desk.exits) <= 1
    assert desk.placed_beside == []


@given(
    resting=st.lists(
        st.builds(
            RestingExit,
            price=st.integers(90, 100).map(Decimal),
            quantity=st.integers(1, 10).map(Decimal),
            settled=st.booleans(),
        ),
        max_size=3,
    ),
    wanted=st.none() | st.integers(90, 100).map(Decimal),
    quantity=st.integers(0, 10).map(Decimal),
    can_amend=st.booleans(),
)
def test_8_what_is_placed_or_amended_is_for_the_size_at_hand_at_the_wanted_price(
    resting: list[RestingExit], wanted: Price | None, quantity: Quantity, *, can_amend: bool
) -> None:
    step = next_exit_step(resting=resting, wanted_price=wanted, quantity=quantity, can_amend=can_amend)
    if step in {ExitStep.PLACE, ExitStep.AMEND}:
        assert wanted is not None
        assert quantity > 0
        assert all((each.price, each.quantity) != (wanted, quantity) for each in resting)
    if step is ExitStep.PLACE:
        assert not resting


@given(desk=desks, history=histories)
def test_9_asked_again_and_again_the_exit_that_is_wanted_comes_to_rest_alone(desk: Desk, history: list[str]) -> None:
    for what in [*history, *["done", "ask"] * 6, "done"]:
        desk.happen(what)
    wanted = []
    if desk.wanted is not None:
        wanted = [RestingExit(price=desk.wanted, quantity=desk.position, settled=True)]
    assert desk.exits == wanted
    assert desk.ask() is ExitStep.LEAVE


def test_the_schedule_is_this_grid() -> None:
    header, *rows = as_grid(SCHEDULE)
    drawn = [header]
    for age, *_ in rows:
        hours, minutes = (int(part) for part in age.split(":"))
        age_ms = hours * HOUR_MS + minutes * MINUTE_MS
        long, short = _exit(age_ms), _exit(age_ms, side=Side.SHORT)
        assert (long.phase, long.tolerated_percent) == (short.phase, short.tolerated_percent)
        exits = ["-" if each.limit_price is None else f"{each.limit_price:f}" for each in (long, short)]
        drawn.append([age, long.phase, f"{long.tolerated_percent.normalize():f}", *exits])
    assert drawn == as_grid(SCHEDULE)


@pytest.mark.parametrize("opened", ["2022-03-26T22:00", "2022-10-29T22:00", "2022-12-31T22:00", "2016-12-31T22:00"])
def test_summer_time_a_new_year_and_a_leap_second_do_not_change_the_schedule(opened: str) -> None:
    opened_ms = int(datetime.fromisoformat(opened).replace(tzinfo=UTC).timestamp() * 1000)
    assert [_exit(hours * HOUR_MS, opened_ms=opened_ms) for hours in range(40)] == [
        _exit(hours * HOUR_MS) for hours in range(40)
    ]


def test_a_clock_that_is_set_back_before_the_opening_makes_a_position_young() -> None:
    assert _exit(-5 * HOUR_MS).phase is AgedPhase.YOUNG


def a_resting(price: int = 100, *, settled: bool = True) -> RestingExit:
    return RestingExit(price=Decimal(price), quantity=Decimal(10), settled=settled)


@pytest.mark.parametrize("can_amend", [True, False])
@pytest.mark.parametrize(
    ("resting", "wanted", "quantity", "step"),
    [
        ([], 100, 10, ExitStep.PLACE),
        ([], 100, 0, ExitStep.LEAVE),
        ([], None, 10, ExitStep.LEAVE),
        ([a_resting()], 100, 10, ExitStep.LEAVE),
        ([a_resting()], 100, 0, ExitStep.CANCEL),
        ([a_resting()], None, 10, ExitStep.CANCEL),
        ([a_resting(settled=False)], 99, 10, ExitStep.LEAVE),
        ([a_resting(), a_resting(99, settled=False)], 100, 10, ExitStep.CANCEL),
    ],
)
def test_one_step_leads_towards_the_one_exit_that_is_wanted(
    resting: list[RestingExit], wanted: int | None, quantity: int, step: ExitStep, *, can_amend: bool
) -> None:
    price = None if wanted is None else Decimal(wanted)
    found = next_exit_step(resting=resting, wanted_price=price, quantity=Decimal(quantity), can_amend=can_amend)
    assert found is step


@pytest.mark.parametrize(("can_amend", "step"), [(True, ExitStep.AMEND), (False, ExitStep.CANCEL)])
def test_an_exit_at_another_price_is_moved_in_place_where_that_can_be_done(step: ExitStep, *, can_amend: bool) -> None:
    found = next_exit_step(resting=[a_resting()], wanted_price=Decimal(99), quantity=Decimal(10), can_amend=can_amend)
    assert found is step
