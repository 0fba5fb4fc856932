"""The status of the running instance, kept in its data directory for ``holdfast status``."""

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from adapters.whole_file import write_whole
from messages.status import StatusView

STATUS_FILE: Final = "status.json"


class StatusFileError(Exception):
    """There is no status, or it cannot be read; the text says which."""


def write_status(data_dir: Path, view: StatusView) -> None:
    """Replace the status; a disk that cannot take it leaves the old one and stops nothing."""
    with suppress(OSError):
        write_whole(data_dir / STATUS_FILE, msgspec.json.encode(view))


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
