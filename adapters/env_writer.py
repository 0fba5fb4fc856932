"""Writing a ``.env``: readable by its owner only from the first byte on, whole or not at all."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from adapters.settings_source import load_settings

OWNER_ONLY: Final = 0o600
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.,:/@+-]+")


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Write ``values`` to ``path`` once it is known that a run could start on them.

    Raises:
        SettingsError: They are not allowed, or do not fit together; nothing was written.
        OSError: The directory cannot be written.
    """
    lines = ["# Written by holdfast init. Keys belong here and nowhere else; never commit this file.", ""]
    lines += [f"{name}={_quoted(value)}" for name, value in values.items()]
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor has no path
            file.write("\n".join(lines) + "\n")
        load_settings(env_file=fresh, environ={})
        fresh.replace(path)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
