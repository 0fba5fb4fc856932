"""One ccxt client of Bitget's classic v2 futures: raw calls, every page, and what of an answer can be relied on.

The raw methods are used throughout: ccxt's unified orders carry floats, hide the plan type, and cannot place a stop for
the whole position or move one with its trigger type.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import ccxt

from adapters.venues.bitget_errors import SUCCESS, RefusedError, meaning
from adapters.venues.bitget_orders import PRODUCT, Row
from adapters.venues.http_status import NOT_THE_VENUES_WORD
from adapters.venues.rest import VenueConfig
from messages.venue import OutcomeUnknown

PAGE: Final = 100
MAX_PAGES: Final = 200
"""Twenty times what an account may have open; a cursor that goes on beyond that goes in circles."""


class Clock:
    """By how much the venue's clock is ahead of ours, for all clients of one account."""

    def __init__(self) -> None:
        self.offset_ms = 0


class BitgetSession:
    """Raw requests of one thread."""

    def __init__(self, config: VenueConfig, clock: Clock, *, timeout_ms: int | None = None) -> None:
        self._clock = clock
        exchange = ccxt.bitget(
            {
                "apiKey": config.api_key,
                "secret": config.api_secret,
                "password": config.api_passphrase,
                "enableRateLimit": False,
                "httpExceptions": dict(NOT_THE_VENUES_WORD),
                "timeout": config.timeout_ms if timeout_ms is None else timeout_ms,
                "options": {"defaultType": "swap", "uta": False, "fetchMarkets": {"types": ["swap"]}},
            }
        )
        exchange.has["fetchCurrencies"] = False
        exchange.milliseconds = config.outside.now_ms
        if config.testnet:
            exchange.set_sandbox_mode(True)
        if config.rest_url is not None:
            for name, url in list(exchange.urls["api"].items()):
                if isinstance(url, str):
                    exchange.urls["api"][name] = config.rest_url
        self._exchange = exchange
        self.now_ms = config.outside.now_ms
        """UTC in milliseconds, by our own clock."""

    def close(self) -> None:
        """Let go of the connection."""
        self._exchange.session.close()

    def get(self, name: str, **params: str) -> Any:
        """The data of a private ``GET /api/v2/mix/…``; ``name`` is the rest of ccxt's method name.

        Raises:
            ccxt.BaseError: As ccxt says.
            RefusedError: The answer is no answer.
        """
        return self._call(f"privateMixGetV2Mix{name}", {"productType": PRODUCT, **params})

    def private(self, name: str, **params: str) -> Any:
        """The data of a private request beside futures; ``name`` is the rest of ccxt's method name.

        Raises:
            ccxt.BaseError: As ccxt says.
            RefusedError: The answer is no answer.
        """
        return self._call(f"private{name}", params)

    def post(self, name: str, body: Mapping[str, Any]) -> Any:
        """The data of a private ``POST``; the keys go out in their order."""
        return self._call(f"privateMixPostV2Mix{name}", dict(body))

    def public(self, name: str, **params: str) -> Any:
        """The data of a public request."""
        return self._call(f"public{name}", params)

    def pages(
        self, name: str, key: str, params: Mapping[str, str], *, until: Callable[[Row], bool] | None = None
    ) -> list[Row]:
        """All rows of a list, newest first, page by page; ``until`` ends the search with the row that it accepts."""
        rows: list[Row] = []
        cursor: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            data = self.get(name, limit=str(PAGE), **params, **cursor) or {}
            page = data.get(key) or []
            rows += page
            end = str(data.get("endId") or "")
            found = until is not None and any(until(row) for row in page)
            if found or len(page) < PAGE or not end or cursor.get("idLessThan") == end:
                return rows
            cursor = {"idLessThan": end}
        raise RefusedError(OutcomeUnknown(text=f"{name}: more than {MAX_PAGES} pages"))

    def server_ms(self) -> int:
        """The venue's clock; the next requests are signed by it."""
        began_ms = self.now_ms()
        data = self.public("CommonGetV2PublicTime")
        server_ms = int(data["serverTime"])
        self._clock.offset_ms = server_ms - (began_ms + self.now_ms()) // 2
        return server_ms

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        self._exchange.options["timeDifference"] = -self._clock.offset_ms
        response = getattr(self._exchange, method)(dict(params))
        if not isinstance(response, dict) or "code" not in response:
            raise RefusedError(OutcomeUnknown(text=f"{method}: {str(response)[:200]!r} is no answer"))
        if str(response["code"]) != SUCCESS:
            raise RefusedError(meaning(str(response["code"]), str(response.get("msg") or "")))
        return response.get("data")
