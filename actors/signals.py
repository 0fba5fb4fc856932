"""Signals on their way from a source to a decision.

**Owns** which signals were seen, and what the parser says of each.
**Accepts** RawSignal (from any source: file, demo, server, shell), SignalsRestored (from the journal).
**Sends** ConsiderSignal to the risk actor, Decision (a refused signal's fate) to the journal.
**On crash** the ids that are on record are read again; a signal whose fate was not recorded may be offered again.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never

from actors.kernel import Actor, Ref
from actors.record import Record
from messages.journal import SignalFate, Verdict
from messages.supervision import ConsiderSignal, RawSignal, RestoreSignals, SignalsRestored
from messages.values import Venue
from rules.signal_intake import SignalRefused, parse_signal

SEEN_KEPT: Final = 50_000
KNOWN_FOR_MS: Final = 7 * 24 * 3_600_000


class SignalActor(Actor):
    """Each signal is considered once, also across a restart, and has its fate recorded."""

    def __init__(
        self,
        *,
        journal: Ref,
        risk: Ref,
        venues: Sequence[Venue],
        max_age_s: float,
        owner_epoch: int,
    ) -> None:
        super().__init__()
        self._journal = journal
        self._risk = risk
        self._venues = tuple(venues)
        self._max_age_s = max_age_s
        self._record = Record(journal=journal, owner_epoch=owner_epoch)
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._restored = False
        self._waiting: list[RawSignal] = []

    def on_start(self) -> None:
        self._journal.tell(RestoreSignals(path=self.context.path, since_ms=self.context.now_ms() - KNOWN_FOR_MS))

    def on_receive(self, message: RawSignal | SignalsRestored) -> None:
        match message:
            case SignalsRestored(signal_ids=signal_ids):
                self._seen.update(dict.fromkeys(signal_ids))
                self._restored = True
                waiting, self._waiting = self._waiting, []
                for raw in waiting:
                    self._consider(raw)
            case RawSignal():
                if self._restored:
                    self._consider(message)
                else:
                    self._waiting.append(message)
            case _:
                assert_never(message)

    def _consider(self, message: RawSignal) -> None:
        parsed = parse_signal(message.raw, now_ms=self.context.now_ms(), max_age_s=self._max_age_s, venues=self._venues)
        if isinstance(parsed, SignalRefused):
            if self._is_new(parsed.signal_id):
                self._refuse(parsed)
        elif self._is_new(parsed.signal_id):
            self._risk.tell(ConsiderSignal(signal=parsed, venue=parsed.venue or self._venues[0]))

    def _is_new(self, signal_id: str) -> bool:
        if signal_id in self._seen:
            return False
        self._seen[signal_id] = None
        while len(self._seen) > SEEN_KEPT:
            self._seen.popitem(last=False)
        return True

    def _refuse(self, refused: SignalRefused) -> None:
        blank = self._record.blank(self.context)
        fate = SignalFate(
            signal_id=refused.signal_id,
            at_ms=blank.at_ms,
            verdict=Verdict.REJECTED,
            reason=refused.reason,
            symbol=refused.symbol,
            raw=refused.raw,
        )
        self._record.write(replace(blank, signals=(fate,)))
