"""Whether it is time to stop: asked for by Ctrl-C, SIGTERM, Ctrl-Break, a closed terminal or the process itself."""

import signal
import threading
from types import FrameType
from typing import Final

from loguru import logger

STOP_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
"""Those of them that the platform has."""


class StopFlag:
    """Set once, by a signal or by :meth:`set`; a second signal ends the process at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def install(self) -> None:
        """Turn the platform's stop signals into the flag; from the main thread only."""
        for name in STOP_SIGNALS:
            number = getattr(signal, name, None)
            # nohup lets SIGHUP be ignored, so that the process outlives its terminal.
            ignored = name == "SIGHUP" and number is not None and signal.getsignal(number) is signal.SIG_IGN
            if number is not None and not ignored:
                signal.signal(number, self._on_signal)

    @property
    def is_set(self) -> bool:
        """Whether it is time to stop."""
        return self._event.is_set()

    def set(self) -> None:
        """Stop."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the flag, at most ``seconds``; gives whether it is set."""
        return self._event.wait(seconds)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._event.is_set():
            raise KeyboardInterrupt
        self._event.set()
        logger.info("stopping in order, because of {}; once more to stop at once", signal.Signals(number).name)
