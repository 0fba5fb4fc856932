"""Positions as they are after decisions that the store does not have yet: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from messages.journal import Decision, RestoredPosition
from messages.state import Intent, IntentStatus, PositionPhase, PositionState, TrailingState
from messages.values import IntentId, PositionId

_ENDED = frozenset({PositionPhase.CLOSED, PositionPhase.ROLLED_BACK})
_OPEN = frozenset({IntentStatus.INTENDED, IntentStatus.UNKNOWN})


@dataclass(slots=True)
class _Picture:
    position: PositionState | None = None
    trailing: TrailingState | None = None
    intents: dict[IntentId, Intent] = field(default_factory=dict)


def overlay(restored: Sequence[RestoredPosition], decisions: Iterable[Decision]) -> list[RestoredPosition]:
    """``restored`` with ``decisions`` applied in order; positions that ended are left out."""
    pictures = {
        known.position.position_id: _Picture(
            position=known.position,
            trailing=known.trailing,
            intents={intent.intent_id: intent for intent in known.open_intents},
        )
        for known in restored
    }
    for decision in decisions:
        _apply(pictures, decision)
    return [
        RestoredPosition(
            position=picture.position,
            trailing=picture.trailing,
            open_intents=tuple(picture.intents.values()),
        )
        for picture in pictures.values()
        if picture.position is not None and picture.position.phase not in _ENDED
    ]


def _apply(pictures: dict[PositionId, _Picture], decision: Decision) -> None:
    if decision.position is not None:
        pictures.setdefault(decision.position.position_id, _Picture()).position = decision.position
    if decision.trailing is not None:
        pictures.setdefault(decision.trailing.position_id, _Picture()).trailing = decision.trailing
    for intent in decision.intents:
        pictures.setdefault(intent.position_id, _Picture()).intents[intent.intent_id] = intent
    for outcome in decision.outcomes:
        if outcome.status not in _OPEN:
            for picture in pictures.values():
                picture.intents.pop(outcome.intent_id, None)
