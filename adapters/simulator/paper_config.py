"""How the paper exchange is set up, and what it needs of whoever runs it: a clock and a way to be called later."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from adapters.simulator.noise import unit_noise
from adapters.simulator.state import ExchangeConfig


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Make it not happen; harmless when it has happened."""
        ...


class Scheduler(Protocol):
    """Calls back later, always on the same thread; calls of one instant in the order of their asking."""

    def call_later(self, delay_s: float, call: Callable[[], None], /) -> Timer:
        """Run ``call`` in ``delay_s`` seconds; may be asked from any thread."""
        ...


class Clock(Protocol):
    """The time, real or virtual."""

    def now_ms(self) -> int:
        """UTC in milliseconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A delay between two bounds, in milliseconds, drawn evenly by seed."""

    min_ms: float = 0.0
    max_ms: float = 0.0

    def draw_s(self, *parts: int) -> float:
        """The delay in seconds that belongs to ``parts``."""
        if self.max_ms <= self.min_ms:
            return self.min_ms / 1000
        return (self.min_ms + (self.max_ms - self.min_ms) * unit_noise(*parts)) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperConfig:
    """The paper exchange's settings.

    Attributes:
        request_delay: From the client to the venue; ``answer_delay`` back.
        event_delay: From the venue to the client's stream. Shorter than ``answer_delay``: events come before answers.
        connect_delay: Until a stream is up.
        seed: Decides the delays.
        receive_window_ms: How wrong a client's idea of the venue's clock may be.
        commit_every: Changes per commit; 1 is what a real exchange does, more is for fast virtual runs.
        catch_up_points: How finely a restart walks through the time it missed, in points a symbol at most.
    """

    exchange: ExchangeConfig = field(default_factory=ExchangeConfig)
    request_delay: Delay = Delay(min_ms=1, max_ms=4)
    answer_delay: Delay = Delay(min_ms=1, max_ms=4)
    event_delay: Delay = Delay(min_ms=1, max_ms=4)
    connect_delay: Delay = Delay(min_ms=5, max_ms=20)
    seed: int = 0
    receive_window_ms: int = 1_000
    commit_every: int = 1
    catch_up_points: int = 2_000
