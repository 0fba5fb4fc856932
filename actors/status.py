"""How it stands, gathered from the living actors: for the live table, the status file and ``holdfast status``.

Runs on the supervisor's own thread. Positions are asked with a short time-out, so that a stuck one delays the picture
by no more than that; everything else is read from the kernel's cells.
"""

from dataclasses import dataclass, replace
from typing import Final

from actors import addresses
from actors.kernel import ActorSystem, AskTimeout, KernelError
from actors.ports import JournalPort
from messages.connections import ConnectionsSummary, DescribeConnections
from messages.journal import JournalHealth
from messages.positions import DescribePosition, PositionSummary
from messages.settings import Mode
from messages.status import (
    ComponentView,
    DatabaseState,
    Health,
    PositionView,
    StatusView,
    TakeProfitView,
)
from messages.supervision import DescribeRisk, DescribeSignals, LastPrice, PriceOf, RiskSummary, SignalsSummary
from messages.values import ZERO, Money, Side

ASK_TIMEOUT_S: Final = 0.5
POSITIONS: Final = "position/"
MS_A_MINUTE: Final = 60_000
MS_AN_HOUR: Final = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBook:
    """What the simulated venue's own book says; zero for real venues, which keep none."""

    unprotected_seconds: float = 0.0


class StatusReader:
    """Asks around and draws the picture."""

    def __init__(self, *, system: ActorSystem, journal: JournalPort, mode: Mode, account: str, started_ms: int) -> None:
        self._system = system
        self._journal = journal
        self._mode = mode
        self._account = account
        self._started_ms = started_ms

    def read(self, *, now_ms: int, book: VenueBook) -> StatusView:
        """The picture at ``now_ms``."""
        summaries, silent = self._positions()
        positions = tuple(_position_view(summary) for summary in summaries)
        risk, signals = self._risk(), self._signals()
        journal = self._journal.health()
        components = (
            _database_component(journal),
            *(ComponentView(name=path, health=Health.CRITICAL, detail="does not answer") for path in silent),
            *self._parked(),
            *_venues(risk),
            *self._lost(now_ms),
            *_stalled(signals, now_ms),
        )
        unprotected = sum(not position.protected for position in positions)
        return StatusView(
            health=_overall(components, unprotected),
            mode=self._mode,
            now_ms=now_ms,
            started_ms=self._started_ms,
            account=self._account,
            positions=positions,
            unprotected=unprotected,
            unprotected_seconds=book.unprotected_seconds,
            equity=risk.equity if risk is not None else None,
            realized_pnl=risk.realized_pnl if risk is not None else ZERO,
            signals_accepted=risk.signals_accepted if risk is not None else 0,
            signals_rejected=(risk.signals_rejected if risk is not None else 0) + (signals.refused if signals else 0),
            signals_stalled=signals is not None and signals.stalled_since_ms is not None,
            database=_database_state(journal),
            components=components,
        )

    def _positions(self) -> tuple[list[PositionSummary], list[str]]:
        found: list[PositionSummary] = []
        silent: list[str] = []
        for path in self._system.paths():
            if not path.startswith(POSITIONS):
                continue
            try:
                summary = self._system.ref(path).ask(DescribePosition(), timeout_s=ASK_TIMEOUT_S)
            except (AskTimeout, KernelError, KeyError):
                silent.append(path)
                continue
            if isinstance(summary, PositionSummary) and summary.position.closed_ms is None:
                found.append(self._priced(summary))
        return found, silent

    def _priced(self, summary: PositionSummary) -> PositionSummary:
        """With the market's last price: a position is told only of those that can change something for it."""
        key = summary.position.key
        try:
            price = self._system.ref(addresses.exchange(key.venue, "market")).ask(
                PriceOf(symbol=key.symbol), timeout_s=ASK_TIMEOUT_S
            )
        except (AskTimeout, KernelError, KeyError):
            return summary
        return replace(summary, last_price=price.last) if isinstance(price, LastPrice) else summary

    def _risk(self) -> RiskSummary | None:
        try:
            summary = self._system.ref("risk").ask(DescribeRisk(), timeout_s=ASK_TIMEOUT_S)
        except (AskTimeout, KernelError, KeyError):
            return None
        return summary if isinstance(summary, RiskSummary) else None

    def _signals(self) -> SignalsSummary | None:
        try:
            summary = self._system.ref("signal/wave").ask(DescribeSignals(), timeout_s=ASK_TIMEOUT_S)
        except (AskTimeout, KernelError, KeyError):
            return None
        return summary if isinstance(summary, SignalsSummary) else None

    def _lost(self, now_ms: int) -> list[ComponentView]:
        """Connections that are down for minutes (S18)."""
        try:
            summary = self._system.ref(addresses.CONNECTIONS).ask(DescribeConnections(), timeout_s=ASK_TIMEOUT_S)
        except (AskTimeout, KernelError, KeyError):
            return []
        return [
            ComponentView(
                name=each.name,
                health=Health.DEGRADED,
                detail=f"no connection for {(now_ms - each.since_ms) // MS_A_MINUTE} min: {each.detail}",
            )
            for each in (summary.lost if isinstance(summary, ConnectionsSummary) else ())
        ]

    def _parked(self) -> list[ComponentView]:
        """Actors that were given up on after too many crashes."""
        return [
            ComponentView(name=load.path, health=Health.CRITICAL, detail="parked after too many crashes")
            for load in self._system.loads()
            if load.state == "parked"
        ]


