"""Bybit's REST over ccxt's sync class, unmodified: it signs, sends and recognises errors; we spell the requests.

Only raw methods are used. They send our strings as they are, where the unified ones convert through their own rounding,
drop ``reduceOnly`` in hedge mode and answer without ids; and they need no market list, so none is loaded.
"""

import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, TypeVar

import ccxt
import msgspec

from adapters.venues.bybit_errors import BybitRefusedError, refusal, refusal_of
from adapters.venues.bybit_rows import CATEGORY
from adapters.venues.http_status import NOT_THE_VENUES_WORD
from adapters.venues.rest import VenueConfig
from messages.values import MarginMode
from messages.venue import OutcomeUnknown, RejectReason

Params: TypeAlias = dict[str, object]
_Row = TypeVar("_Row", bound=msgspec.Struct)
MOST_PAGES: Final = 200
"""A venue that always names a next page would otherwise be read for ever."""


class AccountMemory:
    """What all clients of one account share: the clock's offset, and the margin mode, which is the account's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset_ms = 0
        self._margin_mode: MarginMode | None = None

    @property
    def offset_ms(self) -> int:
        """How far the local clock is ahead of the venue's."""
        with self._lock:
            return self._offset_ms

    @offset_ms.setter
    def offset_ms(self, value: int) -> None:
        with self._lock:
            self._offset_ms = value

    @property
    def margin_mode(self) -> MarginMode | None:
        """The account's margin mode when it was last read or set."""
        with self._lock:
            return self._margin_mode

    @margin_mode.setter
    def margin_mode(self, value: MarginMode) -> None:
        with self._lock:
            self._margin_mode = value


class BybitHttp:
    """One ccxt client; for one thread."""

    def __init__(self, config: VenueConfig, memory: AccountMemory) -> None:
        self.memory = memory
        self._outside = config.outside
        self._ccxt = ccxt.bybit(
            {
                "apiKey": config.api_key,
                "secret": config.api_secret,
                "enableRateLimit": False,
                "httpExceptions": dict(NOT_THE_VENUES_WORD),
                "timeout": config.timeout_ms,
                "options": {
                    "defaultType": "swap",
                    "fetchMarkets": {"types": ["linear"]},
                    "enableUnifiedMargin": False,
                    "enableUnifiedAccount": True,
                    "unifiedMarginStatus": 6,
                },
            }
        )
        self._ccxt.has["fetchCurrencies"] = False
        self._ccxt.milliseconds = config.outside.now_ms
        if config.testnet:
            self._ccxt.set_sandbox_mode(True)
        if config.rest_url is not None:
            urls = self._ccxt.urls["api"]
            urls.update({name: config.rest_url for name, url in urls.items() if isinstance(url, str)})

    def call(self, method: str, params: Params) -> Mapping[str, Any]:
        """Send ``params`` by ccxt's raw ``method``; gives ``result``.

        Raises:
            BybitRefusedError: It did not succeed; says what that means.
        """
        return self._result(self._send(method, params))

    def pages(self, method: str, params: Params, row_type: type[_Row]) -> Iterator[_Row]:
        """The rows of all pages.

        Raises:
            BybitRefusedError: One of them could not be read.
        """
        asked = dict(params)
        for _ in range(MOST_PAGES):
            result = self.call(method, asked)
            yield from self.rows(result, row_type)
            cursor = result.get("nextPageCursor")
            if not cursor or not result.get("list"):
                return
            asked["cursor"] = cursor
        raise BybitRefusedError(OutcomeUnknown(text=f"{method}: more than {MOST_PAGES} pages"))

    def rows(self, result: Mapping[str, Any], row_type: type[_Row]) -> list[_Row]:
        """The rows of one answer.

        Raises:
            BybitRefusedError: They are not what they should be.
        """
        try:
            return msgspec.convert(result.get("list", []), list[row_type], strict=False)  # type: ignore[valid-type]
        except msgspec.ValidationError as error:
            raise BybitRefusedError(OutcomeUnknown(text=f"an answer that is not understood: {error}")) from error

    def server_ms(self) -> int:
        """The venue's clock, UTC in milliseconds; all clients sign by it from now on.

        Raises:
            BybitRefusedError: It could not be read.
        """
        answer = self._send("publicGetV5MarketTime", {})
        self._result(answer)
        server_ms = answer.get("time")
        if not isinstance(server_ms, int):
            raise BybitRefusedError(OutcomeUnknown(text="the venue's clock is no number"))
        self.memory.offset_ms = int(self._ccxt.milliseconds()) - server_ms
        return server_ms

    def local_ms(self) -> int:
        """The local clock, UTC in milliseconds."""
        return int(self._ccxt.milliseconds())

    def wait(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self._outside.wait(threading.Event(), seconds)

    def close(self) -> None:
        """Let go of the connection."""
        self._ccxt.session.close()

    def _send(self, method: str, params: Params) -> Any:
        self._ccxt.options["timeDifference"] = self.memory.offset_ms
        try:
            return getattr(self._ccxt, method)(params)
        except ccxt.BaseError as error:
            headers = self._ccxt.last_response_headers or {}
            refused = refusal_of(error, headers, self.local_ms() - self.memory.offset_ms)
            self._mend_clock(refused)
            raise refused from error

    def _mend_clock(self, refused: BybitRefusedError) -> None:
        answer = refused.answer
        if isinstance(answer, OutcomeUnknown) or answer.reason is not RejectReason.CLOCK:
            return
        try:
            self.server_ms()
        except BybitRefusedError:
            # The refusal stands, and is told; the next one tries again.
            return

    def _result(self, answer: Any) -> Mapping[str, Any]:
        """The ``result`` of an answer; HTTP 200 with anything else in it is no success."""
        if not isinstance(answer, dict) or "retCode" not in answer:
            raise BybitRefusedError(OutcomeUnknown(text=f"not an answer of Bybit's: {str(answer)[:120]!r}"))
        if answer["retCode"] != 0:
            raise refusal(int(answer["retCode"]), str(answer.get("retMsg", "")))
        result = answer.get("result")
        return result if isinstance(result, dict) else {}


def of_category(**params: object) -> Params:
    """Parameters of a request about USDT perpetuals; those that are ``None`` are left out."""
    return {"category": CATEGORY, **{name: value for name, value in params.items() if value is not None}}
