"""Whatever sends signals in real life: lines appended to the file that a process follows."""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class SignalWriter:
    """Appends signals, by hand or one each ``every_s`` seconds; ``written`` are their ids, and when, in UTC ms."""

    path: Path
    symbols: Sequence[str]
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    every_s: float = 0.5
    written: dict[str, int] = field(default_factory=dict)
    next_s: float = 0.0

    def tend(self) -> None:
        """Append one when its time has come."""
        if time.monotonic() >= self.next_s:
            self.next_s = time.monotonic() + self.every_s * self.chance.uniform(0.3, 1.7)
            self.write(self.chance.choice(self.symbols), self.chance.choice(("BUY", "SELL")))

    def write(self, symbol: str, side: str = "BUY", **fields: object) -> str:
        """Append a signal; gives its id."""
        now_ms = time.time_ns() // 1_000_000
        signal_id = f"signal-{len(self.written)}"
        raw: dict[str, object] = {
            "id": signal_id,
            "timestamp": datetime.fromtimestamp(now_ms // 1_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "symbol": symbol,
            "side": side,
            "score_week": 80,
            "score_month": 70,
        }
        self.append(json.dumps(raw | fields))
        self.written[signal_id] = now_ms
        return signal_id

    def append(self, line: str) -> None:
        """Append a line as it is."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
