"""Which order of ours stands behind an order id of Bitget's.

Fills carry only the venue's order id, and a triggered plan order fills under the id of another order that it creates.
Whoever learns what belongs together writes it down here; requests and streams look it up.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from messages.orders import OrderReport, OrderSpec, OrderStatus
from messages.values import ClientOrderId, OrderKind, OrderSide, Side, Symbol, VenueOrderId

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
        self._expected: dict[tuple[Symbol, Side | None], OrderSpec] = {}

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
            self._recognise(report)

    def expect(self, entry: OrderSpec) -> None:
        """``entry`` brings a stop of its own, which will carry no id of ours."""
        with self._lock:
            self._expected[entry.symbol, entry.hedge_side] = entry

    def expects(self, client_order_id: ClientOrderId) -> bool:
        """Whether an entry was to bring this stop, and it was not seen yet."""
        with self._lock:
            return any(entry.attached_stop_id == client_order_id for entry in self._expected.values())

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
            self._name(client_order_id, venue_order_id)

    def named(self, client_order_id: ClientOrderId) -> VenueOrderId | None:
        """The venue's id of an order that :meth:`name` told of."""
        with self._lock:
            return self._ids.get(client_order_id)

    def _name(self, client_order_id: ClientOrderId, venue_order_id: VenueOrderId) -> None:
        self._ids[client_order_id] = venue_order_id
        while len(self._ids) > KEPT:
            self._ids.popitem(last=False)

    def _recognise(self, report: OrderReport) -> None:
        """The stop that an entry brought is the anonymous one of its position, at the price that was asked for."""
        key = (report.symbol, report.hedge_side)
        entry = self._expected.get(key)
        anonymous_stop = report.kind is OrderKind.STOP_MARKET and report.client_order_id is None
        if entry is None or entry.attached_stop_id is None or not anonymous_stop:
            return
        if report.status is OrderStatus.WORKING and report.trigger_price == entry.attached_stop_price:
            del self._expected[key]
            self._name(entry.attached_stop_id, report.venue_order_id)


def own_id(row: Mapping[str, Any]) -> ClientOrderId | None:
    """The client's id in a row of Bitget's; a number is what the venue fills in where the client gave none."""
    text = str(row.get("clientOid") or row.get("clientOId") or "")
    return None if not text or text.isdigit() else ClientOrderId(text)
