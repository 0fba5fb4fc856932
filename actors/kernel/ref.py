"""The address of an actor, as everybody else holds it."""

from typing import Any, NoReturn

import pykka

from actors.kernel.asks import DEFAULT_TIMEOUT_S, ask
from actors.kernel.cell import Cell


class Ref(pykka.ActorRef[Any]):
    """Bound to the cell, so it survives restarts; equal to any other ref to the same address."""

    def __init__(self, cell: Cell) -> None:
        # pykka's own __init__ wants a living actor; an address outlives many.
        self._cell = cell
        self.path = cell.path
        self.actor_urn = cell.path
        self.tell = cell.tell  # type: ignore[method-assign]  # the shortest way: one call less for each message

    def tell(self, message: object) -> None:
        """Send without waiting; never raises, never blocks; undeliverable messages become dead letters."""
        self._cell.tell(message)

    def ask(self, message: object, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Any:  # type: ignore[override]
        """Send and wait for the answer; for the shell, the command line and tests.

        Raises:
            AskTimeout: No answer in time.
            AskRefused: The answer would wait for the asker; carries the cycle.
            ActorUnavailable: The actor crashed or stopped before it answered.
        """
        return ask(self._cell, message, timeout_s)

    def is_alive(self) -> bool:
        """Whether messages are being handled there now."""
        incarnation = self._cell.incarnation
        return incarnation is not None and incarnation.open

    def stop(self, **_options: object) -> NoReturn:
        """Refuse: whoever supervises an actor stops it (``ActorSystem.stop_child``).

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"{self.path}: an actor is stopped by its system or by its own context, not by a ref")

    def proxy(self) -> NoReturn:
        """Refuse: actors are spoken to in messages.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"{self.path}: no proxies; tell or ask a message")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and other._cell is self._cell

    def __hash__(self) -> int:
        return id(self._cell)

    def __repr__(self) -> str:
        return f"<Ref {self.path}>"

    def __str__(self) -> str:
        return self.path


def cell_of(ref: Ref) -> Cell:
    """The cell behind a ref; for the kernel's own files."""
    return ref._cell  # noqa: SLF001 - the two are one thing in two files
