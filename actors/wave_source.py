"""A source that is asked when a wave is due (S2.3).

**Owns** one source of signals that come in waves, and when it is to be looked at.
**Accepts** WaveFound (from the signal actor), Terminated of that one, SettingsChanged, and its own timers.
**Sends** SignalsArrived to the signal actor, while a wave is checked; ConnectionSeen to the connection monitor, where
the source is reached over a connection.
**On crash**, its own or the signal actor's, the source is read again from its beginning; the signal actor knows which
signals it has seen.
"""

from typing import Final, Protocol, assert_never, runtime_checkable

from actors import addresses
from actors.kernel import Actor, Ref, Terminated
from actors.signal_source import ConnectedFeed, SignalFeed
from actors.signals import WavePolicy
from messages.connections import ConnectionSeen
from messages.supervision import Due, SettingsChanged, SignalsArrived, WaveFound
from rules.waves import CheckTimes, check_at

ASK_AGAIN_S: Final = 5.0
CONNECTION_EVERY_S: Final = 5.0


@runtime_checkable
class WaveFeed(SignalFeed, Protocol):
    """A source whose signals are taken wave by wave; between two checks it keeps what comes."""

    def ask(self) -> None:
        """Have it send what it has; the answer comes by ``due``. Never blocks."""
        ...


class WaveSourceActor(Actor):
    """Asks its feed at the minutes of a check, again until the wave is found, and passes on what comes meanwhile."""

    def __init__(self, *, feed: WaveFeed, signals: Ref, connections: Ref, times: CheckTimes) -> None:
        super().__init__()
        self._feed = feed
        self._signals = signals
        self._connections = connections
        self._times = times
        self._found_ms: int | None = None

    def on_start(self) -> None:
        self.context.watch(self._signals)
        self._begin()
        if isinstance(self._feed, ConnectedFeed):
            self._look_at_connection(self._feed)
            self.context.schedule_every("connection", CONNECTION_EVERY_S, Due(what="connection"))

    def on_receive(self, message: Due | WaveFound | SettingsChanged | Terminated) -> None:
        match message:
            case WaveFound(wave_ms=wave_ms):
                self._found_ms = wave_ms
            case Terminated():
                self._found_ms = None
                self._begin()
            case SettingsChanged(settings=settings):
                self._times = WavePolicy.of(settings).times
                self._look()
                self._ask()
            case Due(what="ask"):
                self._ask()
            case Due(what="connection"):
                if isinstance(self._feed, ConnectedFeed):
                    self._look_at_connection(self._feed)
            case Due():
                self._look()
            case _:
                assert_never(message)

    def _begin(self) -> None:
        self._feed.rewind()
        self._look()
        self._ask()

    def _look_at_connection(self, feed: ConnectedFeed) -> None:
        """Told each time: a monitor that was restarted knows it again."""
        trouble = feed.trouble()
        self._connections.tell(ConnectionSeen(name=addresses.SOURCE, up=not trouble, detail=trouble))

    def _ask(self) -> None:
        """During a check, again and again until its wave has come; then at the beginning of the next one."""
        now_ms = self.context.now_ms()
        check = check_at(now_ms, times=self._times)
        again_s = (check.start_ms - now_ms) / 1_000
        if check.start_ms <= now_ms:
            if check.wave_ms != self._found_ms:
                self._feed.ask()
            again_s = ASK_AGAIN_S
        self.context.schedule_once("ask", again_s, Due(what="ask"))

    def _look(self) -> None:
        now_ms = self.context.now_ms()
        check = check_at(now_ms, times=self._times)
        again_ms = check.start_ms
        if check.start_ms <= now_ms:
            # Also when nothing came: what came too early for the check before may be due now.
            self._signals.tell(SignalsArrived(signals=tuple(self._feed.due(now_ms)), in_waves=True))
            next_ms = self._feed.next_ms(now_ms)
            again_ms = check_at(check.end_ms, times=self._times).start_ms
            if next_ms is not None:
                again_ms = min(again_ms, next_ms)
        self.context.schedule_once("look", max(again_ms - now_ms, 1) / 1_000, Due(what="look"))
