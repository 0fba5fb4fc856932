"""The audit log of one venue: each request that concerns an order, with its answer and the time of each."""

from dataclasses import replace

import msgspec

from actors.addresses import Directory
from actors.kernel import Context, Ref
from actors.record import Record
from actors.venue_queue import Call
from actors.withdrawn import WithdrawnStops
from messages.journal import AuditRecord
from messages.values import Venue
from messages.venue import VenueAnswer, VenueRequest


class OrderAudit:
    """Hands each row to the journal."""

    def __init__(self, *, venue: Venue, journal: Ref, directory: Directory, owner_epoch: int) -> None:
        self._venue = venue
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._withdrawn = WithdrawnStops(venue=venue, journal=journal, directory=directory, owner_epoch=owner_epoch)

    def record(self, context: Context, call: Call, answer: VenueAnswer) -> None:
        """Put ``call`` and its ``answer``, which came now, on record."""
        self._withdrawn.look(context, call, answer)
        intent = call.job.intent
        row = AuditRecord(
            intent_id=intent.intent_id if intent is not None else None,
            position_id=intent.position_id if intent is not None else None,
            venue=self._venue,
            operation=type(call.request).__name__,
            request=_written(call.request),
            answer=_written(answer),
            requested_ms=call.sent_ms,
            answered_ms=context.now_ms(),
        )
        self._record.write(replace(self._record.blank(context), audit=(row,)))


def _written(value: VenueRequest | VenueAnswer) -> str:
    """Its name, and its fields as JSON: for people, and for what explains a position to them."""
    return f"{type(value).__name__} {msgspec.json.encode(value).decode()}"
