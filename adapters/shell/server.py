"""The server half of the shell: it listens where only its own user can reach it, and asks whoever comes for a key.

Each client has a thread of its own, and there are few of them; one that is silent, slow or rude is cut off, and nobody
else notices. What a command does is not known here: it is handed to a ``CommandHandler``.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from loguru import logger

from adapters.shell.address import shell_address
from adapters.shell.keys import RoleKeys
from adapters.shell.wire import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    SLICE_S,
    NotAllowedError,
    WireError,
    cut,
    encode,
    greet,
    receive,
)
from messages.shell import CommandRefusedError, Role

MAX_CLIENTS: Final = 16
JOIN_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client may take: to prove itself, and to take an answer."""

    handshake_s: float = 3.0
    send_s: float = 5.0


class Session(Protocol):
    """The client that a command came from."""

    role: Role

    def send(self, event: object) -> None:
        """Give the client something before the answer; for commands that go on, such as a trace."""
        ...

    def waited(self, seconds: float) -> bool:
        """Let so much time pass; False, at once, when the client left or said something, or the server stops."""
        ...


CommandHandler: TypeAlias = Callable[[Session, str, Mapping[str, Any]], object]
"""Carries a command out and gives the answer, of what JSON can say; raises CommandRefusedError when it cannot."""


class ShellServer:
    """Listens for shells until it is stopped."""

    def __init__(
        self, *, data_dir: Path, keys: RoleKeys, handler: CommandHandler, patience: Patience | None = None
    ) -> None:
        self._patience = patience or Patience()
        self.address = shell_address(data_dir)
        self._keys = keys
        self._handler = handler
        self._stopping = threading.Event()
        self._clients: set[_Client] = set()
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._listen, name="shell-server", daemon=True)

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: The address cannot be used.
        """
        if sys.platform != "win32":
            # A socket of a process that was killed; whoever lives holds the lock of the data directory.
            with suppress(FileNotFoundError):
                os.unlink(self.address)  # noqa: PTH108 - an address, not a path of ours on every platform
        before = os.umask(0o177)
        try:
            self._listener = Listener(self.address)
        finally:
            os.umask(before)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more, and cut everybody off."""
        self._stopping.set()
        with suppress(OSError, EOFError):
            # A close does not wake up a thread that accepts; a connection does, on every platform.
            Client(self.address).close()
        self._thread.join(JOIN_S)
        if self._listener is not None:
            self._listener.close()
        with self._lock:
            clients = tuple(self._clients)
        until_s = time.monotonic() + JOIN_S
        for client in clients:
            # Whoever asked for the stop, or for anything else before it, is answered.
            client.idle.wait(max(until_s - time.monotonic(), 0))
            client.cut()
        for client in clients:
            client.thread.join(JOIN_S)

    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    @property
    def clients(self) -> int:
        """How many are connected, the ones that have not proven themselves included."""
        with self._lock:
            return len(self._clients)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = self._accept()
            except OSError as error:
                if self._stopping.wait(SLICE_S):
                    return
                logger.warning("the shell's address gave an error and goes on: {}", error)
                continue
            with self._lock:
                full = len(self._clients) >= MAX_CLIENTS
            if full or self._stopping.is_set():
                connection.close()
                continue
            client = _Client(connection, self._keys, self._handler, self._stopping, self._left, self._patience)
            with self._lock:
                self._clients.add(client)
            client.thread.start()

    def _accept(self) -> Connection:
        if self._listener is None:
            raise OSError("not started")
        return self._listener.accept()

    def _left(self, client: "_Client") -> None:
        with self._lock:
            self._clients.discard(client)


class _Client:
    def __init__(
        self,
        connection: Connection,
        keys: RoleKeys,
        handler: CommandHandler,
        stopping: threading.Event,
        left: "Callable[[_Client], None]",
        patience: Patience,
    ) -> None:
        self._patience = patience
        self.role = Role.VIEWER
        self._connection = connection
        self._keys = keys
        self._handler = handler
        self._stopping = stopping
        self._left = left
        self._request: object = None
        self._gone = False
        self.idle = threading.Event()
        self.idle.set()
        self.thread = threading.Thread(target=self._serve, name="shell-client", daemon=True)

    # --- what a command sees of it ------------------------------------------------------------------------------------

    def send(self, event: object) -> None:
        self._say({"id": self._request, "event": event})

    def waited(self, seconds: float) -> bool:
        until_s = time.monotonic() + seconds
        while not (self._gone or self._stopping.is_set()):
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return True
            try:
                # A command that goes on ends with whatever its client says next, and with its leaving.
                if self._connection.poll(min(left_s, SLICE_S)):
                    return False
            except (OSError, EOFError):
                self._gone = True
        return False

    def cut(self) -> None:
        self._gone = True
        cut(self._connection)

    # --- its thread ---------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        watch = threading.Timer(self._patience.handshake_s, self.cut)
        watch.daemon = True
        watch.start()
        try:
            self.role = greet(self._connection, self._keys, until_s=time.monotonic() + self._patience.handshake_s)
            watch.cancel()
            self._answer_requests()
        except NotAllowedError as error:
            logger.warning("the shell refused a client: {}", error)
        except (WireError, OSError) as error:
            logger.debug("a shell's client left: {}", error)
        except Exception as error:  # noqa: BLE001 - whatever a client does, it ends that client only
            logger.error("a shell's client was cut off: {!r}", error)
        finally:
            watch.cancel()
            with suppress(OSError):
                self._connection.close()
            self._left(self)

    def _answer_requests(self) -> None:
        while not self._stopping.is_set() and not self._gone:
            request = receive(self._connection, max_bytes=MAX_REQUEST_BYTES, until_s=None)
            if request is not None:
                self.idle.clear()
                try:
                    self._answer(request)
                finally:
                    self.idle.set()

    def _answer(self, request: Mapping[str, Any]) -> None:
        self._request = request.get("id")
        command, arguments = request.get("command"), request.get("arguments", {})
        if not isinstance(command, str) or not isinstance(arguments, dict):
            raise WireError("a request names its command and arguments")
        try:
            result = self._handler(self, command, arguments)
        except WireError:
            raise
        except CommandRefusedError as error:
            self._say({"id": self._request, "error": {"code": error.code, "text": str(error)}})
        except Exception as error:  # noqa: BLE001 - a mistake of ours in one command must not end the session
            logger.opt(exception=True).error("the shell's command {} failed", command)
            self._say({"id": self._request, "error": {"code": "failed", "text": f"{command} failed: {error!r}"}})
        else:
            self._say({"id": self._request, "result": result})

    def _say(self, message: object) -> None:
        frame = encode(message)
        if len(frame) > MAX_ANSWER_BYTES:
            text = f"the answer has {len(frame)} bytes, {MAX_ANSWER_BYTES} are allowed: ask for less"
            frame = encode({"id": self._request, "error": {"code": "too_much", "text": text}})
        slow = threading.Timer(self._patience.send_s, self.cut)
        slow.daemon = True
        slow.start()
        try:
            self._connection.send_bytes(frame)
        except (OSError, ValueError) as error:
            raise WireError(f"the connection ended: {error}") from error
        finally:
            slow.cancel()
