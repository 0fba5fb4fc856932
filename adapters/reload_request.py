"""How the instance that runs on a data directory is asked to read its settings again: a file asks, another answers.

Files, and no signal: SIGHUP says that the terminal is gone, and Windows has none.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from adapters.whole_file import AGAIN_S, read_value, write_whole

REQUEST_FILE: Final = "reload-request.json"
ANSWER_FILE: Final = "reload-answer.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRequest:
    """A question; its id tells its answer from an old one."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """One setting that is another one now. ``live``: it counts already; else from the next start on."""

    name: str
    before: str
    after: str
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadAnswer:
    """What came of it: changes, or the problems for which nothing was changed."""

    request_id: str
    changes: tuple[SettingChange, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def ask_reload(data_dir: Path, *, timeout_s: float, is_alive: Callable[[], bool]) -> ReloadAnswer | None:
    """Ask the instance on ``data_dir`` and wait for its answer; ``None`` when it gave none, or is not there any more.

    Raises:
        OSError: The directory cannot be written.
    """
    request = ReloadRequest(request_id=uuid.uuid4().hex)
    write_whole(data_dir / REQUEST_FILE, msgspec.json.encode(request))
    until_s = time.monotonic() + timeout_s
    try:
        while time.monotonic() < until_s and is_alive():
            answer = read_value(data_dir / ANSWER_FILE, ReloadAnswer)
            if answer is not None and answer.request_id == request.request_id:
                (data_dir / ANSWER_FILE).unlink(missing_ok=True)
                return answer
            time.sleep(AGAIN_S)
    finally:
        with suppress(OSError):
            (data_dir / REQUEST_FILE).unlink(missing_ok=True)
    return None


def take_reload(data_dir: Path) -> ReloadRequest | None:
    """The question that waits, once; cheap enough to be asked every second."""
    path = data_dir / REQUEST_FILE
    if not path.exists():
        return None
    request = read_value(path, ReloadRequest)
    with suppress(OSError):  # on Windows whoever writes it has it open just now: it is taken the next time
        path.unlink(missing_ok=True)
        return request
    return None


def answer_reload(data_dir: Path, answer: ReloadAnswer) -> None:
    """Answer; a disk that cannot take it leaves whoever asked to their time-out."""
    with suppress(OSError):
        write_whole(data_dir / ANSWER_FILE, msgspec.json.encode(answer))
