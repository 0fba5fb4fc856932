"""The log (S18): loguru, one format, to files in the data directory and to stderr, without secrets.

``2026-01-01 12:00:00 - module.name - LEVEL - message``, times in UTC. Whatever the standard library's logging gets from
libraries comes here as well. A line never carries a secret: message and traceback pass a filter before any sink.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from loguru import logger

from adapters.log_file import LogFile, write_quietly
from adapters.secrets_filter import SecretsFilter

if TYPE_CHECKING:
    import loguru

LOG_DIRECTORY = "logs"
_TEXT = "text"
_CONTINUED = "\n    "


class Logs:
    """The configured log; :meth:`close` puts back what was there before.

    Attributes:
        file: Where lines are kept, or ``None`` when no directory was given.
    """

    def __init__(
        self,
        *,
        directory: Path | None,
        level: str = "INFO",
        debug: bool = False,
        secrets: Iterable[str] = (),
        console: bool = True,
        stderr: TextIO | None = None,
    ) -> None:
        """Begin logging.

        Args:
            directory: For the files; ``None`` keeps none.
            level: The least severe level that is logged.
            debug: Logs everything, libraries included, whatever ``level`` says.
            secrets: Values that must never be shown, besides those that look like secrets.
            console: Whether lines go to stderr as well; not while a live table has the terminal.
            stderr: In place of the process's own.
        """
        self._level = "DEBUG" if debug else level
        self._without_secrets = SecretsFilter(secrets)
        self._stderr = stderr
        self.file = None if directory is None else LogFile(directory, fallback=stderr)
        self._before = (logging.root.handlers[:], logging.root.level)
        logger.remove()
        logger.configure(patcher=self._finish)
        if self.file is not None:
            self._add_sink(self.file.write)
        self._console: int | None = None
        self.set_console(enabled=console)
        logging.root.handlers[:] = [_ToLoguru()]
        logging.root.setLevel(logging.DEBUG if debug else max(logging.WARNING, logging.getLevelName(self._level)))
        logging.captureWarnings(capture=True)

    def set_console(self, *, enabled: bool) -> None:
        """Let lines go to stderr, or keep them from it."""
        if self._console is not None:
            logger.remove(self._console)
            self._console = None
        if enabled:
            self._console = self._add_sink(self._to_stderr)

    def close(self) -> None:
        """Stop logging and close the file."""
        logging.captureWarnings(capture=False)
        logging.root.handlers[:], level = self._before[0], self._before[1]
        logging.root.setLevel(level)
        logger.remove()
        self._console = None
        logger.configure(patcher=_leave)
        if self.file is not None:
            self.file.close()

    def _add_sink(self, sink: Callable[[str], None]) -> int:
        return logger.add(
            sink,
            level=self._level,
            format=_line,
            colorize=False,
            backtrace=False,
            diagnose=False,
            catch=True,
        )

    def _to_stderr(self, text: str) -> None:
        write_quietly(self._stderr if self._stderr is not None else sys.stderr, text)

    def _finish(self, record: "loguru.Record") -> None:
        """The message and its traceback as one text without secrets; the exception itself is shown to no sink."""
        text = record["message"]
        if (exception := record["exception"]) is not None:
            text += "\n" + "".join(traceback.format_exception(exception.type, exception.value, exception.traceback))
        record["extra"][_TEXT] = self._without_secrets(text.rstrip("\n")).replace("\n", _CONTINUED)
        record["message"] = record["extra"][_TEXT]


class _ToLoguru(logging.Handler):
    """Passes records of the standard library's logging on, under the name of the logger that made them."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        name = record.name

        def under_its_name(routed: "loguru.Record") -> None:
            routed["name"] = name

        logger.patch(under_its_name).opt(exception=record.exc_info).log(level, "{}", record.getMessage())


def use_utf8_streams() -> None:
    """Make stdout and stderr UTF-8: on Windows a pipe or a service has cp1252 and would raise at the first ``→``."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def _line(_: "loguru.Record") -> str:
    return "{time:YYYY-MM-DD HH:mm:ss!UTC} - {name} - {level} - {extra[" + _TEXT + "]}\n"


def _leave(_: "loguru.Record") -> None:
    return None
