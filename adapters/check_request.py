"""How a check is asked of the instance that runs on a data directory: one file asks, another one answers.

Files, and not a socket: they work on every platform, with nothing configured, and only for whoever may write there.
The answer carries the question's id, so that an old one is never taken for it.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from adapters.whole_file import read_value, write_whole
from messages.account_check import AccountChecked

REQUEST_FILE: Final = "check-request.json"
ANSWER_FILE: Final = "check-answer.json"
LOOK_S: Final = 0.2
STALE_MS: Final = 300_000
"""A question that nobody answered for this long is nobody's any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """A question: check these venues (none: all of them), and have mended what is wrong if ``fix``."""

    request_id: str
    fix: bool
    venues: tuple[str, ...]
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """What came of it."""

    request_id: str
    checked: AccountChecked


def ask(
    data_dir: Path, *, fix: bool, venues: tuple[str, ...], timeout_s: float, is_alive: Callable[[], bool]
) -> AccountChecked | None:
    """Ask the instance on ``data_dir`` and wait for its answer; ``None`` when it gave none, or is not there any more.

    Raises:
        OSError: The directory cannot be written.
    """
    request = CheckRequest(request_id=uuid.uuid4().hex, fix=fix, venues=venues, at_ms=_now_ms())
    write_whole(data_dir / REQUEST_FILE, msgspec.json.encode(request))
    until_s = time.monotonic() + timeout_s
    try:
        while time.monotonic() < until_s and is_alive():
            answer = read_value(data_dir / ANSWER_FILE, CheckAnswer)
            if answer is not None and answer.request_id == request.request_id:
                (data_dir / ANSWER_FILE).unlink(missing_ok=True)
                return answer.checked
            time.sleep(LOOK_S)
    finally:
        left = read_value(data_dir / REQUEST_FILE, CheckRequest)
        if left is not None and left.request_id == request.request_id:
            (data_dir / REQUEST_FILE).unlink(missing_ok=True)
    return None


def take_request(data_dir: Path) -> CheckRequest | None:
    """The question that waits, once; cheap enough to be asked every second."""
    path = data_dir / REQUEST_FILE
    if not path.exists():
        return None
    request = read_value(path, CheckRequest)
    with suppress(OSError):  # on Windows whoever writes it has it open just now: it is taken the next time
        path.unlink(missing_ok=True)
        if request is not None and _now_ms() - request.at_ms < STALE_MS:
            return request
    return None


def give_answer(data_dir: Path, request: CheckRequest, checked: AccountChecked) -> None:
    """Answer ``request``; a disk that cannot take it leaves whoever asked to their time-out."""
    answer = CheckAnswer(request_id=request.request_id, checked=checked)
    with suppress(OSError):
        write_whole(data_dir / ANSWER_FILE, msgspec.json.encode(answer))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
