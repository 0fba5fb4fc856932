"""What can go wrong between actors, as exceptions."""

from collections.abc import Callable, Sequence


class KernelError(Exception):
    """Whatever the kernel raises on purpose."""


class AskTimeout(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """No answer came within the time that the asker gave, or that was left of the deadline it works under."""


class AskRefused(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """The ask would wait for itself.

    Attributes:
        cycle: The paths that would wait for each other, the asker first and last.
    """

    def __init__(self, cycle: Sequence[str]) -> None:
        super().__init__("this ask would wait for itself: " + " -> ".join(cycle))
        self.cycle = tuple(cycle)


class ActorUnavailable(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """The asked actor crashed, stopped or dropped the message before it answered."""


class StaleEpoch(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """This incarnation was replaced: nothing it does may take effect any more."""


class StartTimedOut(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """The actor was not ready within its ``start_timeout_s``."""


class StopTimedOut(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """The actor did not finish stopping within its ``stop_timeout_s`` and was abandoned."""


class Hung(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """One message stayed in flight for longer than ``hang_timeout_s``, counted in kernel scans."""


class Abandoned(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """An operator gave this incarnation up."""


class NotReady(KernelError):  # noqa: N818 - says what happened, as the shell shows it
    """The tree was not up in time."""


class ProcessKilled(BaseException):
    """Raised by a test harness after ``ActorSystem.kill()``: goes through to whoever drives the virtual loop."""


class VirtualHang(BaseException):
    """Raised inside an actor under virtual time: this turn does not return, as if a call inside it never did.

    Args:
        resume_after_s: Virtual seconds after which the stuck thread wakes up after all; ``None`` never.
        then: What the woken thread does next, in the name of its old incarnation.
        answer: What its turn returns after that.
    """

    def __init__(
        self,
        *,
        resume_after_s: float | None = None,
        then: Callable[[], None] | None = None,
        answer: object = None,
    ) -> None:
        super().__init__("hangs in virtual time")
        self.resume_after_s = resume_after_s
        self.then = then
        self.answer = answer
