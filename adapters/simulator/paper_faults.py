"""Faults that come at their time: the clock runs wrong, prices jump, streams break, trading is suspended."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from adapters.simulator.fault_script import FaultAction, FaultRule
from adapters.simulator.paper_config import Scheduler
from messages.values import Symbol

_ONCE = frozenset({FaultAction.PRICE_GAP, FaultAction.STREAM_DROP})


class Stage(Protocol):
    """What timed faults do to an exchange."""

    def skew_clock(self, offset_ms: int) -> None:
        """Set the venue's clock ``offset_ms`` ahead."""
        ...

    def drop_streams(self, for_s: float) -> None:
        """Break every stream."""
        ...

    def gap(self, symbol: Symbol, percent: Decimal) -> None:
        """Let a price jump."""
        ...

    def offset_mark(self, symbol: Symbol, percent: Decimal) -> None:
        """Keep the mark price away from the last price."""
        ...

    def suspend(self, symbol: Symbol, *, trading: bool = False) -> None:
        """Suspend or resume trading."""
        ...


def schedule_faults(
    rules: tuple[FaultRule, ...],
    stage: Stage,
    scheduler: Scheduler,
    *,
    since_s: float,
    resumed: bool,
    running: Callable[[], bool],
) -> None:
    """Have each rule begin and end at its time; ``since_s`` is how long the exchange has existed.

    After a restart (``resumed``) what happened once is not repeated; what lasts is taken up again.
    """
    for rule in rules:
        over = rule.until_s is not None and since_s >= rule.until_s
        if over or (resumed and rule.action in _ONCE and since_s > rule.from_s):
            continue
        scheduler.call_later(max(0.0, rule.from_s - since_s), _turning(rule, stage, running, on=True))
        if rule.until_s is not None:
            scheduler.call_later(rule.until_s - since_s, _turning(rule, stage, running, on=False))


def _turning(rule: FaultRule, stage: Stage, running: Callable[[], bool], *, on: bool) -> Callable[[], None]:
    def turn() -> None:
        if not running():
            return
        if rule.action is FaultAction.CLOCK_SKEW:
            stage.skew_clock(rule.offset_ms if on else 0)
        elif rule.action is FaultAction.STREAM_DROP and on:
            stage.drop_streams(rule.for_s)
        for symbol in rule.symbols:
            if rule.action is FaultAction.PRICE_GAP and on:
                stage.gap(symbol, rule.percent)
            elif rule.action is FaultAction.MARK_OFFSET:
                stage.offset_mark(symbol, rule.percent if on else Decimal(0))
            elif rule.action is FaultAction.SUSPEND:
                stage.suspend(symbol, trading=not on)

    return turn
