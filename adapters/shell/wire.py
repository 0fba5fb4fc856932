"""Frames and handshake of the shell.

A frame is one JSON object, with the length that :mod:`multiprocessing.connection` puts before it; nothing is unpickled.
The handshake proves to both sides that the other holds the key of the role (HMAC, RFC 2104, with SHA-256), over two
nonces of this connection, so that what was overheard cannot be said again.
"""

import hashlib
import hmac
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

import msgspec

from adapters.shell.keys import RoleKeys
from messages.shell import Role

PROTOCOL: Final = 1
MAX_REQUEST_BYTES: Final = 64 * 1024
MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
NONCE_BYTES: Final = 32
SLICE_S: Final = 0.25
"""No wait is longer, so that a stop is noticed on every platform."""


class WireError(Exception):
    """The other side said something that this protocol does not know, or went away."""


class NotAllowedError(Exception):
    """The key, or the role, was not accepted."""


def encode(value: object) -> bytes:
    """One frame's bytes."""
    return msgspec.json.encode(value)


def receive(connection: Connection, *, max_bytes: int, until_s: float | None) -> dict[str, Any] | None:
    """The next frame; ``None`` when none came before ``until_s`` (monotonic).

    Raises:
        WireError: The other side went away, or sent too much, or no JSON object.
    """
    try:
        if not connection.poll(SLICE_S if until_s is None else max(min(SLICE_S, until_s - time.monotonic()), 0)):
            return None
        frame = connection.recv_bytes(max_bytes)
    except (OSError, EOFError, ValueError) as error:
        raise WireError(f"the connection ended: {error}") from error
    try:
        return msgspec.json.decode(frame, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise WireError(f"not a JSON object: {error}") from error


def receive_by(connection: Connection, *, max_bytes: int, until_s: float) -> dict[str, Any]:
    """The next frame.

    Raises:
        WireError: As :func:`receive`, or none came before ``until_s`` (monotonic).
    """
    while time.monotonic() < until_s:
        message = receive(connection, max_bytes=max_bytes, until_s=until_s)
        if message is not None:
            return message
    raise WireError("no answer in time")


def cut(connection: Connection) -> None:
    """End a connection from another thread, so that a read or a write that waits on it comes back."""
    with suppress(OSError, ValueError), socket.socket(fileno=socket.dup(connection.fileno())) as doubled:
        doubled.shutdown(socket.SHUT_RDWR)


# --- handshake --------------------------------------------------------------------------------------------------------


def _proof(key: bytes, side: str, role: str, server_nonce: str, client_nonce: str) -> str:
    text = "|".join((f"holdfast shell {PROTOCOL}", side, role, server_nonce, client_nonce))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def greet(connection: Connection, keys: RoleKeys, *, until_s: float) -> Role:
    """The server's half: which role the client has proven.

    Raises:
        WireError: The client went away, was silent, or spoke another protocol.
        NotAllowedError: It did not prove to hold a key; it was told so.
    """
    server_nonce = secrets.token_hex(NONCE_BYTES)
    connection.send_bytes(encode({"holdfast": PROTOCOL, "nonce": server_nonce}))
    hello = receive_by(connection, max_bytes=MAX_REQUEST_BYTES, until_s=until_s)
    role, client_nonce, proof = (_text(hello, name) for name in ("role", "nonce", "proof"))
    known = Role(role) if role in list(Role) else None
    key = keys.get(known) if known is not None else None
    wanted = _proof(key or secrets.token_bytes(NONCE_BYTES), "client", role, server_nonce, client_nonce)
    if known is None or key is None or not hmac.compare_digest(wanted.encode(), proof.encode()):
        connection.send_bytes(encode({"refused": "the key was not accepted"}))
        raise NotAllowedError(f"a client did not prove to be {role[:20]!r}")
    connection.send_bytes(encode({"proof": _proof(key, "server", role, server_nonce, client_nonce)}))
    return known


def introduce(connection: Connection, keys: RoleKeys, role: Role, *, until_s: float) -> None:
    """The client's half.

    Raises:
        WireError: The server went away, was silent, or speaks another protocol.
        NotAllowedError: This user holds no key for ``role``, or one side could not prove itself.
    """
    if role not in keys:
        raise NotAllowedError(f"there is no key for the role {role}")
    key = keys[role]
    greeting = receive_by(connection, max_bytes=MAX_REQUEST_BYTES, until_s=until_s)
    if greeting.get("holdfast") != PROTOCOL:
        raise WireError("the process speaks another version of the shell's protocol: use the same version of holdfast")
    server_nonce, client_nonce = _text(greeting, "nonce"), secrets.token_hex(NONCE_BYTES)
    proof = _proof(key, "client", role, server_nonce, client_nonce)
    connection.send_bytes(encode({"role": role, "nonce": client_nonce, "proof": proof}))
    answer = receive_by(connection, max_bytes=MAX_REQUEST_BYTES, until_s=until_s)
    if "refused" in answer:
        raise NotAllowedError(f"refused: {answer['refused']}")
    if not hmac.compare_digest(_proof(key, "server", role, server_nonce, client_nonce), _text(answer, "proof")):
        raise NotAllowedError("what answers at this address does not hold the key: it is not our holdfast")


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not value.isascii():
        raise WireError(f"{name} is missing")
    return value
