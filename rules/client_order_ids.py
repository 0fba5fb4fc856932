"""Client order ids: derived from the position, the purpose and a sequence number (S4.6).

``HF`` + position id (16) + purpose (2) + sequence in base 36: at most 32 characters.

Invariants:
1. Every id is accepted by every venue.
2. What an id was made from can be read back from it.
3. Different orders have different ids.
4. An id that Holdfast did not make is not taken for its own.
"""

import re
from dataclasses import dataclass

from messages.values import ClientOrderId, OrderPurpose, PositionId

PREFIX = "HF"
MAX_SEQUENCE = 36**12 - 1
"""What fits into the 12 characters that 32 leave, OKX's limit being the strictest of the venues'."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CODES = {
    OrderPurpose.ENTRY: "EN",
    OrderPurpose.STOP: "SL",
    OrderPurpose.TAKE_PROFIT_1: "T1",
    OrderPurpose.TAKE_PROFIT_2: "T2",
    OrderPurpose.CLOSE: "CL",
    OrderPurpose.AGED: "AG",
    OrderPurpose.GUARD: "GU",
    OrderPurpose.CANARY: "CN",
}
_PURPOSES = {code: purpose for purpose, code in _CODES.items()}
_POSITION_ID = re.compile(r"[a-z0-9]{16}")
# No leading zero, so that an identity has one spelling only.
_OURS = re.compile(rf"{PREFIX}([a-z0-9]{{16}})({'|'.join(_PURPOSES)})(0|[1-9a-z][0-9a-z]{{0,11}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIdentity:
    """What a client order id says: whose order it is, why it was sent, and its number within the position."""

    position_id: PositionId
    purpose: OrderPurpose
    sequence: int


def client_order_id(*, position_id: PositionId, purpose: OrderPurpose, sequence: int) -> ClientOrderId:
    """The id of the ``sequence``-th order of a position.

    Raises:
        ValueError: ``position_id`` is not 16 characters of ``[a-z0-9]``, or ``sequence`` is out of range.
    """
    if _POSITION_ID.fullmatch(position_id) is None:
        raise ValueError(f"a position id is 16 characters of [a-z0-9], not {position_id!r}")
    if not 0 <= sequence <= MAX_SEQUENCE:
        raise ValueError(f"a sequence number is between 0 and {MAX_SEQUENCE}, not {sequence}")
    return ClientOrderId(f"{PREFIX}{position_id}{_CODES[purpose]}{_base36(sequence)}")


def parse_client_order_id(text: str) -> OrderIdentity | None:
    """What ``text`` says, or ``None`` when Holdfast did not make it."""
    match = _OURS.fullmatch(text)
    if match is None:
        return None
    position_id, code, sequence = match.groups()
    return OrderIdentity(position_id=PositionId(position_id), purpose=_PURPOSES[code], sequence=int(sequence, 36))


def is_ours(text: str | None) -> bool:
    """Whether an order that carries ``text`` was sent by Holdfast; one that carries no id was not."""
    return text is not None and _OURS.fullmatch(text) is not None


def _base36(number: int) -> str:
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if number == 0:
            return text
