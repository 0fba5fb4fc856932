"""The actor of the fuzz: does whatever an actor can do, at random, and tells the world."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from actors.kernel.actor import Actor
from actors.kernel.asks import Reply, send_ask
from actors.kernel.cell import Cell
from actors.kernel.faults import ActorUnavailable, AskRefused, AskTimeout, StaleEpoch, VirtualHang
from actors.kernel.fuzz_world import ROOMY, LawBrokenError, Life, Watching, World, incarnation_of
from actors.kernel.notices import Terminated
from actors.kernel.ref import cell_of
from actors.kernel.specs import Backoff, ChildSpec, Intensity, Restart
from messages.delivery import Conflation, Delivery, Lane, delivery_of

MAX_HOPS = 3
ASK_TIMEOUT_S = 2.0
BROOD_LIMIT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A numbered message; ``hops`` is how often it may still lead to others."""

    DELIVERY: ClassVar[Delivery] = Delivery()

    number: int
    hops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgent(Job):
    """In the control lane."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.CONTROL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarding(Job):
    """In the protective lane, and to be retried."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulky(Job):
    """In the bulk lane."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.BULK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again(Job):
    """To be retried."""

    DELIVERY: ClassVar[Delivery] = Delivery(idempotent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mortal(Job):
    """Only good for half a second."""

    DELIVERY: ClassVar[Delivery] = Delivery(ttl_s=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bomb(Job):
    """Crashes whoever handles it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison(Again):
    """The same, and to be retried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Job):
    """Merged while it waits; ``stands_for`` are the numbers it merged."""

    DELIVERY: ClassVar[Delivery] = Delivery(
        lane=Lane.BULK,
        conflation=Conflation(
            key=lambda tick: tick.hops,
            merge=lambda waiting, new: Tick(
                number=waiting.number, hops=waiting.hops, stands_for=(*waiting.stands_for, new.number)
            ),
        ),
    )

    stands_for: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang:
    """A timer's message."""

    epoch: int
    key: int
    generation: int
    repeats: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerNow:
    """A timer's message: give the deferred answer."""

    slot: int


KINDS: tuple[type[Job], ...] = (Job, Job, Job, Urgent, Guarding, Bulky, Again, Mortal, Tick)


@dataclass(slots=True)
class Question:
    """An ask that the world waits for."""

    number: int
    promise: Any
    target: Cell


@dataclass(slots=True)
class Timers:
    """What a life set and has not cancelled: generation by key, and when repeating ones rang."""

    live: dict[int, int] = field(default_factory=dict)
    rang_at_s: dict[int, tuple[float, int]] = field(default_factory=dict)
    generations: int = 0


