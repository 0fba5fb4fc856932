"""Runs a simulated venue until it is told to stop, and keeps its ledger in a file."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from adapters.simulator.wire.simulation import Simulation
from adapters.stop_flag import StopFlag

WRITE_EVERY_S: Final = 0.5


def serve(simulation: Simulation, *, stop: StopFlag, ledger_file: Path | None, say: Callable[[str], None]) -> None:
    """Start ``simulation``, say where it listens, and stop it in order at the end.

    Raises:
        OSError: The port is taken.
    """
    simulation.start()
    try:
        say(f"REST {simulation.server.rest_url} and streams {simulation.server.ws_url}; Ctrl-C stops it")
        while not stop.wait(WRITE_EVERY_S):
            _write(simulation, ledger_file)
    finally:
        _write(simulation, ledger_file)
        simulation.stop()


def _write(simulation: Simulation, ledger_file: Path | None) -> None:
    """Replace the file whole, so that a reader never sees half of it; a full disk stops nothing."""
    if ledger_file is None:
        return
    fresh = ledger_file.with_name(f"{ledger_file.name}.{time.monotonic_ns()}")
    with suppress(OSError):
        fresh.write_bytes(msgspec.json.encode(simulation.ledger()))
        fresh.replace(ledger_file)
