"""One ccxt client for OKX, and what its answers are before anybody reads them as orders.

Native calls throughout: they carry OKX's own texts, so that no number passes through a float, and ccxt's unified
orders lose the client ids of algo orders. ccxt signs and sends.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import ccxt
import msgspec

from adapters.venues.http_status import NOT_THE_VENUES_WORD
from adapters.venues.okx_errors import RefusedError
from adapters.venues.okx_requests import Params
from adapters.venues.okx_rows import read_rows
from adapters.venues.rest import VenueConfig

PAGE: Final = 100
MAX_PAGES: Final = 200
"""Twenty thousand rows; who has more than that is told that the answer is incomplete, not given a part of it."""
_Row = TypeVar("_Row", bound=msgspec.Struct)


class MeaninglessAnswerError(Exception):
    """An answer of HTTP 200 that is not what OKX answers: it proves nothing."""


class VenueClock:
    """How far OKX's clock is ahead of ours, known to all clients of the account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead_ms = 0

    @property
    def ahead_ms(self) -> int:
        """By how many milliseconds; zero until it was measured."""
        return self._ahead_ms

    def measured(self, server_ms: int, before_ms: int, after_ms: int) -> None:
        """OKX said ``server_ms`` to a request that was under way between these two times of ours."""
        with self._lock:
            self._ahead_ms = server_ms - (before_ms + after_ms) // 2


class OkxHttp:
    """A ccxt client of one thread's own."""

    def __init__(self, config: VenueConfig, clock: VenueClock) -> None:
        self._clock = clock
        self.ccxt: Any = ccxt.okx(
            {
                "apiKey": config.api_key,
                "secret": config.api_secret,
                "password": config.api_passphrase,
                "enableRateLimit": False,
                "httpExceptions": dict(NOT_THE_VENUES_WORD),
                "timeout": config.timeout_ms,
                "options": {
                    "defaultType": "swap",
                    "fetchMarkets": {"types": ["swap"]},
                    "createOrder": "privatePostTradeOrder",
                },
            }
        )
        self.ccxt.has["fetchCurrencies"] = False
        self.ccxt.milliseconds = config.outside.now_ms
        self.now_ms = config.outside.now_ms
        """Our clock, UTC in milliseconds."""
        if config.testnet:
            self.ccxt.set_sandbox_mode(True)
        if config.rest_url is not None:
            self.ccxt.urls["api"]["rest"] = config.rest_url

    def server_ms(self) -> int:
        """OKX's clock; what is signed from now on follows it.

        Raises:
            ccxt.BaseError: It did not answer.
            MeaninglessAnswerError: It answered something else.
        """
        before_ms = self.now_ms()
        server_ms = self.ccxt.fetch_time()
        if not isinstance(server_ms, int):
            raise MeaninglessAnswerError("no time in the answer")
        self._clock.measured(server_ms, before_ms, self.now_ms())
        return server_ms

    def rows(self, method: str, params: Params | list[Params], row: type[_Row]) -> list[_Row]:
        """The rows of one answer.

        Raises:
            RefusedError: OKX said no, in the envelope or in a row.
            ccxt.BaseError: The transport failed, or OKX said no with a code that ccxt knows.
            MeaninglessAnswerError: It is not what OKX answers.
        """
        self.ccxt.options["timeDifference"] = -self._clock.ahead_ms
        call: Callable[[Params | list[Params]], object] = getattr(self.ccxt, method)
        answer = call(params)
        if not isinstance(answer, Mapping) or not isinstance(answer.get("data"), list):
            raise MeaninglessAnswerError(f"{method}: {str(answer)[:200]}")
        data: list[object] = answer["data"]
        for each in data:
            # ccxt takes the codes 0 and 2 for success, whatever the rows say.
            code = str(each.get("sCode") or "0") if isinstance(each, Mapping) else "0"
            if isinstance(each, Mapping) and code != "0":
                raise RefusedError(code, str(each.get("sMsg") or ""))
        try:
            return read_rows(row, data)
        except ValueError as error:
            raise MeaninglessAnswerError(f"{method}: {error}") from error

    def all_rows(self, method: str, params: Params, row: type[_Row], id_of: Callable[[_Row], str]) -> list[_Row]:
        """Every row of every page, as OKX sorts them: newest first.

        Raises:
            RefusedError, ccxt.BaseError, MeaninglessAnswerError: As :meth:`rows`, for any of the pages; or there is
                no end of pages.
        """
        found: list[_Row] = []
        after: Params = {}
        for _ in range(MAX_PAGES):
            page = self.rows(method, params | after, row)
            found.extend(page)
            if len(page) < PAGE:
                return found
            after = {"after": id_of(page[-1])}
        raise MeaninglessAnswerError(f"{method}: more than {MAX_PAGES} pages")

    def close(self) -> None:
        """Let go of the connection."""
        session = self.ccxt.session
        if session is not None:
            session.close()
