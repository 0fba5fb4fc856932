"""Orders of one venue that have outlived their position (S12): found here, taken away by whoever has the symbol.

**Owns** which zombies have been told of.
**Accepts** SweepZombies (from anybody who wants it done now), VenueReadDone, and its own timer.
**Sends** VenueRead to the execution actor, RemoveZombies to the desk, Decision (each zombie, an event) to the journal.
**On crash** the next sweep starts over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from actors import addresses
from actors.addresses import Directory
from actors.kernel import Actor, Ref, Terminated
from actors.mending import zombie_event
from actors.record import Record
from actors.venue_clock import VenueClock
from messages.account_check import RemoveZombies, SweepZombies
from messages.journal import EventRecord, Severity
from messages.orders import OrderReport
from messages.positions import VenueRead, VenueReadDone
from messages.settings import ZombieScope
from messages.supervision import Due
from messages.values import PositionKey, Side, Venue
from messages.venue import AccountReport, FetchAccount
from rules.zombies import GRACE_MS, Zombie, ZombiePolicy, find_zombies, side_of, stops_in_reach, surplus_stops

SWEEP_EVERY_S: Final = 300.0
LOOK_AGAIN_S: Final = 30.0
"""After something was found, and after a reading that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZombieParts:
    """What the monitor of one venue is given; more zombies than ``threshold`` are an alert."""

    venue: Venue
    execution: Ref
    desk: Ref
    journal: Ref
    directory: Directory
    scope: ZombieScope
    threshold: int
    hedge_mode: bool
    clock: VenueClock
    owner_epoch: int


class ZombieMonitor(Actor):
    """Sweeps now and then. It sends no order itself: a symbol's own actor knows what is being placed just now."""

    def __init__(self, parts: ZombieParts) -> None:
        super().__init__()
        self._parts = parts
        self._record = Record(journal=parts.journal, owner_epoch=parts.owner_epoch)
        self._told: frozenset[str] = frozenset()
        self._has_alerted = False

    def on_start(self) -> None:
        self.context.watch(self._parts.execution)
        self.context.schedule_once("sweep", LOOK_AGAIN_S, Due(what="sweep"))

    def on_receive(self, message: SweepZombies | VenueReadDone | Due | Terminated) -> None:
        match message:
            case SweepZombies() | Due():
                self._sweep()
            case VenueReadDone(answer=AccountReport() as report):
                self._look_at(report)
            case VenueReadDone():
                self.context.schedule_once("sweep", LOOK_AGAIN_S, Due(what="sweep"))
            case Terminated():
                pass  # a question that was lost with it is asked again at the next sweep
            case _:
                assert_never(message)

    def _sweep(self) -> None:
        self._parts.execution.tell(VenueRead(path=self.context.path, request=FetchAccount(), urgent=False))
        self.context.schedule_once("sweep", SWEEP_EVERY_S, Due(what="sweep"))

    def _look_at(self, report: AccountReport) -> None:
        venue_ms = self.context.now_ms() + self._parts.clock.ahead_ms
        policy = self._policy(report.orders)
        zombies = find_zombies(positions=report.positions, orders=report.orders, policy=policy, now_ms=venue_ms)
        # Which of several stops is its own, the position knows: it is told of all of them.
        doubled = [
            order
            for position in report.positions
            if surplus_stops(position, report.orders)
            for order in stops_in_reach(position, report.orders)
            if policy.allows(order) and order.created_ms and venue_ms - order.created_ms >= GRACE_MS
        ]
        self._put_on_record(zombies, self.context.now_ms())
        useless = self._by_key([zombie.order for zombie in zombies if zombie.may_go])
        beside = self._by_key(doubled)
        for key in {**useless, **beside}:
            message = RemoveZombies(key=key, orders=tuple(useless.get(key, ())), doubled=tuple(beside.get(key, ())))
            self._parts.desk.tell(message)
        if useless or beside:
            self.context.schedule_once("sweep", LOOK_AGAIN_S, Due(what="sweep"))

    def _policy(self, orders: Sequence[OrderReport]) -> ZombiePolicy:
        """A symbol is managed where a position's actor lives: something was, or is to be, open there."""
        parts = self._parts
        symbols = {order.symbol for order in orders} if parts.scope is ZombieScope.MANAGED else set()
        sides = tuple(Side) if parts.hedge_mode else (None,)
        managed = frozenset(
            symbol
            for symbol in symbols
            for side in sides
            if parts.directory(addresses.position(PositionKey(venue=parts.venue, symbol=symbol, hedge_side=side)))
        )
        return ZombiePolicy(scope=parts.scope, managed=managed, hedge_mode=parts.hedge_mode)

    def _by_key(self, orders: Sequence[OrderReport]) -> dict[PositionKey, list[OrderReport]]:
        found: dict[PositionKey, list[OrderReport]] = {}
        for order in orders:
            side = side_of(order, hedge_mode=self._parts.hedge_mode)
            key = PositionKey(venue=self._parts.venue, symbol=order.symbol, hedge_side=side)
            found.setdefault(key, []).append(order)
        return found

    def _put_on_record(self, zombies: Sequence[Zombie], now_ms: int) -> None:
        """Each zombie once, and once that there are too many, until there are not."""
        fresh = [zombie for zombie in zombies if zombie.order.venue_order_id not in self._told]
        events = [zombie_event(zombie, now_ms) for zombie in fresh]
        self._told = frozenset(zombie.order.venue_order_id for zombie in zombies)
        too_many = len(zombies) > self._parts.threshold
        if too_many and not self._has_alerted:
            events.append(
                EventRecord(
                    kind="zombies_over_threshold",
                    severity=Severity.CRITICAL,
                    text=f"{len(zombies)} orders rest that no position can use, more than {self._parts.threshold}",
                    at_ms=now_ms,
                    subject=str(self._parts.venue),
                )
            )
        self._has_alerted = too_many
        if events:
            self._record.write(replace(self._record.blank(self.context), events=tuple(events)))
