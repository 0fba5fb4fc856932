"""A file with the stacks of all threads, written when this process's interpreter itself is stuck.

Python's own watchdog (``faulthandler.dump_traceback_later``) is a thread of C that needs no lock of the interpreter: as
long as any Python thread runs, ours puts the moment off; when none does, because something holds the lock and does not
give it back, the stacks are written.
"""

import faulthandler
import threading
from pathlib import Path
from typing import IO, Final

STUCK_AFTER_S: Final = 10.0
FEED_EVERY_S: Final = 2.0
STACKS_FILE: Final = "stuck-stacks.txt"
JOIN_S: Final = 1.0


class Watchdog:
    """Feeds Python's watchdog until it is stopped."""

    def __init__(self, data_dir: Path, *, stuck_after_s: float = STUCK_AFTER_S) -> None:
        self.path = data_dir / STACKS_FILE
        self._stuck_after_s = stuck_after_s
        self._over = threading.Event()
        self._file: IO[str] | None = None
        self._thread = threading.Thread(target=self._feed, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch.

        Raises:
            OSError: The file cannot be written.
        """
        self._file = self.path.open("a", encoding="utf-8")
        self._arm()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join(JOIN_S)
        faulthandler.cancel_dump_traceback_later()
        if self._file is not None:
            self._file.close()

    def _arm(self) -> None:
        if self._file is not None:
            faulthandler.dump_traceback_later(self._stuck_after_s, repeat=True, file=self._file)

    def _feed(self) -> None:
        while not self._over.wait(min(FEED_EVERY_S, self._stuck_after_s / 4)):
            self._arm()
