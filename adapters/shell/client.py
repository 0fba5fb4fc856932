"""The client half of the shell: asks a living process, and waits no longer than it says."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from adapters.shell.address import shell_address
from adapters.shell.keys import read_keys
from adapters.shell.wire import MAX_ANSWER_BYTES, WireError, cut, encode, introduce, receive_by
from messages.shell import Role

CONNECT_S: Final = 5.0
ANSWER_S: Final = 30.0


class NobodyThereError(Exception):
    """No process of this data directory answers; the text says what to do."""


class RefusedError(Exception):
    """The process answered that it does not do this."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class ShellClient:
    """A connection to the process that runs with ``data_dir``."""

    def __init__(self, data_dir: Path, role: Role) -> None:
        """Connect, and prove the role.

        Raises:
            ShellKeysError: No key can be read.
            NobodyThereError: No process listens.
            NotAllowedError: One side could not prove itself.
            WireError: It does not speak this protocol.
        """
        keys = read_keys(data_dir)
        address = shell_address(data_dir)
        try:
            self._connection: Connection = Client(address)
        except OSError as error:
            raise NobodyThereError(
                f"nobody answers at {address}: start holdfast run with this data directory ({error.strerror or error})"
            ) from error
        self._requests = 0
        introduce(self._connection, keys, role, until_s=time.monotonic() + CONNECT_S)

    def ask(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        timeout_s: float = ANSWER_S,
        on_event: Callable[[Any], None] | None = None,
    ) -> Any:
        """The answer to one command; what comes before it goes to ``on_event``.

        Raises:
            RefusedError: The process does not do it.
            WireError: It went away, or gave no answer within ``timeout_s``.
        """
        self._requests += 1
        number = self._requests
        try:
            self._connection.send_bytes(encode({"id": number, "command": command, "arguments": arguments or {}}))
        except OSError as error:
            raise WireError(f"the connection ended: {error}") from error
        until_s = time.monotonic() + timeout_s
        while True:
            message = receive_by(self._connection, max_bytes=MAX_ANSWER_BYTES, until_s=until_s)
            if message.get("id") != number:
                continue
            if "error" in message:
                raise RefusedError(message["error"]["code"], message["error"]["text"])
            if "result" in message:
                return message["result"]
            if on_event is not None:
                on_event(message.get("event"))

    def close(self) -> None:
        """Leave."""
        cut(self._connection)
        with suppress(OSError):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
