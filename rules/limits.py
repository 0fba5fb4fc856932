"""How many positions, and how much, may be open or being opened at once (S3).

Whoever wants to open reserves first; the risk actor holds the one :class:`Book` of the account, so that two signals at
once cannot pass together.

Invariants:
1. No sequence of reservations, releases, fills and closes passes the limits at any instant.
2. A key that is open is reserved for an addition only, and one that is being reserved not at all.
3. The same reservation asked for twice counts once.
4. What is released or closed can be reserved again.
5. A refusal has a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from messages.values import ZERO, Money

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of the whole account: a count, and a sum of notionals in the quote currency."""

    max_positions: int = 10
    max_exposure_usd: Money = Decimal(30000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What is open, and what is being opened.

    Attributes:
        open: Notional of each open position, by key (venue and symbol, as the caller spells it).
        reserved: Notional of each reservation, by reservation id.
        reserved_keys: What each reservation is for.
    """

    open: Mapping[str, Money] = field(default_factory=dict)
    reserved: Mapping[str, Money] = field(default_factory=dict)
    reserved_keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def positions(self) -> int:
        """How many positions there are, or will be when all that is being opened is open."""
        return len(self.open.keys() | set(self.reserved_keys.values()))

    @property
    def exposure(self) -> Money:
        """The notional of all of them."""
        return sum(self.open.values(), ZERO) + sum(self.reserved.values(), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was reserved, and why."""

    reason: str


def reserve(
    book: Book, *, reservation_id: str, key: str, notional: Money, limits: Limits, adds: bool = False
) -> Book | Refused:
    """Reserve ``notional`` for a new position at ``key``; the same reservation again changes nothing.

    With ``adds`` it is for an addition to the position that is open there (S10).
    """
    if book.reserved_keys.get(reservation_id) == key:
        return book
    if reservation_id in book.reserved_keys:
        return Refused(reason=f"reservation {reservation_id} is for {book.reserved_keys[reservation_id]}, not {key}")
    if notional <= ZERO:
        return Refused(reason=f"a notional of {notional} cannot be reserved")
    if key in book.open and not adds:
        return Refused(reason=f"{key} already has a position")
    if adds and key not in book.open:
        return Refused(reason=f"{key} has no position to add to")
    if key in book.reserved_keys.values():
        return Refused(reason=f"{key} is already being opened")
    if not adds and book.positions + 1 > limits.max_positions:
        return Refused(reason=f"{book.positions} positions are open or being opened, of {limits.max_positions}")
    if book.exposure + notional > limits.max_exposure_usd:
        return Refused(
            reason=f"exposure {book.exposure} and {notional} more would pass the limit of {limits.max_exposure_usd}"
        )
    return replace(
        book,
        reserved={**book.reserved, reservation_id: notional},
        reserved_keys={**book.reserved_keys, reservation_id: key},
    )


def release(book: Book, *, reservation_id: str) -> Book:
    """Give a reservation back: the entry failed, or its rest will not come. One that is not there changes nothing."""
    return replace(
        book,
        reserved=_without(book.reserved, reservation_id),
        reserved_keys=_without(book.reserved_keys, reservation_id),
    )


def filled(book: Book, *, reservation_id: str, key: str, notional: Money, remaining: Money = ZERO) -> Book:
    """``key`` is open with ``notional`` in all; of its reservation ``remaining`` is still working, by default nothing.

    What is open is the venue's truth, so this is never refused: an adopted position counts in the same way (its
    reservation id names nothing), and may use up more than the limits; then nothing is reserved until it fits again.
    """
    book = replace(book, open={**book.open, key: notional})
    if remaining <= ZERO or reservation_id not in book.reserved:
        return release(book, reservation_id=reservation_id)
    return replace(book, reserved={**book.reserved, reservation_id: remaining})


def closed(book: Book, *, key: str) -> Book:
    """The position at ``key`` is gone; one that is not there changes nothing."""
    return replace(book, open=_without(book.open, key))


def _without(entries: Mapping[str, _Entry], key: str) -> Mapping[str, _Entry]:
    return {name: value for name, value in entries.items() if name != key}
