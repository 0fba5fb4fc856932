"""Who may write: pure decisions over what the store says inside the transaction.

1. A decision of an earlier owner of the account, or of an earlier incarnation of its actor, is stale.
2. Nobody writes under an epoch that was never given out.
3. A decision that is applied already is not applied again, also within one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from messages.journal import Decision
from messages.values import Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerMark:
    """One process's ownership of an account. ``nonce`` is its own: two processes never share a mark."""

    epoch: int
    nonce: str
    owner_name: str


NOBODY = OwnerMark(epoch=0, nonce="", owner_name="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fences:
    """What the store says, inside the transaction, about the writers of a batch."""

    owner: OwnerMark = NOBODY
    writers: dict[str, Epoch] = field(default_factory=dict)
    applied: frozenset[str] = frozenset()


class Standing(Enum):
    """What is to be done with a decision."""

    FRESH = auto()
    APPLIED = auto()
    STALE = auto()
    UNKNOWN_OWNER = auto()


def standings(decisions: Sequence[Decision], fences: Fences, *, held: OwnerMark | None) -> list[Standing]:
    """The standing of each decision; ``held`` is the mark this process writes under, ``None`` when it took none."""
    writers = dict(fences.writers)
    applied = set(fences.applied)
    deposed = held is not None and held.epoch == fences.owner.epoch and held.nonce != fences.owner.nonce
    found: list[Standing] = []
    for decision in decisions:
        standing = _standing(decision, fences.owner.epoch, writers, applied, deposed=deposed)
        if standing is Standing.FRESH:
            writers[decision.path] = decision.epoch
            applied.add(decision.decision_id)
        found.append(standing)
    return found


def is_deposed(decision: Decision, fences: Fences, *, held: OwnerMark | None) -> bool:
    """Whether ``decision`` is one of a process whose account another one has taken over."""
    another = held is not None and held.epoch == fences.owner.epoch and held.nonce != fences.owner.nonce
    return another or decision.epoch.owner < fences.owner.epoch


def _standing(
    decision: Decision,
    owner_epoch: int,
    writers: dict[str, Epoch],
    applied: set[str],
    *,
    deposed: bool,
) -> Standing:
    if decision.decision_id in applied:
        return Standing.APPLIED
    if decision.epoch.owner > owner_epoch:
        return Standing.UNKNOWN_OWNER
    if deposed or decision.epoch.owner < owner_epoch:
        return Standing.STALE
    latest = writers.get(decision.path)
    return Standing.STALE if latest is not None and decision.epoch < latest else Standing.FRESH