class Society:
    """How the actors of one run find and tell each other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.questions: list[Question] = []

    def cells(self) -> list[Cell]:
        """All addresses there are, in a stable order."""
        system = self.world.system
        if system is None:
            return []
        return [cell_of(system.ref(path)) for path in system.paths()]

    def tell(self, life: tuple[str, int], hops: int, target: Cell | None = None) -> None:
        """Tell somebody something."""
        cells = self.cells()
        if not cells:
            return
        rng = self.world.rng
        cell = target or rng.choice(cells)
        cell.tell(self._job(rng.choice(KINDS), life, cell, hops))

    def flood(self, life: tuple[str, int], count: int) -> None:
        """Tell one address a lot, with something of little urgency among it."""
        cells = self.cells()
        if not cells:
            return
        cell = self.world.rng.choice(cells)
        cell.tell(self._job(Bulky, life, cell, 0))
        for _ in range(count):
            cell.tell(self._job(Urgent, life, cell, 0))

    def bombard(self, life: tuple[str, int]) -> None:
        """Crash several addresses at one instant, so that their plans overlap."""
        cells, rng = self.cells(), self.world.rng
        for cell in rng.sample(cells, k=min(len(cells), rng.randint(1, 4))):
            cell.tell(self._job(rng.choice((Bomb, Bomb, Poison)), life, cell, 0))

    def ask(self, life: tuple[str, int], timeout_s: float = ASK_TIMEOUT_S) -> None:
        """Ask somebody something, and do not wait for it."""
        cells = self.cells()
        if not cells:
            return
        cell = self.world.rng.choice(cells)
        kind = self.world.rng.choice((Job, Urgent, Again))
        job = self._job(kind, ("asks", len(self.questions)), cell, 1)
        deadline_s = cell.home.runtime.monotonic_s() + timeout_s
        self.questions.append(Question(job.number, send_ask(cell, job, deadline_s, None), cell))
        del life

    def _job(self, kind: type[Job], life: tuple[str, int], cell: Cell, hops: int) -> Job:
        delivery = kind.DELIVERY
        number = self.world.note_told(
            life,
            cell,
            delivery.lane,
            idempotent=delivery.idempotent,
            merges=delivery.conflation is not None,
        )
        return kind(number=number, hops=hops)


class Mischief(Exception):  # noqa: N818 - what the fuzz does, not an error of its own
    """The crash of a fuzzing actor."""


class FuzzActor(Actor):
    """At each message: maybe one of the things that actors do."""

    def __init__(self, society: Society) -> None:
        super().__init__()
        self._society = society
        self._world = society.world
        self._timers = Timers()
        self._handling = -1
        self._deferred: dict[int, tuple[Reply, int]] = {}
        self._deeds: tuple[tuple[float, Callable[[int], None]], ...] = (
            (0.30, self._tell_others),
            (0.05, self._crash),
            (0.02, self._exit),
            (0.02, self._hang),
            (0.05, self._set_timer),
            (0.04, self._cancel_timer),
            (0.04, self._spawn),
            (0.02, self._stop_somebody),
            (0.02, self._watch_somebody),
            (0.02, self._gate),
            (0.02, self._ask_and_wait),
            (0.02, self._ask),
        )

    def on_start(self) -> None:
        """Begin a life; sometimes fail to."""
        incarnation = incarnation_of(self)
        self._me = (self.context.path, self.context.epoch)
        self._life: Life = self._world.note_life(self.context.path, incarnation)
        chance = self._world.rng.random() / max(self._world.fury, 1e-9)
        if chance < 0.05:  # noqa: PLR2004 - how often a start fails
            self._raise(Mischief("does not start"))
        if chance < 0.06:  # noqa: PLR2004 - how often a start hangs
            self._raise(VirtualHang())
        if chance < 0.50:  # noqa: PLR2004 - how often it watches others from the start
            self._watch_somebody(0)
            self._watch_somebody(0)
        if chance < 0.10:  # noqa: PLR2004 - how often it tells somebody before it is up
            self._tell_others(1)
        self._life.started = True
        if incarnation.cell.spec.explicit_ready:
            if chance < 0.5:  # noqa: PLR2004 - how often it is ready at once
                self.context.ready()
            else:
                self.context.schedule_once("ready", 0.2, "be ready")

    def on_stop(self) -> None:
        """End a life; sometimes badly."""
        if self._life.incarnation.fenced:
            raise LawBrokenError("states", f"{self._me} is stopped after it was fenced")
        self._life.stopped = True
        self._world.stops.append(self.context.path)
        chance = self._world.rng.random() / max(self._world.fury, 1e-9)
        if chance < 0.05:  # noqa: PLR2004 - how often a stop fails
            self._world.crash_points += 1
            raise Mischief("does not stop well")
        if chance < 0.07:  # noqa: PLR2004 - how often a stop hangs
            self._world.crash_points += 1
            raise VirtualHang

    def on_receive(self, message: Any) -> Any:
        """Check the laws, then do something."""
        self._world.note_delivery(self.context.path, self._life)
        match message:
            case Job():
                return self._on_job(message)
            case Terminated():
                self._on_terminated(message)
            case Rang():
                self._on_rang(message)
            case AnswerNow():
                self._answer_now(message.slot)
            case "be ready":
                self.context.ready()
        return None

    def _on_job(self, job: Job) -> int:
        numbers = [job.number]
        self._handling = job.number
        self._world.note_start(job.number, self._life)
        if isinstance(job, Bomb | Poison) and self._world.fury:
            self._raise(Mischief("of somebody else's making"))
        if self._world.rng.random() < 0.1:  # noqa: PLR2004 - how often it takes more
            for further in self.context.take_more(3, (Job,)):
                assert isinstance(further, Job)  # noqa: S101 - asked for
                if delivery_of(further).lane is not delivery_of(job).lane:
                    raise LawBrokenError("fifo", "take_more crossed lanes")
                self._world.note_start(further.number, self._life)
                numbers.append(further.number)
        asked = incarnation_of(self).envelope
        answerable = asked is not None and asked.promise is not None
        roomy = self._life.incarnation.cell.mailbox.limit >= ROOMY  # else the reminder to answer may be dropped
        if answerable and roomy and self._world.rng.random() < 0.3:  # noqa: PLR2004 - how often it answers later
            self._defer(job.number)
        self._do_something(job.hops)
        if not self._life.incarnation.fenced:
            for number in numbers:
                self._world.told[number].done += 1
        return job.number

    def _on_terminated(self, notice: Terminated) -> None:
        for watching in self._world.watches:
            if watching.watcher is self._life and watching.target == notice.path:
                watching.heard.add(notice.epoch)

    def _on_rang(self, rang: Rang) -> None:
        now_s = self.context.monotonic_s()
        if rang.epoch != self.context.epoch:
            raise LawBrokenError("timers", f"a timer of epoch {rang.epoch} came to {self._me}")
        if self._timers.live.get(rang.key) != rang.generation:
            raise LawBrokenError("timers", f"a timer that was cancelled or replaced came to {self._me}: {rang}")
        if not rang.repeats:
            del self._timers.live[rang.key]
            return
        at_s, times = self._timers.rang_at_s.get(rang.generation, (now_s, 0))
        times = times + 1 if at_s == now_s else 1
        self._timers.rang_at_s[rang.generation] = (now_s, times)
        if times > 2:  # noqa: PLR2004 - one that waited, and one that is due just now
            raise LawBrokenError("timers", f"a repeating timer came {times} times at one instant to {self._me}")

    def _do_something(self, hops: int) -> None:
        dice = self._world.rng.random() / max(self._world.fury, 1e-9)
        for share, deed in self._deeds:
            if dice < share:
                deed(hops)
                return
            dice -= share

    def _tell_others(self, hops: int) -> None:
        if hops > 0:
            for _ in range(self._world.rng.randint(1, 2)):
                self._society.tell(self._me, hops - 1)

    def _crash(self, _hops: int) -> None:
        self._raise(Mischief(f"of kind {self._world.rng.randint(1, 3)}"))

    def _exit(self, _hops: int) -> None:
        self._raise(self._world.rng.choice((SystemExit(1), KeyboardInterrupt())))

    def _hang(self, _hops: int) -> None:
        self._life.crashed = None
        self._world.crash_points += 1
        resume_after_s = self._world.rng.choice((None, 0.5, 20.0))
        raise VirtualHang(resume_after_s=resume_after_s, then=self._on_waking, answer=self._handling)

    def _on_waking(self) -> None:
        fenced = self._life.incarnation.fenced
        self._society.tell(self._me, 0)
        for durable in (self.context.check_epoch, lambda: self.context.schedule_once("late", 0.0, "never")):
            try:
                durable()
            except StaleEpoch:
                continue
            if fenced:
                raise LawBrokenError("stale", f"{self._me} is fenced and may still act")
        if not fenced:
            self.context.cancel("late")

    def _set_timer(self, _hops: int) -> None:
        timers, rng = self._timers, self._world.rng
        timers.generations += 1
        key, delay_s, repeats = rng.randint(1, 3), rng.choice((0.0, 0.1, 1.0, 3.0)), rng.random() < 0.3  # noqa: PLR2004
        timers.live[key] = timers.generations
        rang = Rang(epoch=self.context.epoch, key=key, generation=timers.generations, repeats=repeats)
        if repeats:
            self.context.schedule_every(key, delay_s or 0.05, rang)
        else:
            self.context.schedule_once(key, delay_s, rang)

    def _cancel_timer(self, _hops: int) -> None:
        key = self._world.rng.randint(1, 3)
        self._timers.live.pop(key, None)
        self.context.cancel(key)

    def _spawn(self, _hops: int) -> None:
        if self.context.path.count("/") >= BROOD_LIMIT or len(self.context.children()) >= BROOD_LIMIT:
            return
        name = f"c{self._world.rng.randint(1, 3)}"
        try:
            self.context.spawn(spec_of(self._society, name))
        except ValueError:
            return  # the name is taken

    def _stop_somebody(self, _hops: int) -> None:
        children = sorted(self.context.children())
        if children and self._world.rng.random() < 0.5:  # noqa: PLR2004 - a child or oneself
            self.context.stop_child(self._world.rng.choice(children))
        else:
            self.context.stop()

    def _watch_somebody(self, _hops: int) -> None:
        cells = self._society.cells()
        target = self._world.rng.choice(cells)
        system = self._world.system
        if system is None or target.path == self.context.path:
            return
        self.context.watch(system.ref(target.path))
        self._world.watches.append(Watching(watcher=self._life, target=target.path, since=self._world.tick()))

    def _gate(self, _hops: int) -> None:
        self.context.set_available(self._world.rng.random() < 0.6)  # noqa: PLR2004 - rather available than not

    def _ask_and_wait(self, hops: int) -> None:
        cells = self._society.cells()
        target = self._world.rng.choice(cells)
        if hops < MAX_HOPS:
            return
        try:
            answer = self._world.system.ref(target.path).ask("hello", timeout_s=0.3)  # type: ignore[union-attr]
        except (AskTimeout, ActorUnavailable, StaleEpoch):
            return
        except AskRefused as refused:
            if refused.cycle[0] != refused.cycle[-1]:
                raise LawBrokenError("asks", f"refused without a cycle: {refused.cycle}") from refused
            return
        if target.path == self.context.path:
            raise LawBrokenError("asks", f"{self._me} asked itself and got {answer!r}")

    def _ask(self, _hops: int) -> None:
        self._society.ask(self._me)

    def _defer(self, number: int) -> None:
        slot = len(self._deferred)
        self._deferred[slot] = (self.context.defer_reply(), number)
        self.context.schedule_once(("answer", slot), self._world.rng.choice((0.0, 0.3)), AnswerNow(slot=slot))

    def _answer_now(self, slot: int) -> None:
        reply, number = self._deferred[slot]
        reply.send(number)

    def _raise(self, error: BaseException) -> None:
        self._world.note_crash(self._life)
        raise error


def spec_of(society: Society, name: str) -> ChildSpec:
    """A child with random policies."""
    rng = society.world.rng
    return ChildSpec(
        name=name,
        factory=lambda: FuzzActor(society),
        restart=rng.choice((Restart.PERMANENT, Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY)),
        backoff=Backoff(first_s=rng.choice((0.0, 0.05)), initial_s=0.05, cap_s=2.0, reset_after_s=5.0),
        intensity=Intensity(max_restarts=rng.choice((2, 5, 100)), within_s=10.0),
        on_exhausted=rng.choice(("escalate", "park", "park")),
        hang_timeout_s=3.0,
        explicit_ready=rng.random() < 0.1,  # noqa: PLR2004 - a few
        start_timeout_s=4.0,
        stop_timeout_s=2.0,
        requires=("a0",) if rng.random() < 0.2 else (),  # noqa: PLR2004 - a few
        mailbox_limit=rng.choice((5, 10_000, 10_000, 10_000)),
    )
