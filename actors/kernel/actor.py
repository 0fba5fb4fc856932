"""The actor that others subclass: pykka's, on the three hooks that it has for implementors of actor types."""

from collections.abc import Mapping
from typing import Any, NoReturn

import pykka

from actors.kernel.context import Context


class NoInbox:
    """What pykka asks for and nobody uses: messages wait in the cell, which outlives the actor."""

    def put(self, _envelope: object, /) -> NoReturn:
        """Refuse.

        Raises:
            pykka.ActorDeadError: Always.
        """
        raise pykka.ActorDeadError("tell the actor's address: context.self_ref, or the ref from its system")

    def get(self) -> NoReturn:
        """Refuse, as ``put``.

        Raises:
            pykka.ActorDeadError: Always.
        """
        raise pykka.ActorDeadError("messages wait in the cell")

    def empty(self) -> bool:
        """Nothing ever waits here."""
        return True


_NO_INBOX = NoInbox()


class Actor(pykka.Actor):
    """One incarnation: made by its factory, given a context, started, told messages, stopped or replaced."""

    context: Context

    @classmethod
    def start(cls, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse: an actor without a supervisor has nobody to restart it.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"{cls.__name__} is started by an ActorSystem from a ChildSpec, not by itself")

    @staticmethod
    def _create_actor_inbox() -> NoInbox:
        return _NO_INBOX

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return pykka.ThreadingFuture()

    def _start_actor_loop(self) -> None:
        self.on_start()  # the loop itself belongs to the cell's turn, which calls this

    def on_start(self) -> None:
        """Restore what this actor needs; raising is a failed start."""

    def on_receive(self, message: Any) -> Any:
        """Handle one message; what it returns answers an ask."""
        raise NotImplementedError(f"{type(self).__name__} does not handle {type(message).__name__}")

    def describe(self) -> Mapping[str, object]:
        """What the shell may see of its state: small, of plain values, and never a secret."""
        return {}

    def on_stop(self) -> None:
        """Called when stopped in order or replaced, not after a crash."""

    def stop(self) -> None:
        """Stop in order, after the message in flight."""
        self.context.stop()
