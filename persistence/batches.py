"""One batch of decisions inside one transaction: what is written, what is refused, and what is answered."""

from collections.abc import Sequence
from typing import Final

from loguru import logger

from messages.journal import CommitResult, Decision, Durability
from persistence.fencing import Fences, OwnerMark, Standing, is_deposed, standings
from persistence.rows import Rows, refused_row, rows_of
from persistence.writer import Poisoned, Writer

_STALE: Final = "stale: a later owner of the account, or a later incarnation of the actor, has written since"
_UNKNOWN_OWNER: Final = "owner epoch {} was never given out by this database: take ownership first"


def write_batch(
    writer: Writer,
    decisions: Sequence[Decision],
    *,
    account: str,
    fences: Fences,
    held: OwnerMark | None,
    draining: bool,
    singly: bool,
) -> list[CommitResult]:
    """Write ``decisions`` into the open transaction; results in the same order.

    Args:
        writer: In a transaction that answered ``fences``.
        decisions: In the order in which they were decided.
        account: Whose rows they become.
        fences: What the store says about their writers.
        held: The ownership this process writes under.
        draining: They come from the spool: stale ones are kept in ``refused_decisions`` as well.
        singly: Each under a savepoint of its own, so that a refused one costs nothing but itself.

    Raises:
        Poisoned: The database refuses one of them, and ``singly`` is not set.
        StoreUnavailable: The transaction is lost.
    """
    found = list(zip(decisions, standings(decisions, fences, held=held), strict=True))
    refusals = {
        decision.decision_id: _UNKNOWN_OWNER.format(decision.epoch.owner)
        for decision, standing in found
        if standing is Standing.UNKNOWN_OWNER
    }
    fresh = [decision for decision, standing in found if standing is Standing.FRESH]
    if singly:
        refusals |= _apply_singly(writer, fresh, account)
    elif fresh:
        writer.apply(_rows(fresh, account))
    for decision_id, error in refusals.items():
        logger.error("the database refuses decision {}: {}", decision_id, error)
    kept = dict(refusals)
    if draining:
        kept |= {decision.decision_id: _STALE for decision, standing in found if standing is Standing.STALE}
    if kept:
        writer.refuse(
            [
                refused_row(decision, account=account, error=kept[decision.decision_id])
                for decision, standing in found
                if decision.decision_id in kept and standing is not Standing.APPLIED
            ],
        )
    return [
        _result(
            decision,
            standing,
            refused=refusals.get(decision.decision_id, ""),
            deposed=is_deposed(decision, fences, held=held),
        )
        for decision, standing in found
    ]


def _apply_singly(writer: Writer, fresh: Sequence[Decision], account: str) -> dict[str, str]:
    refusals: dict[str, str] = {}
    for decision in fresh:
        writer.savepoint()
        try:
            writer.apply(_rows([decision], account))
        except Poisoned as refusal:
            writer.undo()
            refusals[decision.decision_id] = str(refusal)
    return refusals


def _rows(decisions: Sequence[Decision], account: str) -> Rows:
    try:
        return rows_of(decisions, account=account)
    except ValueError as error:
        raise Poisoned(str(error)) from error


def _result(decision: Decision, standing: Standing, *, refused: str, deposed: bool) -> CommitResult:
    stale = standing is Standing.STALE
    return CommitResult(
        decision_id=decision.decision_id,
        stale=stale,
        durability=Durability.NOWHERE if stale or refused else Durability.STORE,
        repeated=standing is Standing.APPLIED and not refused,
        refused=refused,
        deposed=stale and deposed,
    )
