"""One incarnation's turns: start, deliver a message, stop. The only place that runs an actor's code."""

import traceback
from contextlib import suppress

from actors.kernel.actor import Actor
from actors.kernel.cell import Cell, Incarnation, Order
from actors.kernel.context import Context
from actors.kernel.crash import CrashRecord, innermost
from actors.kernel.faults import ProcessKilled, VirtualHang
from actors.kernel.mailbox import Envelope
from actors.kernel.ports import KernelPort
from actors.kernel.questions import Question
from actors.kernel.runtime import Runtime
from actors.kernel.specs import Dispatcher
from actors.kernel.tracing import Handled, Tracer

TRACEBACK_FRAMES = 30


class Turn:
    """Does one unit of work at a time for as long as its incarnation is the current one."""

    __slots__ = ("_cell", "_clock", "_current", "_incarnation", "_kernel", "_runtime", "label", "pinned")

    def __init__(self, cell: Cell, incarnation: Incarnation, kernel: KernelPort, runtime: Runtime) -> None:
        self._cell = cell
        self._incarnation = incarnation
        self._kernel = kernel
        self._runtime = runtime
        self._current = runtime.current()
        self._clock = runtime.clock()
        self.pinned = cell.spec.dispatcher is Dispatcher.PINNED
        self.label = cell.path

    def step(self) -> bool:
        """Obey an order, or deliver the next message; True when there may be more to do."""
        cell, incarnation = self._cell, self._incarnation
        envelope: Envelope | None = None
        dead: list[tuple[Envelope, str]] | None = None
        with cell.lock:
            if cell.incarnation is not incarnation:
                return False
            order, incarnation.order = incarnation.order, None
            if order is None:
                while incarnation.open and not cell.holds:
                    envelope = cell.mailbox.pop()
                    if envelope is None:
                        break
                    special = envelope.timer or envelope.promise or envelope.delivery.ttl_s
                    reason = None if special is None else cell.unfit(envelope, incarnation)
                    if reason is None:
                        incarnation.slot = [envelope]
                        incarnation.envelope = envelope
                        incarnation.flight += 1
                        incarnation.flight_began_s = self._clock()
                        break
                    if reason:
                        dead = dead or []
                        dead.append((envelope, reason))
                    envelope = None
                if envelope is None:
                    incarnation.scheduled = False
        if dead is not None:
            for letter, why in dead:
                cell.bury([letter], why)
        if envelope is not None:
            return self._deliver(envelope)
        if order is Order.START:
            return self._start()
        if order is Order.STOP:
            self._stop()
        return False

    def finished(self) -> bool:
        """Whether its incarnation was replaced or ended."""
        return self._cell.incarnation is not self._incarnation

    def _deliver(self, envelope: Envelope) -> bool:
        incarnation, current = self._incarnation, self._current
        before, current.incarnation = current.incarnation, incarnation
        tracer = self._cell.tracer
        outcome = "crashed"
        try:
            actor, message = incarnation.actor, envelope.message
            assert actor is not None  # noqa: S101 - it is open only with an actor
            if envelope.promise is not None and isinstance(message, Question):
                answer = message.put_to(actor)
            else:
                answer = actor.on_receive(message)
            outcome = "handled"
        except ProcessKilled:
            raise
        except VirtualHang as hang:
            self._hang(hang, envelope)
            return False
        except BaseException as error:  # noqa: BLE001 - whatever leaves an actor is a crash of that actor only
            self._crash(error, "receive", envelope)
            return False
        finally:
            current.incarnation = before
            if tracer is not None:
                self._trace(tracer, envelope, outcome)
        return self._settle(envelope, answer)

    def _trace(self, tracer: Tracer, envelope: Envelope, outcome: str) -> None:
        began_s = self._incarnation.flight_began_s
        handled = Handled(
            path=self._cell.path,
            at_ms=self._runtime.now_ms(),
            message=envelope.message,
            sender=envelope.sender.path if envelope.sender is not None else None,
            waited_s=began_s - envelope.told_at,
            took_s=self._clock() - began_s,
            outcome=outcome,
        )
        with suppress(Exception):
            tracer(handled)

    def _settle(self, envelope: Envelope, answer: object) -> bool:
        cell, incarnation = self._cell, self._incarnation
        with cell.lock:
            slot = incarnation.slot
            if slot is None or cell.incarnation is not incarnation:
                return False  # the kernel took it: this incarnation was given up meanwhile
            incarnation.slot = None
            incarnation.envelope = None
            for settled in slot:
                cell.handled += settled.weight
            if incarnation.stopping_itself:
                incarnation.open = False
            more = incarnation.order is not None or (incarnation.open and cell.mailbox.depth > 0 and not cell.holds)
            if not more:
                incarnation.scheduled = False
        promise = envelope.promise
        if promise is not None and (incarnation.deferred is None or promise not in incarnation.deferred):
            promise.send(answer)
        if envelope.timer is not None or len(slot) > 1:
            for settled in slot:
                if settled.timer is not None:
                    settled.timer.settled()
        if incarnation.stopping_itself:
            self._runtime.decide(self._kernel.wants_to_stop, cell, incarnation)
        return more

    def _start(self) -> bool:
        cell, incarnation, current = self._cell, self._incarnation, self._current
        before, current.incarnation = current.incarnation, incarnation
        try:
            actor = cell.spec.factory()
            incarnation.actor = _checked(actor, cell.path)
            incarnation.actor.context = Context(cell, incarnation, self._kernel)
            incarnation.actor._start_actor_loop()  # noqa: SLF001 - pykka's hook for implementors of actor types, which this is
        except ProcessKilled:
            raise
        except VirtualHang as hang:
            self._hang(hang, None)
            return False
        except BaseException as error:  # noqa: BLE001 - a failed start is a crash like any other
            self._crash(error, "start", None)
            return False
        finally:
            current.incarnation = before
        with cell.lock:
            if cell.incarnation is not incarnation:
                return False
            incarnation.open = incarnation.order is None and not incarnation.stopping_itself
        self._runtime.decide(self._kernel.started, cell, incarnation)
        if incarnation.stopping_itself:
            self._runtime.decide(self._kernel.wants_to_stop, cell, incarnation)
        return True

    def _stop(self) -> None:
        cell, incarnation, current = self._cell, self._incarnation, self._current
        before, current.incarnation = current.incarnation, incarnation
        try:
            if incarnation.actor is not None:
                incarnation.actor.on_stop()
        except ProcessKilled:
            raise
        except VirtualHang as hang:
            self._hang(hang, None)
            return
        except BaseException as error:  # noqa: BLE001 - it stops all the same, and the crash is on record
            self._crash(error, "stop", None)
            return
        finally:
            current.incarnation = before
        _, was_current = cell.end(incarnation)
        if was_current:
            self._runtime.decide(self._kernel.stopped, cell, incarnation)

    def _crash(self, error: BaseException, phase: str, envelope: Envelope | None) -> None:
        cell, incarnation = self._cell, self._incarnation
        incarnation.envelope = None
        slot, was_current = cell.end(incarnation)
        if not was_current:
            return  # it was given up before: its crash changes nothing
        record = CrashRecord(
            at_ms=self._runtime.now_ms(),
            epoch=incarnation.epoch,
            error=_described(error),
            fingerprint=f"{type(error).__name__}@{innermost(error.__traceback__)}",
            phase=phase,
            message=type(envelope.message).__name__ if envelope is not None else None,
            attempts=envelope.attempts + 1 if envelope is not None else 0,
            uptime_s=self._runtime.monotonic_s() - incarnation.began_s,
            traceback="".join(traceback.format_exception(error, limit=-TRACEBACK_FRAMES)),
        )
        cell.settle_after_crash(slot, "crashed", record.traceback)
        self._runtime.decide(self._kernel.crashed, cell, incarnation, record)

    def _hang(self, hang: VirtualHang, envelope: Envelope | None) -> None:
        """Leave everything as it is: the turn has not returned. Maybe it wakes up later."""
        self._runtime.watch_for_hangs()
        if hang.resume_after_s is None:
            return

        def wake_up() -> None:
            current = self._current
            before, current.incarnation = current.incarnation, self._incarnation
            try:
                if hang.then is not None:
                    hang.then()
            finally:
                current.incarnation = before
            if envelope is not None and self._settle(envelope, hang.answer):
                self._runtime.schedule(self)

        self._runtime.call_later(hang.resume_after_s, wake_up)


def _checked(actor: object, path: str) -> Actor:
    if not isinstance(actor, Actor):
        raise TypeError(f"the factory of {path} gave a {type(actor).__name__}, not an actors.kernel.Actor")
    return actor


def _described(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an exception whose own text fails is still a crash to be reported
        return type(error).__name__
