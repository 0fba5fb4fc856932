"""Small files that one process writes and another reads: whole or not at all, on every platform."""

import os
import time
from pathlib import Path
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

REPLACE_S: Final = 2.0
AGAIN_S: Final = 0.2


def read_value(path: Path, kind: type[T]) -> T | None:
    """The value that the file holds; ``None`` when it is not there, or holds none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file; Windows refuses while a reader has it open: try again for a moment.

    Raises:
        OSError: It cannot be written.
    """
    written = path.with_name(f"{path.name}.{os.getpid()}")
    written.write_bytes(content)
    until_s = time.monotonic() + REPLACE_S
    while True:
        try:
            written.replace(path)
        except PermissionError:
            if time.monotonic() >= until_s:
                raise
            time.sleep(AGAIN_S)
        else:
            return
