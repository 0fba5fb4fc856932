"""The status of the running instance, kept in its data directory for ``holdfast status``."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from messages.status import StatusView

STATUS_FILE: Final = "status.json"
REPLACE_FOR_S: Final = 2.0
REPLACE_STEP_S: Final = 0.05


class StatusFileError(Exception):
    """There is no status, or it cannot be read; the text says which."""


def write_status(data_dir: Path, view: StatusView) -> None:
    """Replace the status; a disk that cannot take it leaves the old one and stops nothing."""
    path, fresh = data_dir / STATUS_FILE, data_dir / f"{STATUS_FILE}.new"
    with suppress(OSError):
        fresh.write_bytes(msgspec.json.encode(view))
        _replace(fresh, path)


def read_status(data_dir: Path) -> StatusView:
    """The last status that was written.

    Raises:
        StatusFileError: None was written, or something else wrote there.
    """
    path = data_dir / STATUS_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=StatusView)
    except FileNotFoundError:
        raise StatusFileError(f"no instance has run on {data_dir} yet") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise StatusFileError(f"{path} cannot be read: {error}") from error


def _replace(fresh: Path, path: Path) -> None:
    """Windows refuses while a reader has the file open: try again for a moment."""
    until_s = time.monotonic() + REPLACE_FOR_S
    while True:
        try:
            fresh.replace(path)
        except PermissionError:
            if time.monotonic() >= until_s:
                raise
            time.sleep(REPLACE_STEP_S)
        else:
            return
