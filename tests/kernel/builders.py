"""Systems under test, and actors that do what a test tells them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from actors.kernel import (
    Actor,
    ActorCrashed,
    ActorSystem,
    Backoff,
    ChildSpec,
    Context,
    GroupSpec,
    Intensity,
    Notice,
    Parts,
    Ref,
    Strategy,
    Terminated,
    VirtualRuntime,
    VirtualTime,
)
from messages.delivery import Conflation, Delivery, Lane

START_MS = 1_700_000_000_000
WAIT_S = 10.0
"""How long a test waits at most for something that happens at once on an idle machine."""

Script = Callable[["Scripted", Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """Run ``deed`` inside the actor, as its handling of this message; the answer is what it returns."""

    deed: Script


@dataclass(frozen=True, slots=True, kw_only=True)
class DoAgain(Do):
    """The same, and handled again after a crash."""

    DELIVERY: ClassVar[Delivery] = Delivery(idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Never stale, and served before everything normal."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Stale after a second."""

    DELIVERY: ClassVar[Delivery] = Delivery(ttl_s=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Of no urgency."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.BULK)

    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Conflated by symbol: keeps the last, the highest and the lowest."""

    DELIVERY: ClassVar[Delivery] = Delivery(
        lane=Lane.BULK,
        conflation=Conflation(
            key=lambda price: price.symbol,
            merge=lambda waiting, new: Price(
                symbol=new.symbol, last=new.last, high=max(waiting.high, new.high), low=min(waiting.low, new.low)
            ),
        ),
    )

    symbol: str
    last: int
    high: int
    low: int


def price(last: int, symbol: str = "BTCUSDT") -> Price:
    return Price(symbol=symbol, last=last, high=last, low=last)


@dataclass
class Diary:
    """What the actors of a test did, in the order they did it: (path, epoch, what)."""

    entries: list[tuple[str, int, Any]] = field(default_factory=list)

    def write(self, context: Context, what: Any) -> None:
        self.entries.append((context.path, context.epoch, what))

    def of(self, path: str) -> list[Any]:
        return [what for written, _, what in self.entries if written == path]

    def handled(self, path: str) -> list[Any]:
        return [what for what in self.of(path) if what not in ("start", "stop")]

    def order(self, what: str) -> list[str]:
        return [path for path, _, written in self.entries if written == what]


class Scripted(Actor):
    """Writes down what happens to it, and does what ``Do`` says."""

    def __init__(self, diary: Diary, on_start: Callable[["Scripted"], None] | None = None) -> None:
        super().__init__()
        self.diary = diary
        self._begin = on_start
        self.notes: dict[str, Any] = {}

    def on_start(self) -> None:
        self.diary.write(self.context, "start")
        if self._begin is not None:
            self._begin(self)

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Do):
            return message.deed(self, message)
        self.diary.write(self.context, message)
        return message

    def describe(self) -> dict[str, object]:
        return dict(self.notes)

    def on_stop(self) -> None:
        self.diary.write(self.context, "stop")


class Planned(Exception):  # noqa: N818 - not an error: the test wants it
    """A crash that a test asks for."""


def crash(actor: Scripted, message: Any) -> None:
    actor.diary.write(actor.context, "crash")
    raise Planned(type(message).__name__)


CRASH = Do(deed=crash)
CRASH_AGAIN = DoAgain(deed=crash)


def exit_(_actor: Scripted, _message: Any) -> None:
    raise SystemExit(3)


@dataclass
class Watched:
    """Collects what a subscriber or watcher is told."""

    notices: list[Notice] = field(default_factory=list)

    def __call__(self, notice: Notice) -> None:
        self.notices.append(notice)

    def of(self, kind: type[Notice]) -> list[Any]:
        return [notice for notice in self.notices if isinstance(notice, kind)]


class Bench:
    """A virtual clock, a diary, and systems that end with the test."""

    def __init__(self, seed: int = 1) -> None:
        self.time = VirtualTime(start_ms=START_MS, seed=seed)
        self.diary = Diary()
        self.notices = Watched()
        self.systems: list[ActorSystem] = []

    def child(self, name: str, *, on_start: Callable[[Scripted], None] | None = None, **policy: Any) -> ChildSpec:
        return ChildSpec(name=name, factory=lambda: Scripted(self.diary, on_start), **policy)

    def start(
        self,
        *children: ChildSpec | GroupSpec,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: Intensity | None = None,
        parts: Parts | None = None,
    ) -> ActorSystem:
        system = ActorSystem(runtime=VirtualRuntime(self.time), parts=parts)
        self.adopt(system)
        root = GroupSpec(name="root", strategy=strategy, children=children, intensity=intensity or Intensity())
        system.start(root, timeout_s=WAIT_S)
        return system

    def adopt(self, system: ActorSystem) -> None:
        self.systems.append(system)
        system.subscribe(self.notices)

    def settle(self) -> None:
        """Do everything that can be done at this instant."""
        self.time.run_for(0.0)

    def crashes(self) -> list[ActorCrashed]:
        return self.notices.of(ActorCrashed)


def group(name: str, *children: ChildSpec | GroupSpec, strategy: Strategy = Strategy.ONE_FOR_ONE) -> GroupSpec:
    return GroupSpec(name=name, strategy=strategy, children=children)


def watch(target: Ref) -> Do:
    return Do(deed=lambda actor, _: actor.context.watch(target))


def terminated(diary: Diary, path: str) -> list[Terminated]:
    return [what for what in diary.of(path) if isinstance(what, Terminated)]


STEADY = Backoff(first_s=1.0, initial_s=1.0, factor=2.0, jitter=0.0, cap_s=8.0)
