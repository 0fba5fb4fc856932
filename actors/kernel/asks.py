"""Asks: a promise with a deadline that travels, and the refusal of asks that would wait for themselves."""

import threading
from typing import Any

from actors.kernel.cell import Cell, Incarnation
from actors.kernel.faults import AskRefused, AskTimeout, StaleEpoch
from actors.kernel.runtime import Gate, Runtime

DEFAULT_TIMEOUT_S = 5.0

_waits = threading.Lock()
"""Held while an ask is checked against those that already wait, so that two halves of a cycle cannot both pass."""


class Promise:
    """The asker's end: answered once, by the first who does."""

    __slots__ = ("_right", "deadline_s", "error", "gate", "value")

    def __init__(self, gate: Gate, deadline_s: float) -> None:
        self.gate = gate
        self.deadline_s = deadline_s
        self.value: Any = None
        self.error: BaseException | None = None
        self._right = [True]

    def send(self, value: object) -> bool:
        """Answer; False when it was answered before."""
        if not self._won():
            return False
        self.value = value
        self.gate.open()
        return True

    def fail(self, error: BaseException) -> bool:
        """Answer with an error; False when it was answered before."""
        if not self._won():
            return False
        self.error = error
        self.gate.open()
        return True

    def result(self) -> Any:
        """The answer, or its error raised."""
        if self.error is not None:
            raise self.error
        return self.value

    def _won(self) -> bool:
        try:
            self._right.pop()  # atomic: one caller gets it
        except IndexError:
            return False
        return True


class Reply:
    """An answer that an actor gives later; dropped at a crash, when the asker gets ``ActorUnavailable``."""

    __slots__ = ("_incarnation", "_promise")

    def __init__(self, incarnation: Incarnation, promise: Any) -> None:
        self._incarnation = incarnation
        self._promise = promise

    def send(self, value: object) -> None:
        """Answer the asker; without effect when nobody asked, or when it was answered before."""
        if self._promise is not None:
            self._promise.send(value)
            self._forget()

    def fail(self, error: BaseException) -> None:
        """Raise ``error`` at the asker."""
        if self._promise is not None:
            self._promise.fail(error)
            self._forget()

    def _forget(self) -> None:
        deferred = self._incarnation.deferred
        if deferred is not None:
            deferred.pop(self._promise, None)


def ask(cell: Cell, message: object, timeout_s: float) -> Any:
    """Tell ``message`` and wait for the answer.

    Raises:
        AskTimeout: No answer within ``timeout_s``, or within the deadline of the ask that the asker is handling.
        AskRefused: The target waits, directly or through others, for the asker.
        ActorUnavailable: The target dropped the message.
        StaleEpoch: The asker was replaced.
    """
    runtime = cell.home.runtime
    asker: Incarnation | None = runtime.current().incarnation
    now_s = runtime.monotonic_s()
    deadline_s = now_s + timeout_s
    if asker is None:
        promise = send_ask(cell, message, deadline_s, None)
        answered = runtime.wait(promise.gate, timeout_s)
    else:
        handling = asker.envelope.promise if asker.envelope is not None else None
        if handling is not None:
            deadline_s = min(deadline_s, handling.deadline_s)
        _begin_waiting(asker, cell)
        try:
            promise = send_ask(cell, message, deadline_s, asker.cell)
            answered = _wait_inside(runtime, promise.gate, deadline_s - now_s, asker)
        finally:
            asker.asking = None
        if asker.fenced:
            raise StaleEpoch(f"{asker.cell.path} epoch {asker.epoch} was replaced while it asked {cell.path}")
    if not answered and promise.fail(AskTimeout(f"{cell.path} did not answer within {deadline_s - now_s:.3f} s")):
        pass
    return promise.result()


def send_ask(cell: Cell, message: object, deadline_s: float, sender: Cell | None) -> Promise:
    """Post an ask and give back its promise, without waiting."""
    promise = Promise(cell.home.runtime.gate(), deadline_s)
    cell.post(message, sender, promise)
    return promise


def _wait_inside(runtime: Runtime, gate: Gate, timeout_s: float, asker: Incarnation) -> bool:
    current = runtime.current()
    current.incarnation = None
    try:
        return runtime.wait(gate, max(timeout_s, 0.0))
    finally:
        current.incarnation = asker


def _begin_waiting(asker: Incarnation, target: Cell) -> None:
    if asker.fenced:
        raise StaleEpoch(f"{asker.cell.path} epoch {asker.epoch} was replaced")
    with _waits:
        path = [asker.cell.path]
        cell: Cell | None = target
        while cell is not None:
            path.append(cell.path)
            if cell is asker.cell:
                raise AskRefused(path)
            waiting = cell.incarnation
            cell = waiting.asking if waiting is not None else None
        asker.asking = target
