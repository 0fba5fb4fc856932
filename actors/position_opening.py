"""How a position's actor begins: what it is given, and what must be true before an entry is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from actors import addresses
from actors.kernel import Context, Ref, Terminated
from actors.market_watch import MarketWatch
from actors.position_record import PositionRecord
from actors.record import rejection
from actors.venue_clock import VenueClock
from actors.venue_reader import VenueReader
from messages.account_check import RemoveZombies
from messages.guarding import InspectPosition, RiskJudged
from messages.instruments import Capabilities, Instrument
from messages.journal import CommitRefused, Decision, EventRecord, Severity
from messages.market import Tick
from messages.orders import OrderReport
from messages.positions import (
    AdoptPosition,
    ClosePosition,
    DescribePosition,
    FillReceived,
    FundingReceived,
    InstrumentChanged,
    IntentSettled,
    OpenPosition,
    OrderUpdated,
    PositionEnded,
    PositionRestored,
    PositionUpdated,
    Settle,
    VenueReadDone,
    VerifyPosition,
    WakeUp,
)
from messages.reasons import Rule, Why
from messages.state import Intent, IntentAction
from messages.supervision import Due, SettingsChanged
from messages.values import IntentId, OrderPurpose, PositionKey
from messages.venue import AccountReport
from rules.client_order_ids import parse_client_order_id
from rules.position_case import PositionPolicies
from rules.position_decision import Opening
from rules.position_draft import spec_of
from rules.repair import repair_id
from rules.sizing import SizeRefused, SizingPolicy, order_quantity

PositionMessage: TypeAlias = (
    Tick
    | OrderUpdated
    | FillReceived
    | FundingReceived
    | PositionUpdated
    | ClosePosition
    | VerifyPosition
    | SettingsChanged
    | WakeUp
    | IntentSettled
    | VenueReadDone
    | OpenPosition
    | AdoptPosition
    | PositionRestored
    | RemoveZombies
    | InspectPosition
    | RiskJudged
    | InstrumentChanged
    | Terminated
    | CommitRefused
    | Due
    | DescribePosition
    | Settle
)

BEFORE_AN_ENTRY: Final = Why(rule=Rule.ORPHAN, text="nothing is open, and it is to be gone before the next entry")
MAX_OPENING_MS: Final = 10_000
"""How long an opening may wait for the venue's answers and a price before its signal is refused."""
MAX_ORPHAN_MS: Final = 5_000
"""How long it may wait for orders of an earlier position to go, from when they were seen (F7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSurroundings:
    """What a position's actor is given by the supervisor, the same for every symbol of a venue."""

    journal: Ref
    execution: Ref
    market: Ref
    risk: Ref
    desk: Ref
    capabilities: Capabilities
    clock: VenueClock
    policies: PositionPolicies
    sizing: SizingPolicy
    owner_epoch: int


@dataclass(slots=True, kw_only=True)
class _Attempt:
    command: OpenPosition
    leverage_set: bool = False
    clean: bool = False
    orphaned: bool = False


