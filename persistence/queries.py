"""What the status, the shell, ``db``, ``check`` and ``explain`` read. Bounded; newest first unless said."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, literal, select

from messages.journal import (
    AuditRecord,
    EventRecord,
    PositionFill,
    PositionFunding,
    Severity,
    SignalFate,
    TradeTotals,
    Verdict,
)
from messages.orders import FillKind, FillReport, FundingReport
from messages.state import Intent, IntentStatus, PositionState, TrailingState
from messages.values import (
    ClientOrderId,
    IntentId,
    OrderSide,
    PositionId,
    Side,
    Symbol,
    Venue,
    VenueOrderId,
)
from persistence import tables
from persistence.codec import decode_intent, decode_pairs, decode_position
from persistence.engines import SUM_EXACT
from persistence.restoring import trailing_of

_LIMIT: Final = 200
_COUNT_LIMIT: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An intent and what became of it; ``outcome_ms`` is ``None`` while nothing is known."""

    intent: Intent
    status: IntentStatus
    venue_order_id: VenueOrderId | None
    text: str
    outcome_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedDecision:
    """A decision that could not be applied; ``decision`` is the whole of it as JSON."""

    decision_id: str
    path: str
    at_ms: int
    error: str
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRecord:
    """Who owns the account, since when."""

    epoch: int
    owner_name: str
    since_ms: int


class Records(Protocol):
    """Where queries read: the store of a running process, or a reader beside it."""

    @property
    def account(self) -> str:
        """Whose rows."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for queries."""


