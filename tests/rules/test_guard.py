from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.settings import GuardMode
from messages.state import RiskLevel
from messages.values import Price, Side
from rules.guard import (
    ACTIONS,
    GuardAction,
    GuardedPosition,
    GuardPolicy,
    GuardScores,
    guard_scores,
    guard_verdict,
    risk_level,
    tightened_stop,
)
from tests.rules.builders import sides, ticks, units
from tests.rules.grid import as_grid

POLICY = GuardPolicy()
LEVELS = list(RiskLevel)
HOUR_MS = 3_600_000
ENTRY = Decimal(100)

# Entry 100, stop loss 2 %; the price and best price of a long, hours of age, volatility ratio and spread in percent.
WORKED = """
price   best    hours  ratio  spread  pnl   drawdown  volatility  time  liquidity  health  level
100     100     0      1      0       50    100       100         100   100        85      low
102     102     0      0.5    0       100   100       100         100   100        100     low
101     102     5.5    1.25   0.5     75    50        75          50    75         66.25   low
99      100     5.5    1.25   0.5     25    50        75          50    75         51.25   medium
98      100     5.5    1.5    1       0     0         50          50    50         25      critical
99      100     5.5    1.5    1       25    50        50          50    50         42.5    high
98      100     11     2      2       0     0         0           0     0          0       emergency
90      100     40     9      5       0     0         0           0     0          0       emergency
"""

LEVEL_GRID = """
health  low        medium     high       critical   emergency
70      low        low        low        low        low
65      low        low        low        low        low
64      low        medium     medium     medium     medium
60      low        medium     medium     medium     medium
59      medium     medium     medium     medium     medium
50      medium     medium     medium     medium     medium
49      medium     medium     high       high       high
45      medium     medium     high       high       high
44      high       high       high       high       high
35      high       high       high       high       high
34      high       high       high       critical   critical
30      high       high       high       critical   critical
29      critical   critical   critical   critical   critical
20      critical   critical   critical   critical   critical
19      critical   critical   critical   critical   emergency
15      critical   critical   critical   critical   emergency
14      emergency  emergency  emergency  emergency  emergency
"""

offsets = st.decimals("-10", "10", places=2)
ratios = st.none() | st.decimals("0", "4", places=2)
spreads = st.none() | st.decimals("0", "4", places=2)
hours = st.decimals("0", "40", places=1)
levels = st.sampled_from(RiskLevel)
healths = st.decimals("0", "100", places=2)


def a_position(
    *,
    side: Side = Side.LONG,
    price: Decimal = ENTRY,
    best: Decimal = ENTRY,
    age_hours: Decimal = Decimal(0),
    ratio: Decimal | None = Decimal(1),
    spread_percent: Decimal | None = Decimal(0),
) -> GuardedPosition:
    half = None if spread_percent is None else price * spread_percent / 200
    return GuardedPosition(
        side=side,
        entry_price=ENTRY,
        price=price,
        best=best,
        age_ms=int(age_hours * HOUR_MS),
        volatility_ratio=ratio,
        bid=None if half is None else price - half,
        ask=None if half is None else price + half,
    )


@st.composite
def guarded(draw: st.DrawFn) -> GuardedPosition:
    side = draw(sides())
    price, better = ENTRY + draw(offsets), draw(st.decimals("0", "5", places=2))
    return a_position(
        side=side,
        price=price,
        best=price + better if side is Side.LONG else price - better,
        age_hours=draw(hours),
        ratio=draw(ratios),
        spread_percent=draw(spreads),
    )


def _all(scores: GuardScores) -> list[Decimal]:
    return [scores.pnl, scores.drawdown, scores.volatility, scores.age, scores.liquidity]


