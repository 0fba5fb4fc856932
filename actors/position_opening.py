"""How a position's actor begins: what it is given, and what must be true before an entry is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from actors import addresses
from actors.kernel import Ref, Terminated
from messages.instruments import Capabilities
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
    PositionRestored,
    PositionUpdated,
    Settle,
    VenueReadDone,
    VerifyPosition,
    WakeUp,
)
from messages.state import Intent, IntentAction
from messages.supervision import Due
from messages.values import IntentId, PositionKey
from messages.venue import AccountReport
from rules.client_order_ids import parse_client_order_id
from rules.position_case import PositionPolicies, spec_of
from rules.sizing import SizingPolicy

PositionMessage: TypeAlias = (
    Tick
    | OrderUpdated
    | FillReceived
    | FundingReceived
    | PositionUpdated
    | ClosePosition
    | VerifyPosition
    | WakeUp
    | IntentSettled
    | VenueReadDone
    | OpenPosition
    | AdoptPosition
    | PositionRestored
    | InstrumentChanged
    | Terminated
    | CommitRefused
    | Due
    | DescribePosition
    | Settle
)

MAX_OPENING_MS: Final = 10_000
"""How long an opening may wait for the venue's answers and a price before its signal is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSurroundings:
    """What a position's actor is given by the supervisor, the same for every symbol of a venue."""

    journal: Ref
    execution: Ref
    market: Ref
    risk: Ref
    desk: Ref
    capabilities: Capabilities
    policies: PositionPolicies
    sizing: SizingPolicy
    owner_epoch: int


@dataclass(slots=True, kw_only=True)
class OpeningAttempt:
    """An OpenPosition on its way: the leverage is set, the account found clean, and a price known, then it is sent."""

    command: OpenPosition
    leverage_set: bool = False
    clean: bool = False


def orphans_of(report: AccountReport, key: PositionKey) -> list[OrderReport]:
    """Orders of ours on a symbol and side where nothing is open: left by an earlier position (F7)."""
    return [
        order
        for order in report.orders
        if order.hedge_side == key.hedge_side and parse_client_order_id(order.client_order_id or "") is not None
    ]


def orphan_cancels(orphans: Sequence[OrderReport], *, key: PositionKey, stamp: str, now_ms: int) -> tuple[Intent, ...]:
    """Intents that cancel ``orphans``, each in the name of the position that it belonged to."""
    intents: list[Intent] = []
    for order in orphans:
        identity = parse_client_order_id(order.client_order_id or "")
        if identity is not None:
            intents.append(
                Intent(
                    intent_id=IntentId(f"{order.client_order_id}.orphan.{stamp}"),
                    position_id=identity.position_id,
                    key=key,
                    action=IntentAction.CANCEL,
                    order=spec_of(order, identity.purpose),
                    protective=False,
                    created_ms=now_ms,
                )
            )
    return tuple(intents)


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
