"""What is kept of a crash."""

from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashRecord:
    """One crash, as the shell shows it; times in UTC milliseconds and seconds."""

    at_ms: int
    epoch: int
    error: str
    fingerprint: str
    phase: str
    message: str | None
    attempts: int
    uptime_s: float
    traceback: str


def innermost(traceback: TracebackType | None) -> str:
    """File, function and line where an exception came from; enough to tell two causes apart."""
    where = "nowhere"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        where = f"{code.co_filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{code.co_name}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return where