def _worse(position: GuardedPosition, which: str, by: Decimal) -> GuardedPosition:
    sign = 1 if position.side is Side.LONG else -1
    match which:
        case "price":
            return replace(position, price=position.price - sign * by)
        case "best":
            return replace(position, best=position.best + sign * by)
        case "volatility" if position.volatility_ratio is not None:
            return replace(position, volatility_ratio=position.volatility_ratio + by)
        case "age":
            return replace(position, age_ms=position.age_ms + int(by * HOUR_MS))
        case "spread" if position.bid is not None and position.ask is not None:
            return replace(position, bid=position.bid - by, ask=position.ask + by)
        case _:
            return position


@given(position=guarded())
def test_1_every_score_and_the_health_is_from_0_to_100(position: GuardedPosition) -> None:
    scores = guard_scores(position, POLICY)
    assert all(0 <= score <= 100 for score in [*_all(scores), scores.health])


@given(
    position=guarded(),
    which=st.sampled_from(["price", "best", "volatility", "age", "spread"]),
    by=st.decimals("0", "20", places=2),
)
def test_2_the_health_never_rises_when_one_of_its_inputs_gets_worse(
    position: GuardedPosition, which: str, by: Decimal
) -> None:
    before, after = guard_scores(position, POLICY), guard_scores(_worse(position, which, by), POLICY)
    assert after.health <= before.health


@given(price=offsets, best=st.decimals("0", "5", places=2), age=hours, ratio=ratios, spread=spreads)
def test_3_the_mirror_image_of_a_position_is_as_healthy(
    price: Decimal, best: Decimal, age: Decimal, ratio: Decimal | None, spread: Decimal | None
) -> None:
    def mirrored(side: Side, sign: int) -> GuardScores:
        here = ENTRY + sign * price
        return guard_scores(
            a_position(
                side=side, price=here, best=here + sign * best, age_hours=age, ratio=ratio, spread_percent=spread
            ),
            POLICY,
        )

    long, short = mirrored(Side.LONG, 1), mirrored(Side.SHORT, -1)
    assert replace(long, liquidity=Decimal(0)) == replace(short, liquidity=Decimal(0))
    # The spread is a part of the price, which is another one.
    assert abs(long.liquidity - short.liquidity) < Decimal("1e-20")


@given(position=guarded())
def test_4_what_is_not_known_scores_half(position: GuardedPosition) -> None:
    blind = guard_scores(replace(position, volatility_ratio=None, bid=None, ask=None), POLICY)
    assert (blind.volatility, blind.liquidity) == (Decimal(50), Decimal(50))


@given(health=healths, previous=levels)
def test_5_the_level_is_the_one_of_the_health_or_where_the_health_has_only_just_risen_above_its_border_the_one_before(
    health: Decimal, previous: RiskLevel
) -> None:
    plain = LEVELS[sum(health < border for border in POLICY.borders)]
    found = risk_level(health=health, previous=previous, policy=POLICY)
    if found is not plain:
        assert LEVELS.index(plain) == LEVELS.index(found) - 1 < LEVELS.index(previous)
        assert 0 <= health - POLICY.borders[LEVELS.index(plain)] < POLICY.clearance


@given(healths_=st.lists(healths, min_size=1), previous=levels)
def test_6_a_level_gets_worse_at_once_and_better_only_when_the_health_is_clear_of_the_border(
    healths_: list[Decimal], previous: RiskLevel
) -> None:
    for health in healths_:
        found = risk_level(health=health, previous=previous, policy=POLICY)
        plain = sum(health < border for border in POLICY.borders)
        if LEVELS.index(found) < LEVELS.index(previous):
            assert health >= POLICY.borders[LEVELS.index(found)] + POLICY.clearance
        else:
            assert LEVELS.index(found) == max(plain, LEVELS.index(previous)) or found is previous
        previous = found


