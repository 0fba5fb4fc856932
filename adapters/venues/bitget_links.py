"""Which order of ours stands behind an order id of Bitget's.

Fills carry only the venue's order id, and a triggered plan order fills under the id of another order that it creates.
Whoever learns what belongs together writes it down here; requests and streams look it up.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from messages.orders import OrderReport
from messages.values import ClientOrderId, OrderSide, Side, VenueOrderId

KEPT: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The order that fills under some order id: itself, or the plan order that created it."""

    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId | None
    side: OrderSide
    hedge_side: Side | None


class Links:
    """What is known so far; the oldest is forgotten. May be used by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: OrderedDict[str, Link] = OrderedDict()
        self._ids: OrderedDict[ClientOrderId, VenueOrderId] = OrderedDict()

    def learn(self, report: OrderReport, *, executes_as: str | None = None) -> None:
        """``report`` fills under its own id, or under ``executes_as``."""
        link = Link(
            venue_order_id=report.venue_order_id,
            client_order_id=report.client_order_id,
            side=report.side,
            hedge_side=report.hedge_side,
        )
        with self._lock:
            self._links[executes_as or str(report.venue_order_id)] = link
            while len(self._links) > KEPT:
                self._links.popitem(last=False)

    def find(self, order_id: str) -> Link | None:
        """The order behind ``order_id``, where that is known."""
        with self._lock:
            return self._links.get(order_id)

    def forget(self, order_id: str) -> None:
        """What was learnt of ``order_id`` may be wrong."""
        with self._lock:
            self._links.pop(order_id, None)

    def name(self, client_order_id: ClientOrderId, venue_order_id: VenueOrderId) -> None:
        """An order that the venue does not know by an id of ours (a stop that came with its entry) is this one."""
        with self._lock:
            self._ids[client_order_id] = venue_order_id
            while len(self._ids) > KEPT:
                self._ids.popitem(last=False)

    def named(self, client_order_id: ClientOrderId) -> VenueOrderId | None:
        """The venue's id of an order that :meth:`name` told of."""
        with self._lock:
            return self._ids.get(client_order_id)


def own_id(row: Mapping[str, Any]) -> ClientOrderId | None:
    """The client's id in a row of Bitget's; a number is what the venue fills in where the client gave none."""
    text = str(row.get("clientOid") or row.get("clientOId") or "")
    return None if not text or text.isdigit() else ClientOrderId(text)
