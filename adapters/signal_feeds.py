"""Sources of signals that can be looked at without waiting: a recording, a file that grows, made-up ones."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.demo_signals import SHORTEST_PAUSE_MS, TimedSignal, demo_signals
from adapters.signal_file import SignalFileFollower, SignalLine, read_signal_file
from messages.supervision import RawSignal
from messages.values import Symbol

LOOK_EVERY_MS: Final = 1_000
CANDLE_MS: Final = 900_000
ARRIVES_AFTER_MS: Final = 300_000
"""A signal comes 5 to 8 minutes after its candle (S2.2); the checks begin after 5 or 6."""
AT_ONCE_MS: Final = SHORTEST_PAUSE_MS - 2_000
"""The first made-up signal comes this much earlier than the others would: whoever tries it sees a position soon."""


class RecordedSignals:
    """A whole file, each signal when its wave would have come: some minutes after its candle is closed (S2.2).

    Given at its timestamp, which is the candle's beginning, a signal would know the future. One without a readable
    timestamp comes with the one before.
    """

    def __init__(self, path: Path, *, start_ms: int) -> None:
        """Read the file.

        Raises:
            SignalFileError: It cannot be read.
        """
        self._signals: list[tuple[int, RawSignal]] = []
        candle_ms = start_ms - start_ms % CANDLE_MS
        for line in read_signal_file(path):
            timestamp_ms = _timestamp_ms(line, candle_ms)
            candle_ms = timestamp_ms - timestamp_ms % CANDLE_MS
            self._signals.append((candle_ms + CANDLE_MS + ARRIVES_AFTER_MS, _raw(line, path)))
        self._signals.sort(key=lambda timed: timed[0])
        self._given = 0

    def __len__(self) -> int:
        return len(self._signals)

    def ask(self) -> None:
        """Nothing: a recording gives what it has."""

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        """Those whose time has come."""
        upcoming = itertools.islice(self._signals, self._given, None)
        ready = [raw for at_ms, raw in itertools.takewhile(lambda timed: timed[0] <= now_ms, upcoming)]
        self._given += len(ready)
        return ready

    def next_ms(self, now_ms: int) -> int | None:
        """The next one's time; ``None`` after the last."""
        _ = now_ms
        return self._signals[self._given][0] if self._given < len(self._signals) else None

    def rewind(self) -> None:
        """From the beginning."""
        self._given = 0


class FollowedSignals:
    """A file that something else appends to, looked at each second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._follower = SignalFileFollower(path)

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        """What has been appended."""
        _ = now_ms
        return [_raw(line, self._path) for line in self._follower.poll()]

    def next_ms(self, now_ms: int) -> int | None:
        """In a second."""
        return now_ms + LOOK_EVERY_MS

    def rewind(self) -> None:
        """From the beginning of the file."""
        self._follower = SignalFileFollower(self._path)


class DemoSignals:
    """Made-up signals, endless; a restart goes on from the present, it repeats nothing."""

    def __init__(self, *, seed: int, symbols: Sequence[Symbol]) -> None:
        self._seed = seed
        self._symbols = tuple(symbols)
        self._signals: Iterator[TimedSignal] = iter(())
        self._next: TimedSignal | None = None

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        """Those whose time has come."""
        if self._next is None:
            self._signals = demo_signals(seed=self._seed, start_ms=now_ms - AT_ONCE_MS, symbols=self._symbols)
            self._next = next(self._signals)
        ready: list[RawSignal] = []
        while self._next.at_ms <= now_ms:
            ready.append(RawSignal(raw=self._next.raw, origin="demo"))
            self._next = next(self._signals)
        return ready

    def next_ms(self, now_ms: int) -> int | None:
        """The next one's time."""
        return self._next.at_ms if self._next is not None else now_ms

    def rewind(self) -> None:
        """Start anew at the present."""
        self._next = None


def _raw(line: SignalLine, path: Path) -> RawSignal:
    origin = f"{path.name}:{line.line_number}"
    return RawSignal(raw=line.text if line.raw is None else line.raw, origin=origin)


def _timestamp_ms(line: SignalLine, otherwise_ms: int) -> int:
    text = line.raw.get("timestamp") if line.raw is not None else None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return otherwise_ms
    return int(moment.timestamp() * 1_000) if moment.tzinfo is not None else otherwise_ms
