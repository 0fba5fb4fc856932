"""The whole check of an account (S15): what is asked for, and what was found, mended and left."""

from dataclasses import dataclass
from typing import ClassVar

from messages.delivery import Delivery, Lane
from messages.orders import OrderReport
from messages.values import PositionKey, Side, Symbol, Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckVenue:
    """Asked of a venue's check actor; answered with :class:`VenueChecked`. Without ``fix`` it only looks."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL)

    fix: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepZombies:
    """Told to a venue's zombie monitor: look now, because ``why``."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL, idempotent=True)

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveZombies:
    """Told to the position of ``key`` through the desk: these orders are of no use; cancel those that you do not want.

    Whoever is responsible for the symbol decides, so that an order that is being placed just now is not taken away.

    Attributes:
        doubled: Stops of an open position of which one would do: only who holds that position knows which, and where
            it is nobody's they all stay.
    """

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.PROTECTIVE, idempotent=True)

    key: PositionKey
    orders: tuple[OrderReport, ...] = ()
    doubled: tuple[OrderReport, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinding:
    """One thing that was wrong; ``fixed`` when a later reading of the venue does not show it any more.

    Attributes:
        what: A kind of the protection audit, of a zombie, or of a difference between record and venue.
        text: Figures for people, and why it was not mended.
        orders: The venue's ids of the orders concerned.
    """

    venue: Venue
    symbol: Symbol
    what: str
    fixed: bool = False
    text: str = ""
    side: Side | None = None
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueChecked:
    """What came of the check of one venue; with an ``error`` it could not be read, and nothing else is said."""

    venue: Venue
    positions: int = 0
    orders: int = 0
    findings: tuple[CheckFinding, ...] = ()
    sent: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChecked:
    """The whole answer of ``holdfast check``: stable for scripts (DESIGN §10), fields are only ever added."""

    positions: int
    findings: tuple[CheckFinding, ...]
    fixed: int = 0
    orders_sent: int = 0
    by: str = "this command"
    errors: tuple[str, ...] = ()


def account_checked(venues: "tuple[VenueChecked, ...]", *, by: str) -> AccountChecked:
    """The answers of several venues as one."""
    findings = tuple(finding for each in venues for finding in each.findings)
    return AccountChecked(
        positions=sum(each.positions for each in venues),
        findings=findings,
        fixed=sum(finding.fixed for finding in findings),
        orders_sent=sum(each.sent for each in venues),
        by=by,
        errors=tuple(f"{each.venue}: {each.error}" for each in venues if each.error),
    )