class Queries:
    """Reads of one account.

    Every method raises StoreUnavailable when the store cannot be read, Undecodable when something spoiled a row.
    """

    def __init__(self, store: Records) -> None:
        self._store: Final = store

    def open_positions(self, *, limit: int = _LIMIT) -> list[PositionState]:
        """Positions that are not ended, oldest first."""
        positions = tables.positions.c
        query = (
            select(positions.state)
            .where(positions.account == self._store.account, positions.phase.not_in(tables.ENDED_PHASES))
            .order_by(positions.opened_ms, positions.position_id)
        )
        return [decode_position(row.state) for row in self._rows(query, limit)]

    def closed_positions(self, *, since_ms: int = 0, limit: int = _LIMIT) -> list[PositionState]:
        """Positions that ended at ``since_ms`` or later."""
        positions = tables.positions.c
        query = (
            select(positions.state)
            .where(positions.account == self._store.account, positions.closed_ms >= since_ms)
            .order_by(positions.closed_ms.desc(), positions.position_id)
        )
        return [decode_position(row.state) for row in self._rows(query, limit)]

    def position(self, position_id: str) -> PositionState | None:
        """One position, ended or not."""
        positions = tables.positions.c
        query = select(positions.state).where(self._of(tables.positions, position_id))
        return next((decode_position(row.state) for row in self._rows(query, 1)), None)

    def positions_like(self, beginning: str, *, limit: int = 10) -> list[PositionState]:
        """Positions whose id begins so, newest first."""
        positions = tables.positions.c
        query = (
            select(positions.state)
            .where(
                positions.account == self._store.account,
                positions.position_id.startswith(beginning, autoescape=True),
            )
            .order_by(positions.opened_ms.desc(), positions.position_id)
        )
        return [decode_position(row.state) for row in self._rows(query, limit)]

    def positions_at(self, venue: str, symbol: str, *, limit: int = _LIMIT) -> list[PositionState]:
        """Positions of one symbol on one venue, newest first."""
        positions = tables.positions.c
        query = (
            select(positions.state)
            .where(positions.account == self._store.account, positions.venue == venue, positions.symbol == symbol)
            .order_by(positions.opened_ms.desc(), positions.position_id)
        )
        return [decode_position(row.state) for row in self._rows(query, limit)]

    def trailing(self, position_id: str) -> TrailingState | None:
        """The trailing state of a position."""
        query = select(tables.trailing_stop_state).where(self._of(tables.trailing_stop_state, position_id))
        return next((trailing_of(row) for row in self._rows(query, 1)), None)

    def events(self, *, position_id: str | None = None, since_ms: int = 0, limit: int = _LIMIT) -> list[EventRecord]:
        """What happened, of one position or of all."""
        events = tables.events
        query = (
            select(events).where(self._of(events, position_id), events.c.at_ms >= since_ms).order_by(events.c.id.desc())
        )
        return [_event(row) for row in self._rows(query, limit)]

    def audit(self, *, position_id: str | None = None, limit: int = _LIMIT) -> list[AuditRecord]:
        """Requests to venues and their answers, of one position or of all."""
        log = tables.order_audit_log
        query = select(log).where(self._of(log, position_id)).order_by(log.c.id.desc())
        return [_audit(row) for row in self._rows(query, limit)]

    def orders(self, position_id: str, *, limit: int = _LIMIT) -> list[OrderRecord]:
        """The intents of a position, oldest first."""
        orders = tables.orders
        query = select(orders).where(self._of(orders, position_id)).order_by(orders.c.created_ms, orders.c.intent_id)
        return [_order(row) for row in self._rows(query, limit)]

    def trades(self, position_id: str, *, limit: int = _LIMIT) -> list[PositionFill]:
        """The fills of a position, oldest first."""
        trades = tables.trades
        query = select(trades).where(self._of(trades, position_id)).order_by(trades.c.time_ms, trades.c.id)
        return [_fill(row) for row in self._rows(query, limit)]

    def funding(self, position_id: str, *, limit: int = _LIMIT) -> list[PositionFunding]:
        """The funding payments of a position, oldest first."""
        funding = tables.funding
        query = select(funding).where(self._of(funding, position_id)).order_by(funding.c.time_ms, funding.c.id)
        return [_funding(row) for row in self._rows(query, limit)]

    def totals(self, position_id: str | None = None) -> TradeTotals:
        """Sums over the fills and funding payments of one position, or of the account; exact."""
        trades, funding = tables.trades, tables.funding
        with self._store.reading() as connection:
            counted = connection.execute(
                select(
                    func.count().label("fills"),
                    _sum(connection, trades.c.commission).label("commission"),
                    _sum(connection, trades.c.realized_pnl).label("realized_pnl"),
                ).where(self._of(trades, position_id)),
            ).one()
            paid = connection.execute(
                select(_sum(connection, funding.c.amount)).where(self._of(funding, position_id)),
            ).scalar_one()
        return TradeTotals(
            fills=counted.fills,
            commission=counted.commission or Decimal(0),
            realized_pnl=counted.realized_pnl or Decimal(0),
            funding=paid or Decimal(0),
        )

    def signals(self, *, since_ms: int = 0, limit: int = _LIMIT) -> list[SignalFate]:
        """What became of signals."""
        log = tables.signals_log
        query = (
            select(log)
            .where(self._of(log, None), log.c.at_ms >= since_ms)
            .order_by(log.c.at_ms.desc(), log.c.signal_id)
        )
        return [_fate(row) for row in self._rows(query, limit)]

    def refused(self, *, limit: int = _LIMIT) -> list[RefusedDecision]:
        """Decisions that could not be applied."""
        refused = tables.refused_decisions
        query = select(refused).where(self._of(refused, None)).order_by(refused.c.at_ms.desc())
        return [
            RefusedDecision(
                decision_id=row.decision_id,
                path=row.path,
                at_ms=row.at_ms,
                error=row.error,
                decision=row.decision,
            )
            for row in self._rows(query, limit)
        ]

    def owner(self) -> OwnerRecord | None:
        """Who owns the account; ``None`` before the first start."""
        query = select(tables.owners).where(tables.owners.c.account == self._store.account)
        found = self._rows(query, 1)
        return next(
            (OwnerRecord(epoch=row.owner_epoch, owner_name=row.owner_name, since_ms=row.since_ms) for row in found),
            None,
        )

    def counts(self) -> dict[str, int]:
        """Rows of the account, by table; a million stands for that or more."""
        with self._store.reading() as connection:
            return {
                table.name: connection.execute(
                    select(func.count()).select_from(
                        select(literal(1)).where(self._of(table, None)).limit(_COUNT_LIMIT).subquery(),
                    ),
                ).scalar_one()
                for table in tables.metadata.sorted_tables
            }

    def _of(self, table: Table, position_id: str | None) -> ColumnElement[bool]:
        own: ColumnElement[bool] = table.c.account == self._store.account
        return own if position_id is None else own & (table.c.position_id == position_id)

    def _rows(self, query: Select[Any], limit: int) -> list[Row[Any]]:
        with self._store.reading() as connection:
            return list(connection.execute(query.limit(limit)))