class PositionOpening:
    """An OpenPosition on its way: the leverage is set, the account found clean, and a price known, then it is sent."""

    def __init__(
        self,
        *,
        key: PositionKey,
        around: PositionSurroundings,
        watch: MarketWatch,
        reader: VenueReader,
        record: PositionRecord,
    ) -> None:
        self._key = key
        self.around = around
        self._watch = watch
        self._reader = reader
        self._record = record
        self._attempt: _Attempt | None = None

    @property
    def under_way(self) -> bool:
        """Whether a signal waits to become a position."""
        return self._attempt is not None

    def begin(self, context: Context, command: OpenPosition) -> None:
        """From now on ``command`` is opened or refused within :data:`MAX_OPENING_MS`."""
        self._attempt = _Attempt(command=command)
        context.schedule_once("opening", MAX_OPENING_MS / 1_000, Due(what="opening"))

    def ask(self, context: Context) -> None:
        """Ask the venue for what must be true before the entry; asked again, it costs a request and nothing else."""
        if self._attempt is None:
            return
        self._reader.leverage(
            context,
            leverage=self._attempt.command.leverage,
            margin_mode=self.around.policies.margin_mode,
            hedge_side=self._key.hedge_side,
        )
        self._reader.account(context)

    def leverage_set(self) -> None:
        """The venue's leverage and margin mode are as they are to be."""
        if self._attempt is not None:
            self._attempt.leverage_set = True

    def look_at(self, context: Context, report: AccountReport) -> bool:
        """No new position before what an earlier one may have left is gone (F7): whether something is open here."""
        if self._attempt is None:
            return False
        if any(item.hedge_side == self._key.hedge_side for item in report.positions):
            self.decline(context, "the venue shows a position on this symbol already")
            return True
        orphans = orphans_of(report, self._key)
        if orphans:
            if not self._attempt.orphaned:
                self._attempt.orphaned = True
                context.schedule_once("opening", MAX_ORPHAN_MS / 1_000, Due(what="opening"))
            stamp = self._record.stamp(context)
            decision = without_orphans(self._record.blank(context), orphans, key=self._key, stamp=stamp)
            self._record.commit(context, decision)
        else:
            self._attempt.clean = True
        return False

    def birth(self, context: Context, instrument: Instrument) -> Opening | None:
        """The opening that everything is known for, once; ``None`` before, and for a size that the venue refuses."""
        attempt, price = self._attempt, self._watch.last
        if attempt is None or not attempt.leverage_set or not attempt.clean or price is None:
            return None
        quantity = order_quantity(
            size_usd=attempt.command.size_usd, price=price, instrument=instrument, policy=self.around.sizing
        )
        if isinstance(quantity, SizeRefused):
            self.decline(context, quantity.reason)
            return None
        self._attempt = None
        context.cancel("opening")
        position_id = self._record.new_position_id(context)
        return Opening(command=attempt.command, key=self._key, position_id=position_id, quantity=quantity)

    def remove(self, context: Context, zombies: Sequence[OrderReport]) -> None:
        """Orders of no use go, where nothing is open and nothing is being opened."""
        stamp = self._record.stamp(context)
        decision = without_zombies(self._record.blank(context), zombies, key=self._key, stamp=stamp)
        self._record.commit(context, decision)

    def overdue(self, context: Context) -> None:
        """It took too long."""
        if self._attempt is not None and self._attempt.orphaned and not self._attempt.clean:
            self.decline(context, f"orders of an earlier position did not go within {MAX_ORPHAN_MS // 1_000} s")
            return
        missing = "a price" if self._watch.last is None else "the venue's answers"
        self.decline(context, f"{missing} did not come within {MAX_OPENING_MS // 1_000} s")

    def decline(self, context: Context, reason: str) -> None:
        """Refuse what is under way, if anything is."""
        attempt, self._attempt = self._attempt, None
        context.cancel("opening")
        if attempt is not None:
            self.refuse(context, attempt.command, reason)

    def refuse(self, context: Context, command: OpenPosition, reason: str, *, frees: bool = True) -> None:
        """Put the signal's fate on record, and give its reservation back when it ``frees`` one."""
        blank = self._record.blank(context)
        fate = rejection(command.signal, reason, venue=self._key.venue, at_ms=blank.at_ms)
        self._record.commit(context, replace(blank, signals=(fate,)))
        if frees:
            self.around.risk.tell(PositionEnded(key=self._key, reservation_id=command.reservation_id))


def orphans_of(report: AccountReport, key: PositionKey) -> list[OrderReport]:
    """Orders of ours on a symbol and side where nothing is open: left by an earlier position (F7)."""
    return [
        order
        for order in report.orders
        if order.hedge_side == key.hedge_side and parse_client_order_id(order.client_order_id or "") is not None
    ]


def orphan_cancels(
    orphans: Sequence[OrderReport], *, key: PositionKey, stamp: str, now_ms: int, why: Why = BEFORE_AN_ENTRY
) -> tuple[Intent, ...]:
    """Intents that cancel ``orphans``, each in the name of the position that it belonged to, if it was one of ours."""
    intents: list[Intent] = []
    for order in orphans:
        identity = parse_client_order_id(order.client_order_id or "")
        intents.append(
            Intent(
                intent_id=IntentId(f"{order.client_order_id or order.venue_order_id}.orphan.{stamp}"),
                position_id=repair_id(str(order.venue_order_id)) if identity is None else identity.position_id,
                key=key,
                action=IntentAction.CANCEL,
                order=spec_of(order, OrderPurpose.STOP if identity is None else identity.purpose),
                protective=False,
                created_ms=now_ms,
                why=why,
            )
        )
    return tuple(intents)


def without_zombies(blank: Decision, zombies: Sequence[OrderReport], *, key: PositionKey, stamp: str) -> Decision:
    """The decision that orders of no use go from a symbol on which nothing is open."""
    event = EventRecord(
        kind="zombies_cancelled",
        severity=Severity.WARNING,
        text=f"{len(zombies)} orders of no use are cancelled",
        at_ms=blank.at_ms,
        subject=f"{key.venue}/{addresses.position_name(key)}",
    )
    why = Why(rule=Rule.ZOMBIE, text="nothing is open, and nothing is being opened")
    intents = orphan_cancels(zombies, key=key, stamp=stamp, now_ms=blank.at_ms, why=why)
    return replace(blank, intents=intents, events=(event,))


def without_orphans(blank: Decision, orphans: Sequence[OrderReport], *, key: PositionKey, stamp: str) -> Decision:
    """The decision that what an earlier position left goes first."""
    event = EventRecord(
        kind="orphans_cancelled",
        severity=Severity.WARNING,
        text=f"{len(orphans)} orders of an earlier position are cancelled first",
        at_ms=blank.at_ms,
        subject=f"{key.venue}/{addresses.position_name(key)}",
    )
    return replace(blank, intents=orphan_cancels(orphans, key=key, stamp=stamp, now_ms=blank.at_ms), events=(event,))
