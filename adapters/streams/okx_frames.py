"""The frames of OKX's streams: what arrives, and what is sent to log in and to subscribe."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Mapping, Sequence
from typing import Final

import ccxt
import msgspec

from adapters.venues.okx_http import MeaninglessAnswerError, OkxHttp, VenueClock
from adapters.venues.rest import VenueConfig

LIVE: Final = "wss://ws.okx.com:8443"
DEMO: Final = "wss://wspap.okx.com:8443"
PING: Final = "ping"
PONG: Final = b"pong"
MAX_ARGS: Final = 100
"""Channels in one message; OKX takes 64 KB."""
LEAVE: Final = "64008"
"""The notice that a connection is going to be closed for an upgrade."""
FATAL: Final = frozenset({"60005", "60007", "60009", "60022", "60024", "60032"})
"""Login errors that are about the key, not about the moment."""

EXPIRED: Final = "60006"
"""The login's timestamp is too far from OKX's clock."""
SENSELESS: Final = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
"""What reading a message may raise: no JSON, no text, no number, a number beyond all bounds, brackets without end."""


class LoginClock:
    """OKX's time for logins: ours, until a login is refused for it; then REST is asked, once, before the next one."""

    def __init__(self, config: VenueConfig, clock: VenueClock) -> None:
        self._config = config
        self._clock = clock
        self._refused = threading.Event()

    def now_ms(self, ours_ms: int) -> int:
        """What OKX takes the time to be."""
        return ours_ms + self._clock.ahead_ms

    def refused(self) -> None:
        """A login was refused for its time."""
        self._refused.set()

    def mend(self) -> None:
        """Measure again where that is needed; blocks.

        Raises:
            OSError: REST did not say.
        """
        if not self._refused.is_set():
            return
        http = OkxHttp(self._config, self._clock)
        try:
            http.server_ms()
        except (ccxt.BaseError, MeaninglessAnswerError) as error:
            raise OSError(f"OKX's clock cannot be read: {error}") from error
        finally:
            http.close()
        self._refused.clear()


class Arg(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What was subscribed to."""

    channel: str = ""
    inst_id: str = ""
    inst_type: str = ""


class Frame(msgspec.Struct, frozen=True):
    """Any message: an event, or data of a channel, which stays raw until it is known which."""

    event: str = ""
    code: str = ""
    msg: str = ""
    arg: Arg = Arg()
    data: msgspec.Raw = msgspec.Raw(b"[]")


_DECODER: Final = msgspec.json.Decoder(Frame)


def decode(data: bytes) -> Frame:
    """One message.

    Raises:
        msgspec.DecodeError: It is none of OKX's.
        UnicodeDecodeError: It is no text.
    """
    return _DECODER.decode(data)


def base_url(config: VenueConfig) -> str:
    """Where OKX's streams are, without a path."""
    if config.ws_url is not None:
        return config.ws_url
    return DEMO if config.testnet else LIVE


def login(config: VenueConfig, now_ms: int) -> str:
    """The login; its timestamp is in seconds."""
    seconds = str(now_ms // 1_000)
    signed = hmac.new(config.api_secret.encode(), f"{seconds}GET/users/self/verify".encode(), hashlib.sha256)
    return said(
        {
            "op": "login",
            "args": [
                {
                    "apiKey": config.api_key,
                    "passphrase": config.api_passphrase,
                    "timestamp": seconds,
                    "sign": base64.b64encode(signed.digest()).decode(),
                }
            ],
        }
    )


def channels(operation: str, wanted: Sequence[Mapping[str, str]]) -> list[str]:
    """``subscribe`` or ``unsubscribe``, in as many messages as it takes."""
    pages = (wanted[start : start + MAX_ARGS] for start in range(0, len(wanted), MAX_ARGS))
    return [said({"op": operation, "args": list(page)}) for page in pages]


def said(message: object) -> str:
    """JSON text."""
    return msgspec.json.encode(message).decode()
