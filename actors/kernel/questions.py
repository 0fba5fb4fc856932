"""What the kernel asks an actor itself, between two of its messages: for its state, or to fail on purpose."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from messages.delivery import Delivery, Lane

if TYPE_CHECKING:
    from actors.kernel.actor import Actor


class CrashedOnPurpose(Exception):  # noqa: N818 - what it says is what happened, not an error of ours
    """An operator asked an actor to crash."""


class Question:
    """Answered by the turn, not by ``on_receive``; only ever asked, never told."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.CONTROL)

    def put_to(self, actor: "Actor") -> object:
        """The answer, on the actor's own turn."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class DescribeState(Question):
    """What the actor shows of its state, as of between two messages."""

    def put_to(self, actor: "Actor") -> object:
        """What :meth:`Actor.describe` gives."""
        return actor.describe()


@dataclass(frozen=True, slots=True)
class CrashNow(Question):
    """Fail, to see that the supervision works."""

    why: str

    def put_to(self, actor: "Actor") -> object:
        """Nothing: it raises.

        Raises:
            CrashedOnPurpose: Always.
        """
        raise CrashedOnPurpose(f"{actor.context.path} crashes because an operator asked for it: {self.why}")
