"""A venue that takes no stops any more: nothing is opened there while that is so (F10).

**Owns** whether the last new stop was refused because its kind of order is withdrawn.
**Sends** VenueClosed to the risk actor and to the canary, which tries until stops are back; Decision (one alert, and
its end) to the journal.
**On crash** the next answer to a stop tells again.
"""

from dataclasses import replace

from actors.addresses import RISK, Directory, exchange
from actors.kernel import Context, Ref
from actors.record import Record
from actors.venue_queue import Call
from messages.journal import EventRecord, Severity
from messages.supervision import VenueClosed
from messages.values import OrderKind, Venue
from messages.venue import OrderAccepted, OrderRejected, PlaceOrder, RejectReason, VenueAnswer


class WithdrawnStops:
    """Looks at the answers to new stops."""

    def __init__(self, *, venue: Venue, journal: Ref, directory: Directory, owner_epoch: int) -> None:
        self._venue = venue
        self._directory = directory
        self._record = Record(journal=journal, owner_epoch=owner_epoch, series="withdrawn.")
        self._withdrawn = False

    def look(self, context: Context, call: Call, answer: VenueAnswer) -> None:
        """Take note of the ``answer`` to ``call``, whichever request that was."""
        if not isinstance(call.request, PlaceOrder) or call.request.order.kind is not OrderKind.STOP_MARKET:
            return
        match answer:
            case OrderRejected(reason=RejectReason.ORDER_TYPE_WITHDRAWN, text=text) if not self._withdrawn:
                self._withdrawn = True
                self._tell(
                    context,
                    f"{self._venue} takes no new stops: {text}; stops that rest there stay, and levels beyond them are "
                    "watched here, which is weaker: it ends with this process; nothing is opened there",
                    Severity.CRITICAL,
                )
            case OrderAccepted() | OrderRejected(reason=RejectReason.NO_POSITION) if self._withdrawn:
                self._withdrawn = False
                self._tell(context, f"{self._venue} takes stops again", Severity.WARNING)
            case _:
                pass

    def _tell(self, context: Context, text: str, severity: Severity) -> None:
        closed = VenueClosed(venue=self._venue, by="stops", why=text if self._withdrawn else "")
        for path in (RISK, exchange(self._venue, "canary")):
            listener = self._directory(path)
            if listener is not None:
                listener.tell(closed)
        blank = self._record.blank(context)
        event = EventRecord(
            kind="stops_withdrawn", severity=severity, text=text, at_ms=blank.at_ms, subject=self._venue
        )
        self._record.write(replace(blank, events=(event,)))
