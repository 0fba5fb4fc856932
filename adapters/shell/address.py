"""Where the shell of a data directory is found: a socket in it, or a named pipe on Windows.

A socket's path may have some hundred bytes only (``sun_path``, unix(7)): a data directory with a long name gets one
among the temporary files, in a directory that only its owner may enter.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

SOCKET_FILE: Final = "shell.sock"
MAX_SOCKET_PATH: Final = 100


def shell_address(data_dir: Path) -> str:
    """The address for :mod:`multiprocessing.connection`; the same for everybody who names the same directory.

    Raises:
        PermissionError: The place for it was taken by somebody else.
    """
    whole = data_dir.resolve()
    mark = hashlib.sha256(str(whole).encode()).hexdigest()[:16]
    if sys.platform == "win32":
        return rf"\\.\pipe\holdfast-{mark}"
    inside = whole / SOCKET_FILE
    if len(str(inside).encode()) <= MAX_SOCKET_PATH:
        return str(inside)
    outside = Path(tempfile.gettempdir()) / f"holdfast-{mark}"
    outside.mkdir(mode=0o700, exist_ok=True)
    found = outside.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{outside} belongs to somebody else: use a data directory with a shorter name")
    return str(outside / SOCKET_FILE)
