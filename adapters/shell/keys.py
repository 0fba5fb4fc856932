"""Who may do what: a key for each role, in the data directory, readable by its owner only."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from messages.shell import Role

KEYS_FILE: Final = "shell-keys.json"
KEY_BYTES: Final = 32


class ShellKeysError(Exception):
    """The keys of the shell cannot be read or written; the text says what to do."""


RoleKeys = Mapping[Role, bytes]


def make_keys(data_dir: Path) -> RoleKeys:
    """The keys of this data directory; made when there are none yet.

    Raises:
        ShellKeysError: They can be neither read nor written.
    """
    path = data_dir / KEYS_FILE
    if path.exists():
        return read_keys(data_dir)
    text = msgspec.json.encode({role.value: secrets.token_hex(KEY_BYTES) for role in Role})
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_keys(data_dir)
    except OSError as error:
        raise ShellKeysError(f"{path} cannot be written ({error}): make the data directory writable") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    return read_keys(data_dir)


def read_keys(data_dir: Path) -> RoleKeys:
    """The keys that this user may read.

    Raises:
        ShellKeysError: They cannot be read, or are not what this version writes.
    """
    path = data_dir / KEYS_FILE
    try:
        held = msgspec.json.decode(path.read_bytes(), type=dict[Role, str])
        return {role: bytes.fromhex(text) for role, text in held.items()}
    except FileNotFoundError as error:
        raise ShellKeysError(f"{path} is not there: no holdfast runs, or ran, with this data directory") from error
    except OSError as error:
        raise ShellKeysError(f"{path} cannot be read ({error}): use the account that holdfast runs under") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ShellKeysError(
            f"{path} is damaged ({error}): stop holdfast, delete the file, and start it again"
        ) from error
