"""Events on their way into the log."""

from typing import Final

from loguru import logger

from messages.journal import EventRecord, Severity

_LEVELS: Final = {
    Severity.DEBUG: "DEBUG",
    Severity.INFO: "INFO",
    Severity.WARNING: "WARNING",
    Severity.ERROR: "ERROR",
    Severity.CRITICAL: "CRITICAL",
}


class AlertLog:
    """Satisfies the alert actor's sink: one line an event, with how many alike were left out."""

    def write(self, event: EventRecord, repeats: int) -> None:
        """Log ``event``."""
        folded = f" ({repeats} alike left out)" if repeats else ""
        logger.log(_LEVELS[event.severity], "{} {}: {}{}", event.subject or "-", event.kind, event.text, folded)
