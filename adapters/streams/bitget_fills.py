"""Fills of Bitget's stream that wait until it is known whose they are.

The fill channel names only the venue's order id. The orders channel says which client id that is, a moment sooner or
later; the order that a plan order creates has an id of nobody's, and the link is in the history of plan orders only.
A fill told under a wrong order would be counted twice, so it waits for that a little, and is told without an order
of ours when nothing is found.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import ccxt
from loguru import logger

from adapters.streams.dialect import Listener
from adapters.venues.bitget_errors import RefusedError
from adapters.venues.bitget_links import Links
from adapters.venues.bitget_lookup import Lookup
from adapters.venues.bitget_orders import UnreadableError, fill_report
from adapters.venues.bitget_session import BitgetSession, Clock
from adapters.venues.rest import VenueConfig
from messages.values import Symbol

ORDER_WITHIN_MS: Final = 300
"""How long the orders channel may lag behind before the venue is asked."""
ASK_EVERY_MS: Final = 300
GIVE_UP_MS: Final = 3_000
FOREIGN_KEPT: Final = 1_000
TIMEOUT_MS: Final = 2_000
"""The stream waits for the answer: a slow venue must not keep it from its other messages for long."""


_FAILURES: Final = (ccxt.BaseError, RefusedError, LookupError, TypeError, ValueError)


class PlanSearch:
    """What a stream has to ask by request: the order behind an order id, and the time.

    Each question goes over a connection of its own: they are rare.
    """

    def __init__(self, config: VenueConfig, links: Links, clock: Clock) -> None:
        self._config = config
        self._links = links
        self._clock = clock
        self._clock_is_right = True

    def find(self, symbol: Symbol, order_id: str) -> bool:
        """Whether it is known now."""
        session = self._session()
        try:
            self.mend_clock()
            return self._look(Lookup(session, self._links), symbol, order_id)
        except (*_FAILURES, OSError) as error:
            # It may be the time: the next question begins with that.
            self.mistrust_clock()
            logger.warning("bitget: the order behind a fill cannot be looked up: {}", error)
            return False
        finally:
            session.close()

    def venue_ms(self, now_ms: int) -> int:
        """The venue's time, as far as it is known."""
        return now_ms + self._clock.offset_ms

    def mistrust_clock(self) -> None:
        """A login was refused for its time."""
        self._clock_is_right = False

    def mend_clock(self) -> None:
        """Ask for the time where it was wrong.

        Raises:
            OSError: The venue does not say it.
        """
        if self._clock_is_right:
            return
        session = self._session()
        try:
            session.server_ms()
        except _FAILURES as error:
            raise OSError(f"the venue's time is not known: {error}") from error
        finally:
            session.close()
        self._clock_is_right = True

    def _session(self) -> BitgetSession:
        return BitgetSession(self._config, self._clock, timeout_ms=TIMEOUT_MS)

    def _look(self, lookup: Lookup, symbol: Symbol, order_id: str) -> bool:
        if lookup.learn_child(symbol, order_id):
            return True
        report = lookup.regular(symbol, {"orderId": order_id})
        if report is None or (report.reduce_only and report.client_order_id is None):
            # It may yet turn out to be a plan order's, whose history lags.
            self._links.forget(order_id)
            return False
        return True


@dataclass(slots=True)
class _Held:
    row: Mapping[str, Any]
    since_ms: int
    ask_ms: int


class HeldFills:
    """Tells each fill once its order is known."""

    def __init__(self, links: Links, search: PlanSearch) -> None:
        self.listener: Listener | None = None
        self._links = links
        self._search = search
        self._held: list[_Held] = []
        self._foreign: OrderedDict[str, None] = OrderedDict()

    def add(self, row: Mapping[str, Any], now_ms: int) -> None:
        """A fill came.

        Raises:
            UnreadableError: It is none.
        """
        fill_report(row, None)
        self._held.append(_Held(row, now_ms, now_ms + ORDER_WITHIN_MS))

    def foreign(self, order_id: str) -> None:
        """An order that reduces, and carries no id of a client."""
        self._foreign[order_id] = None
        while len(self._foreign) > FOREIGN_KEPT:
            self._foreign.popitem(last=False)

    def release(self, now_ms: int) -> None:
        """Tell what can be told, in the order in which it came."""
        waiting, self._held = self._held, []
        for held in waiting:
            if not self._told(held, now_ms):
                self._held.append(held)

    def _told(self, held: _Held, now_ms: int) -> bool:
        listener, order_id = self.listener, str(held.row["orderId"])
        if listener is None:
            return False
        known = self._links.find(order_id) is not None
        if not known and (now_ms >= held.ask_ms or self._foreign.pop(order_id, self) is None):
            held.ask_ms = now_ms + ASK_EVERY_MS
            known = self._search.find(Symbol(str(held.row["symbol"])), order_id)
        if not known and now_ms < held.since_ms + GIVE_UP_MS:
            return False
        try:
            listener.on_fill(fill_report(held.row, self._links.find(order_id)))
        except UnreadableError as error:
            logger.warning("bitget: a fill cannot be read: {}", error)
        return True
