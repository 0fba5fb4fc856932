"""A simulated venue in a process of its own, as ``holdfast simulate`` starts it, that may be killed and come back."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from adapters.candles import CANDLE_HEADER
from adapters.simulator.paper import PaperExchange
from messages.values import Venue
from tests.process.books import exchange_of
from tests.process.installation import PROGRAM, STOP_S, Installation, wait_until

VENUES: Final = ("bitget", "binance", "bybit", "okx")
LISTENS: Final = re.compile(r"REST http://127\.0\.0\.1:(\d+) ")
UNNAMED_PORT: Final = 0


@dataclass(slots=True, kw_only=True)
class SimulatedVenue:
    """One venue; used in ``with``, its process never outlives its test. Its state outlives the process."""

    venue: str
    directory: Path
    arguments: Sequence[str] = ()
    hedge: bool = False
    port: int = UNNAMED_PORT
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None
    state: Path = field(init=False)
    book: Path = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.state = self.directory / f"{self.venue}.sqlite3"
        self.book = self.directory / f"{self.venue}.json"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, on the port that it had before if it had one, and wait until it listens."""
        self.launch()
        self.until_listening()

    def launch(self) -> None:
        """Start it, and go on: several come up side by side."""
        self.starts += 1
        out = self._out
        mode = ("--hedge",) if self.hedge else ()
        options = ("--port", str(self.port), "--ledger", str(self.book), "--state", str(self.state), *mode)
        with out.open("wb") as file:
            self.process = subprocess.Popen(
                [*PROGRAM, "simulate", *options, *self.arguments, self.venue],
                cwd=self.directory,
                env=Installation(self.directory / "home").environ({}),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    @property
    def _out(self) -> Path:
        return self.directory / f"{self.venue}-{self.starts}.out"

    def until_listening(self) -> None:
        """Wait until it says where."""
        out, process = self._out, self.process
        assert process is not None

        def listens() -> bool:
            said = out.read_text(encoding="utf-8")
            assert process.poll() is None, f"the simulated {self.venue} ended: {said}"
            match = LISTENS.search(said)
            self.port = int(match[1]) if match else self.port
            return match is not None

        wait_until(listens, f"the simulated {self.venue} to listen")

    def kill(self) -> None:
        """kill -9: its streams break, its state file stays."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait(timeout=STOP_S)

    @property
    def environment(self) -> dict[str, str]:
        """Where Holdfast finds it."""
        name = self.venue.upper()
        return {
            f"{name}_REST_URL": f"http://127.0.0.1:{self.port}",
            f"{name}_WS_URL": f"ws://127.0.0.1:{self.port}",
        }

    def ledger(self) -> dict[str, Any]:
        """The venue's own book on its client, as of now, by its state file."""
        with self.exchange() as exchange:
            return dict(exchange.ledger_snapshot())

    def written_ledger(self) -> dict[str, Any]:
        """The same as the process writes it for people, up to half a second old; empty before the first time."""
        try:
            found: dict[str, Any] = msgspec.json.decode(self.book.read_bytes())
        except FileNotFoundError:
            return {}
        return found

    @contextmanager
    def exchange(self) -> Iterator[PaperExchange]:
        """The exchange as its state file has it, as of now."""
        alive, venue = self.process is not None, Venue(self.venue)
        with exchange_of(self.state, alive=alive, venue=venue, hedge=self.hedge) as exchange:
            yield exchange


def record_prices(file: Path, start: Decimal, path: Sequence[tuple[int, str]]) -> str:
    """Write candles in which a price goes in straight lines, and give them as ``--data`` wants them.

    Args:
        file: Named after its symbol.
        start: The first price.
        path: How many seconds each line takes, and where it ends, in percent away from ``start``.
    """
    seconds_a_candle = 4
    rows, at_s, price = [",".join(CANDLE_HEADER)], 0, start
    for length_s, percent in path:
        goal = start * (1 + Decimal(percent) / 100)
        candles = length_s // seconds_a_candle
        step = (goal - price) / candles
        for _ in range(candles):
            close = price + step
            values = [price, max(price, close), min(price, close), close]
            rows.append(",".join([str(at_s * 1_000), *(f"{value:.2f}" for value in values), "1"]))
            price, at_s = close, at_s + seconds_a_candle
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return f"{file.stem}={file}"
