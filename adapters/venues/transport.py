"""What is certain of a request that failed on its way, whichever venue it was for."""

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError


def never_connected(error: BaseException) -> bool:
    """Whether no connection was made at all, so that not a byte of the request can have left.

    ccxt raises its own exceptions from those of requests, which carry urllib3's as their first argument's reason.
    """
    cause: BaseException | None = error
    while cause is not None:
        inner = cause.args[0] if cause.args else None
        reason = getattr(inner, "reason", inner)
        if isinstance(cause, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ConnectTimeoutError):
            return True
        cause = cause.__cause__
    return False
