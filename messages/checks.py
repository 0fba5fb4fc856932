"""What a check of the surroundings found, before anything is at stake."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from messages.delivery import Delivery, Lane


class Finding(StrEnum):
    """How a check ended. ``UNKNOWN``: it could not be made, which is never taken for fine."""

    FINE = "fine"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of ``holdfast doctor``: what was looked at, what was found, and what to do about it."""

    subject: str
    name: str
    finding: Finding
    text: str
    what_to_do: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountVerdict:
    """Whether an account may be traded on. ``reached``: the venue answered; ``why``: what is wrong, or nothing."""

    DELIVERY: ClassVar[Delivery] = Delivery(lane=Lane.NORMAL, idempotent=True)

    reached: bool
    why: str = ""
