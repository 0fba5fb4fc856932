"""Decisions and states as bytes and back: exact, total over the message types, tolerant of fields yet to come.

Decimals travel as the strings they are written with. A field that is missing takes its default and one that is unknown
is ignored, so that states written by an earlier or a later version still read.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from messages.journal import Decision
from messages.state import Intent, PositionState


class Undecodable(Exception):  # noqa: N818 - it names what the bytes are
    """The bytes are not what they should be."""


_Value = TypeVar("_Value")

_ENCODER: Final = msgspec.json.Encoder()
_DECISION: Final = msgspec.json.Decoder(Decision)
_POSITION: Final = msgspec.json.Decoder(PositionState)
_INTENT: Final = msgspec.json.Decoder(Intent)
_PAIRS: Final = msgspec.json.Decoder(tuple[tuple[str, str], ...])


def encode_decision(decision: Decision) -> bytes:
    """UTF-8 JSON without line breaks.

    Raises:
        ValueError: A text in it is not valid Unicode.
    """
    return _ENCODER.encode(decision)


def decode_decision(data: bytes) -> Decision:
    """The inverse of :func:`encode_decision`.

    Raises:
        Undecodable: ``data`` is not an encoded decision.
    """
    return _decode(_DECISION, data)


def encode_position(position: PositionState) -> str:
    """The ``state`` column of ``positions``."""
    return _ENCODER.encode(position).decode()


def decode_position(data: str) -> PositionState:
    """The inverse of :func:`encode_position`.

    Raises:
        Undecodable: ``data`` is not an encoded position.
    """
    return _decode(_POSITION, data)


def encode_intent(intent: Intent) -> str:
    """The ``intent`` column of ``orders``."""
    return _ENCODER.encode(intent).decode()


def decode_intent(data: str) -> Intent:
    """The inverse of :func:`encode_intent`.

    Raises:
        Undecodable: ``data`` is not an encoded intent.
    """
    return _decode(_INTENT, data)


def encode_pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values in their order, a name twice included."""
    return _ENCODER.encode(pairs).decode()


def decode_pairs(data: str) -> tuple[tuple[str, str], ...]:
    """The inverse of :func:`encode_pairs`.

    Raises:
        Undecodable: ``data`` is not a list of pairs.
    """
    return _decode(_PAIRS, data)


def _decode(decoder: msgspec.json.Decoder[_Value], data: bytes | str) -> _Value:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(str(error)) from error