def _position_view(summary: PositionSummary) -> PositionView:
    position = summary.position
    stop = position.stop.working
    covered = stop is not None and (stop.quantity is None or stop.quantity >= position.quantity)
    return PositionView(
        position_id=position.position_id,
        venue=position.key.venue,
        symbol=position.key.symbol,
        side=position.side,
        phase=position.phase,
        quantity=position.quantity,
        entry_price=position.entry_price,
        opened_ms=position.opened_ms,
        protected=covered or position.quantity == 0,
        stop_phase=position.stop.phase,
        trailing=summary.trailing.phase,
        price=summary.last_price,
        stop_price=stop.trigger_price if stop is not None else None,
        local_stop=position.stop.local_price if stop is not None else None,
        take_profits=tuple(
            TakeProfitView(level=item.level, trigger_price=item.trigger_price, phase=item.phase)
            for item in position.take_profits
        ),
        unrealized_pnl=_unrealized(summary),
        realized_pnl=position.realized_pnl,
    )


def _unrealized(summary: PositionSummary) -> Money | None:
    position = summary.position
    if summary.last_price is None:
        return None
    moved = summary.last_price - position.entry_price
    value = moved * position.quantity * summary.contract_size
    return value if position.side is Side.LONG else -value


def _stalled(signals: SignalsSummary | None, now_ms: int) -> list[ComponentView]:
    """S2.7: nothing was opened for two days."""
    if signals is None or signals.stalled_since_ms is None:
        return []
    hours = (now_ms - signals.stalled_since_ms) // MS_AN_HOUR
    return [ComponentView(name="signals", health=Health.DEGRADED, detail=f"no position was opened for {hours} h")]


def _database_state(health: JournalHealth) -> DatabaseState:
    if health.store_available:
        return DatabaseState.OK
    return DatabaseState.DOWN if health.error and not health.spooled else DatabaseState.SPOOLING


def _database_component(health: JournalHealth) -> ComponentView:
    if health.store_available:
        return ComponentView(name="journal", health=Health.HEALTHY)
    return ComponentView(name="journal", health=Health.DEGRADED, detail=health.error)


def _venues(risk: RiskSummary | None) -> list[ComponentView]:
    """Venues on which something is wrong: nothing is opened there, or what is open is not looked after."""
    if risk is None:
        return []
    return [
        *(ComponentView(name=f"exchange/{venue}", health=Health.DEGRADED, detail=why) for venue, why in risk.closed),
        *(
            ComponentView(name=f"exchange/{venue}", health=Health.CRITICAL, detail=f"left out of this run: {why}")
            for venue, why in risk.left_out
        ),
    ]


def _overall(components: tuple[ComponentView, ...], unprotected: int) -> Health:
    if unprotected or any(component.health is Health.CRITICAL for component in components):
        return Health.CRITICAL
    if any(component.health is Health.DEGRADED for component in components):
        return Health.DEGRADED
    return Health.HEALTHY
