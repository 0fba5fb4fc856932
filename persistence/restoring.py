"""What a restart reads (S5): positions that are not ended, their trailing state, and intents whose outcome is open."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from loguru import logger
from sqlalchemy import Connection, Row, select

from messages.journal import SYMBOL_LOCKED, SYMBOL_UNLOCKED, KnownSignal, PositionResult, RestoredPosition, Verdict
from messages.state import Intent, PositionState, TrailingPhase, TrailingState
from messages.values import PositionId
from persistence.codec import Undecodable, decode_intent, decode_position
from persistence.tables import (
    ENDED_PHASES,
    OPEN_STATUSES,
    decisions,
    events,
    orders,
    positions,
    signals_log,
    trailing_stop_state,
)

_IDS_A_QUERY: Final = 1_000
_OPEN: Final = positions.c.phase.not_in(ENDED_PHASES)


def open_positions(connection: Connection, account: str) -> list[RestoredPosition]:
    """Every position that is not ended, oldest first; a row that something else spoiled is left out, loudly."""
    trailing = _trailing(connection, account)
    intents = _open_intents(connection, account)
    states = connection.execute(
        select(positions.c.state)
        .where(positions.c.account == account, _OPEN)
        .order_by(positions.c.opened_ms, positions.c.position_id),
    ).scalars()
    restored: list[RestoredPosition] = []
    for state in states:
        try:
            position = decode_position(state)
        except Undecodable as error:
            # Its venue position is found as an untracked one and protected; the others must not wait for a person.
            logger.critical("a row of positions cannot be read and is left out: {}", error)
            continue
        restored.append(
            RestoredPosition(
                position=position,
                trailing=trailing.get(position.position_id),
                open_intents=tuple(intents.get(position.position_id, ())),
            ),
        )
    return restored


def known_signals(connection: Connection, account: str, since_ms: int) -> dict[str, KnownSignal]:
    """The signals whose fate was recorded at ``since_ms`` or later, by their ids."""
    log = signals_log.c
    found = connection.execute(
        select(log.signal_id, log.verdict, log.at_ms, log.wave_ms).where(log.account == account, log.at_ms >= since_ms),
    )
    return {
        row.signal_id: KnownSignal(verdict=Verdict(row.verdict), at_ms=row.at_ms, wave_ms=row.wave_ms) for row in found
    }


def symbol_locks(connection: Connection, account: str) -> dict[str, str]:
    """Why nothing is opened on a symbol, for each that is locked: of its events the last one counts."""
    log = events.c
    told = connection.execute(
        select(log.kind, log.subject, log.text)
        .where(log.account == account, log.kind.in_((SYMBOL_LOCKED, SYMBOL_UNLOCKED)))
        .order_by(log.id),
    )
    last = {row.subject: row for row in told}
    return {symbol: row.text for symbol, row in last.items() if row.kind == SYMBOL_LOCKED}


def position_results(connection: Connection, account: str, since_ms: int) -> list[PositionResult]:
    """What each position came to that was closed at ``since_ms`` or later."""
    states = connection.execute(
        select(positions.c.state).where(positions.c.account == account, positions.c.closed_ms >= since_ms),
    ).scalars()
    found: list[PositionResult] = []
    for state in states:
        try:
            found += result_of(decode_position(state))
        except Undecodable as error:
            logger.error("a row of positions cannot be read, its result is not counted: {}", error)
    return found


def result_of(position: PositionState) -> list[PositionResult]:
    """One result; none before it is closed, and of an entry that never filled."""
    if position.closed_ms is None or position.opened_quantity == 0:
        return []
    net_pnl = position.realized_pnl - position.commission + position.funding
    return [PositionResult(position_id=position.position_id, closed_ms=position.closed_ms, net_pnl=net_pnl)]


def applied_decisions(connection: Connection, account: str, decision_ids: Sequence[str]) -> frozenset[str]:
    """Which of ``decision_ids`` are applied."""
    found: set[str] = set()
    for start in range(0, len(decision_ids), _IDS_A_QUERY):
        asked = decision_ids[start : start + _IDS_A_QUERY]
        found.update(
            connection.execute(
                select(decisions.c.decision_id).where(
                    decisions.c.account == account,
                    decisions.c.decision_id.in_(asked),
                ),
            ).scalars(),
        )
    return frozenset(found)


def _trailing(connection: Connection, account: str) -> dict[PositionId, TrailingState]:
    rows = connection.execute(
        select(trailing_stop_state)
        .join(
            positions,
            (positions.c.account == trailing_stop_state.c.account)
            & (positions.c.position_id == trailing_stop_state.c.position_id),
        )
        .where(positions.c.account == account, _OPEN),
    )
    return {PositionId(row.position_id): trailing_of(row) for row in rows}


def trailing_of(row: Row[Any]) -> TrailingState:
    """A row of ``trailing_stop_state`` as the state it was written from."""
    return TrailingState(
        position_id=PositionId(row.position_id),
        phase=TrailingPhase(row.phase),
        highest=row.highest,
        lowest=row.lowest,
        activation_price=row.activation_price,
        callback_percent=row.callback_percent,
        stop_price=row.stop_price,
        update_count=row.update_count,
        last_update_ms=row.last_update_ms,
    )


def _open_intents(connection: Connection, account: str) -> dict[PositionId, list[Intent]]:
    rows = connection.execute(
        select(orders.c.intent)
        .where(orders.c.account == account, orders.c.status.in_(OPEN_STATUSES))
        .order_by(orders.c.created_ms, orders.c.intent_id),
    ).scalars()
    found: defaultdict[PositionId, list[Intent]] = defaultdict(list)
    for row in rows:
        try:
            intent = decode_intent(row)
        except Undecodable as error:
            logger.critical("a row of orders cannot be read and is left out: {}", error)
            continue
        found[intent.position_id].append(intent)
    return found
