"""Where signals come from: anything that gives raw ones, at their time.

**Owns** one source of signals and how far it has been read.
**Accepts** its own timer, Terminated of the signal actor, and SettingsChanged, which changes nothing here.
**Sends** SignalsArrived to the signal actor.
**On crash**, its own or the signal actor's, the source is read again from its beginning; the signal actor knows which
ones it has seen.
"""

from collections.abc import Sequence
from typing import Protocol, assert_never, runtime_checkable

from actors.kernel import Actor, Ref, Terminated
from messages.supervision import Due, RawSignal, SettingsChanged, SignalsArrived


class SignalFeed(Protocol):
    """A source that can be looked at without waiting."""

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        """What has come up to ``now_ms`` and was not given before, in order."""
        ...

    def next_ms(self, now_ms: int) -> int | None:
        """When to look again, UTC; ``None`` when nothing will ever come any more."""
        ...

    def rewind(self) -> None:
        """Start again from the beginning."""
        ...


@runtime_checkable
class ConnectedFeed(Protocol):
    """A source that is reached over a connection, which may be down."""

    def trouble(self) -> str:
        """Why nothing can come from it now; empty while it is connected."""
        ...


class SignalSourceActor(Actor):
    """Looks at its feed when something is due."""

    def __init__(self, *, feed: SignalFeed, signals: Ref) -> None:
        super().__init__()
        self._feed = feed
        self._signals = signals

    def on_start(self) -> None:
        self.context.watch(self._signals)
        self._feed.rewind()
        self._look()

    def on_receive(self, message: Due | SettingsChanged | Terminated) -> None:
        match message:
            case Due():
                self._look()
            case Terminated():
                self._feed.rewind()
                self._look()
            case SettingsChanged():
                pass
            case _:
                assert_never(message)

    def _look(self) -> None:
        now_ms = self.context.now_ms()
        arrived = tuple(self._feed.due(now_ms))
        if arrived:
            self._signals.tell(SignalsArrived(signals=arrived))
        next_ms = self._feed.next_ms(now_ms)
        if next_ms is not None:
            self.context.schedule_once("look", max(next_ms - now_ms, 1) / 1_000, Due(what="look"))
