"""One actor's side of the record: its decisions, numbered, and handed to the journal."""

from actors.kernel import Context, Ref
from messages.journal import Decision, SignalFate, Verdict
from messages.signals import Signal
from messages.values import Epoch, Venue


class Record:
    """Numbers decisions, so that the journal writes each once, however often it is offered.

    ``series`` keeps those apart that are written by several objects in the name of one actor.
    """

    def __init__(self, *, journal: Ref, owner_epoch: int, series: str = "") -> None:
        self._journal = journal
        self._owner_epoch = owner_epoch
        self._series = series
        self._decisions = 0

    def blank(self, context: Context) -> Decision:
        """A decision of this incarnation, now, with nothing in it yet."""
        self._decisions += 1
        epoch = Epoch(owner=self._owner_epoch, actor=context.epoch)
        return Decision(
            decision_id=f"{context.path}:{self._series}{epoch.owner}.{epoch.actor}.{self._decisions}",
            path=context.path,
            epoch=epoch,
            at_ms=context.now_ms(),
        )

    def write(self, decision: Decision) -> None:
        """Have ``decision`` made durable; what it intends is sent after that."""
        self._journal.tell(decision)


def rejection(signal: Signal, reason: str, *, venue: Venue, at_ms: int) -> SignalFate:
    """The fate of a signal that does not become a position."""
    return SignalFate(
        signal_id=signal.signal_id,
        at_ms=at_ms,
        verdict=Verdict.REJECTED,
        reason=reason,
        symbol=signal.symbol,
        raw=signal.raw,
        wave_ms=signal.timestamp_ms,
        venue=venue,
    )
