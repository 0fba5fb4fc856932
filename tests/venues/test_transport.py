"""What is certain of a request that failed on its way: only what never connected was never sent."""

import socket

import ccxt
import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)

from adapters.venues.transport import never_connected

CONNECTION = HTTPConnection("venue.invalid")
POOL = HTTPConnectionPool("venue.invalid")


def as_requests_raises(reason: Exception) -> MaxRetryError:
    return MaxRetryError(POOL, "/order", reason)


def as_ccxt_raises(cause: Exception) -> ccxt.BaseError:
    try:
        raise ccxt.NetworkError("venue POST https://venue.invalid/order") from cause
    except ccxt.NetworkError as error:
        return error


@pytest.mark.parametrize(
    "cause",
    [
        requests.ConnectionError(as_requests_raises(NewConnectionError(CONNECTION, "refused"))),
        requests.ConnectionError(as_requests_raises(NameResolutionError("v.invalid", CONNECTION, socket.gaierror()))),
        requests.ConnectTimeout(as_requests_raises(ConnectTimeoutError(CONNECTION, "timed out"))),
    ],
    ids=["refused", "no such name", "no answer to the knock"],
)
def test_what_was_never_connected_was_never_sent(cause: Exception) -> None:
    assert never_connected(as_ccxt_raises(cause))


@pytest.mark.parametrize(
    "cause",
    [
        requests.ReadTimeout(ReadTimeoutError(POOL, "/order", "read timed out")),
        requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())),
        requests.exceptions.ChunkedEncodingError(ProtocolError("Response ended prematurely")),
        requests.exceptions.SSLError(as_requests_raises(OSError("handshake"))),
        requests.exceptions.ProxyError(
            as_requests_raises(ProxyError("proxy", NewConnectionError(CONNECTION, "refused")))
        ),
        ValueError("no JSON"),
    ],
    ids=["no answer", "cut off", "cut short", "no trust", "a proxy's word", "nonsense"],
)
def test_of_everything_else_nobody_knows(cause: Exception) -> None:
    assert not never_connected(as_ccxt_raises(cause))
