"""The pure decisions: who is affected, how long it waits, when it is enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel import Backoff, Intensity, Restart, Strategy
from actors.kernel.supervision import Verdict, affected, restart_delay_s, too_often, verdict

CHILDREN = ("journal", "exchange", "position", "monitor")


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy.ONE_FOR_ONE, ("exchange",)),
        (Strategy.REST_FOR_ONE, ("exchange", "position", "monitor")),
        (Strategy.ONE_FOR_ALL, CHILDREN),
    ],
)
def test_a_strategy_says_who_is_restarted_with_the_failed(strategy: Strategy, expected: tuple[str, ...]) -> None:
    assert affected(strategy=strategy, children=CHILDREN, failed="exchange") == expected


@given(st.sampled_from(Strategy), st.sampled_from(CHILDREN))
def test_1_the_failed_is_always_affected_and_nobody_before_it_under_rest_for_one(
    strategy: Strategy, failed: str
) -> None:
    chosen = affected(strategy=strategy, children=CHILDREN, failed=failed)
    assert failed in chosen
    if strategy is Strategy.REST_FOR_ONE:
        assert all(CHILDREN.index(name) >= CHILDREN.index(failed) for name in chosen)


@given(st.integers(0, 10_000), st.floats(-1, 1))
def test_2_a_delay_is_never_negative_and_never_above_its_cap_and_jitter(failures: int, jitter: float) -> None:
    backoff = Backoff()
    delay_s = restart_delay_s(backoff=backoff, failures=failures, jitter=jitter)
    assert 0 <= delay_s <= backoff.cap_s * (1 + backoff.jitter)


def test_the_first_restart_is_at_once_and_further_ones_wait_twice_as_long_each() -> None:
    backoff = Backoff(first_s=0.0, initial_s=0.1, factor=2, cap_s=0.5, jitter=0)
    delays = [restart_delay_s(backoff=backoff, failures=failures, jitter=1.0) for failures in range(1, 6)]
    assert delays == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.5])


@given(st.integers(1, 20), st.integers(1, 5))
def test_3_exactly_max_restarts_are_tolerated_for_each_child(max_restarts: int, children: int) -> None:
    intensity = Intensity(max_restarts=max_restarts, within_s=60)
    tolerated = [100.0] * (max_restarts * children)
    assert not too_often(failures_s=tolerated, now_s=100.0, intensity=intensity, children=children)
    assert too_often(failures_s=[*tolerated, 100.0], now_s=100.0, intensity=intensity, children=children)


def test_failures_before_the_window_do_not_count() -> None:
    intensity = Intensity(max_restarts=1, within_s=60)
    assert not too_often(failures_s=[0.0, 10.0, 100.0], now_s=100.0, intensity=intensity)


@pytest.mark.parametrize(
    ("restart", "crashed", "expected"),
    [
        (Restart.PERMANENT, True, Verdict.RESTART),
        (Restart.PERMANENT, False, Verdict.RESTART),
        (Restart.TRANSIENT, True, Verdict.RESTART),
        (Restart.TRANSIENT, False, Verdict.REMOVE),
        (Restart.TEMPORARY, True, Verdict.REMOVE),
        (Restart.TEMPORARY, False, Verdict.REMOVE),
    ],
)
def test_a_restart_type_says_who_comes_back(restart: Restart, crashed: bool, expected: Verdict) -> None:  # noqa: FBT001
    decided = verdict(restart=restart, crashed=crashed, exhausted=False, group_exhausted=False, on_exhausted="escalate")
    assert decided is expected


def test_an_exhausted_child_parks_where_its_spec_says_so_and_escalates_otherwise() -> None:
    def decide(**given_: bool) -> list[Verdict]:
        return [
            verdict(restart=Restart.PERMANENT, crashed=True, on_exhausted=on_exhausted, **given_)
            for on_exhausted in ("park", "escalate")
        ]

    assert decide(exhausted=True, group_exhausted=False) == [Verdict.PARK, Verdict.ESCALATE]
    assert decide(exhausted=False, group_exhausted=True) == [Verdict.ESCALATE, Verdict.ESCALATE]