def _sum(connection: Connection, column: ColumnElement[Decimal]) -> ColumnElement[Decimal]:
    if connection.dialect.name == "postgresql":
        return func.sum(column, type_=tables.ExactDecimal())
    # Text adds up to a float in SQLite's own sum.
    return getattr(func, SUM_EXACT)(column, type_=tables.ExactDecimal())  # type: ignore[no-any-return]


def _event(row: Row[Any]) -> EventRecord:
    return EventRecord(
        kind=row.kind,
        severity=Severity(row.severity),
        text=row.text,
        at_ms=row.at_ms,
        subject=row.subject,
        position_id=row.position_id,
        data=decode_pairs(row.data),
    )


def _audit(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        intent_id=None if row.intent_id is None else IntentId(row.intent_id),
        position_id=row.position_id,
        venue=Venue(row.venue),
        operation=row.operation,
        request=row.request,
        answer=row.answer,
        requested_ms=row.requested_ms,
        answered_ms=row.answered_ms,
    )


def _order(row: Row[Any]) -> OrderRecord:
    return OrderRecord(
        intent=decode_intent(row.intent),
        status=IntentStatus(row.status),
        venue_order_id=row.venue_order_id,
        text=row.outcome_text,
        outcome_ms=row.outcome_ms,
    )


def _fill(row: Row[Any]) -> PositionFill:
    report = FillReport(
        venue=Venue(row.venue),
        symbol=Symbol(row.symbol),
        fill_id=row.fill_id,
        venue_order_id=VenueOrderId(row.venue_order_id),
        client_order_id=None if row.client_order_id is None else ClientOrderId(row.client_order_id),
        side=OrderSide(row.side),
        price=row.price,
        quantity=row.quantity,
        commission=row.commission,
        time_ms=row.time_ms,
        commission_asset=row.commission_asset,
        kind=FillKind(row.kind),
        maker=row.maker,
        hedge_side=None if row.hedge_side is None else Side(row.hedge_side),
    )
    return PositionFill(position_id=row.position_id, fill=report, realized_pnl=row.realized_pnl)


def _funding(row: Row[Any]) -> PositionFunding:
    report = FundingReport(
        venue=Venue(row.venue),
        symbol=Symbol(row.symbol),
        funding_id=row.funding_id,
        amount=row.amount,
        time_ms=row.time_ms,
        hedge_side=Side(row.hedge_side) if row.hedge_side else None,
    )
    return PositionFunding(position_id=row.position_id, payment=report)


def _fate(row: Row[Any]) -> SignalFate:
    return SignalFate(
        signal_id=row.signal_id,
        at_ms=row.at_ms,
        verdict=Verdict(row.verdict),
        reason=row.reason,
        symbol=row.symbol,
        raw=row.raw,
        wave_ms=row.wave_ms,
        venue=row.venue,
        position_id=None if row.position_id is None else PositionId(row.position_id),
    )