@given(position=guarded(), previous=levels)
def test_7_an_action_is_due_once_when_the_level_gets_worse_and_nothing_is_done_in_advise_mode(
    position: GuardedPosition, previous: RiskLevel
) -> None:
    advised = guard_verdict(position=position, previous=previous, policy=POLICY)
    acted = guard_verdict(position=position, previous=previous, policy=replace(POLICY, mode=GuardMode.ACT))
    assert not advised.acts
    assert replace(advised, acts=acted.acts) == acted
    assert acted.acts is acted.due is (LEVELS.index(acted.level) > LEVELS.index(previous))
    assert not guard_verdict(position=position, previous=acted.level, policy=POLICY).due


@given(side=sides(), stop=units(1, 1000), gap=units(1, 1000), tick=ticks(), part=st.decimals("0", "0.99", places=2))
def test_8_a_tightened_stop_is_closer_than_the_working_one_at_most_half_the_way_to_the_price_and_never_triggers_at_once(
    side: Side, stop: Decimal, gap: Decimal, tick: Price, part: Decimal
) -> None:
    if side is Side.SHORT:
        stop += gap + 1
    working = stop * tick
    price = working + (gap + part) * tick if side is Side.LONG else working - (gap + part) * tick
    found = tightened_stop(side=side, price=price, stop_price=working, tick=tick)
    assert (found is None) is (gap < 2)
    if found is not None:
        assert found % tick == 0
        assert 0 < abs(found - working) <= abs(price - working) / 2
        assert working < found < price if side is Side.LONG else price < found < working


def test_the_worked_numbers_are_these() -> None:
    header, *rows = as_grid(WORKED)
    drawn = [header]
    for row in rows:
        price, best, age, ratio, spread = (Decimal(cell) for cell in row[:5])
        position = a_position(price=price, best=best, age_hours=age, ratio=ratio, spread_percent=spread)
        verdict = guard_verdict(position=position, previous=RiskLevel.LOW, policy=POLICY)
        scores = [*_all(verdict.scores), verdict.scores.health]
        cells = [
            f"{score.quantize(Decimal(places)).normalize():f}"
            for score, places in zip(scores, ["0.01"] * 5 + ["0.001"], strict=True)
        ]
        drawn.append([*row[:5], *cells, verdict.level])
    assert drawn == as_grid(WORKED)


def test_the_levels_by_health_and_by_the_level_before_are_this_grid() -> None:
    header, *rows = as_grid(LEVEL_GRID)
    drawn = [
        [health, *(risk_level(health=Decimal(health), previous=RiskLevel(each), policy=POLICY) for each in header[1:])]
        for health, *_ in rows
    ]
    assert [header, *drawn] == as_grid(LEVEL_GRID)


@pytest.mark.parametrize(
    ("level", "action"),
    [
        ("low", "watch"),
        ("medium", "tighten_stop"),
        ("high", "close_part"),
        ("critical", "close_all"),
        ("emergency", "exit_now"),
    ],
)
def test_each_level_has_its_action(level: str, action: str) -> None:
    assert ACTIONS[RiskLevel(level)] is GuardAction(action)


def test_the_weights_are_those_of_the_specification() -> None:
    nothing = GuardScores(
        pnl=Decimal(0), drawdown=Decimal(0), volatility=Decimal(0), age=Decimal(0), liquidity=Decimal(0)
    )
    weights = {"pnl": 30, "drawdown": 20, "volatility": 20, "age": 15, "liquidity": 15}
    for name, weight in weights.items():
        assert replace(nothing, **{name: Decimal(100)}).health == weight


@pytest.mark.parametrize(("bid", "ask"), [("0", "100"), ("99", "0"), (None, "100"), ("99", None)])
def test_a_book_with_one_side_only_says_nothing_of_liquidity(bid: str | None, ask: str | None) -> None:
    position = replace(
        a_position(), bid=None if bid is None else Decimal(bid), ask=None if ask is None else Decimal(ask)
    )
    assert guard_scores(position, POLICY).liquidity == 50


def test_there_is_no_tick_below_a_price_of_one_tick() -> None:
    one, half = Decimal(1), Decimal("0.5")
    assert tightened_stop(side=Side.LONG, price=one, stop_price=half, tick=one) is None
