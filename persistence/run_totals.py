"""What a run did, from the records: counts, sums over the fills, and the closed trades for the fingerprint.

The sums are taken over the ``trades`` and ``funding`` rows, not over what positions say of themselves;
:func:`unbalanced` compares the two to the last digit.
"""

from dataclasses import dataclass
from typing import Final

from messages.journal import Verdict
from messages.run_report import ClosedTrade, PnlTotals, PositionCounts, SignalCounts, fingerprint
from messages.state import CloseReason, PositionPhase, PositionState
from messages.values import ZERO
from persistence.queries import Queries

MANY: Final = 10_000_000
"""A limit that a run's rows never reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTotals:
    """Sums and counts of an account, up to now."""

    positions: PositionCounts
    signals: SignalCounts
    pnl: PnlTotals
    fingerprint: str


def run_totals(queries: Queries) -> RunTotals:
    """Read everything of the account.

    Raises:
        StoreUnavailable: The store cannot be read.
    """
    ended = queries.closed_positions(limit=MANY)
    closed = [position for position in ended if position.phase is PositionPhase.CLOSED]
    rolled_back = [position for position in ended if position.phase is PositionPhase.ROLLED_BACK]
    working = [position for position in queries.open_positions(limit=MANY) if position.opened_quantity > 0]
    fates = queries.signals(limit=MANY)
    totals = queries.totals()
    accepted = sum(fate.verdict is Verdict.ACCEPTED for fate in fates)
    return RunTotals(
        positions=PositionCounts(
            opened=len(closed) + len(working),
            closed=len(closed),
            open=len(working),
            rolled_back=len(rolled_back),
        ),
        signals=SignalCounts(accepted=accepted, rejected=len(fates) - accepted),
        pnl=PnlTotals(
            net=totals.realized_pnl - totals.commission + totals.funding,
            gross=totals.realized_pnl,
            commission=totals.commission,
            funding=totals.funding,
        ),
        fingerprint=fingerprint(_trade(position) for position in closed),
    )


def unbalanced(queries: Queries) -> list[str]:
    """Where a position's own sums differ from those of its fills and payments; empty when the books balance."""
    problems: list[str] = []
    positions = [*queries.open_positions(limit=MANY), *queries.closed_positions(limit=MANY)]
    for position in positions:
        totals = queries.totals(position.position_id)
        for name, said, summed in (
            ("realized PnL", position.realized_pnl, totals.realized_pnl),
            ("commission", position.commission, totals.commission),
            ("funding", position.funding, totals.funding),
        ):
            if said != summed:
                problems.append(f"{position.position_id}: {name} is {said}, its rows add up to {summed}")
    return problems


def _trade(position: PositionState) -> ClosedTrade:
    return ClosedTrade(
        venue=position.key.venue,
        symbol=position.key.symbol,
        side=position.side,
        opened_ms=position.opened_ms,
        closed_ms=position.closed_ms or 0,
        quantity=position.opened_quantity,
        entry_price=position.entry_price,
        exit_price=position.exit_price if position.exit_price is not None else ZERO,
        realized_pnl=position.realized_pnl,
        commission=position.commission,
        funding=position.funding,
        close_reason=position.close_reason or CloseReason.OUTSIDE,
    )
