"""Decisions survive being bytes, whatever is in them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.journal import Decision
from messages.state import Intent, PositionState
from persistence.codec import (
    Undecodable,
    decode_decision,
    decode_intent,
    decode_pairs,
    decode_position,
    encode_decision,
    encode_intent,
    encode_pairs,
    encode_position,
)
from tests.persistence import builders

st.register_type_strategy(Decimal, st.decimals(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(min_value=-(2**63), max_value=2**63 - 1))
decisions = st.from_type(Decision)


def spelled(value: object) -> str:
    """Equal decimals may be written differently; their text tells them apart."""
    return repr(value)


@given(decision=decisions)
@settings(max_examples=25)
def test_a_decision_is_the_same_after_a_round_trip(decision: Decision) -> None:
    found = decode_decision(encode_decision(decision))

    assert found == decision
    assert spelled(found) == spelled(decision)


@given(position=st.from_type(PositionState))
@settings(max_examples=25)
def test_a_position_is_the_same_after_a_round_trip(position: PositionState) -> None:
    assert spelled(decode_position(encode_position(position))) == spelled(position)


@given(intent=st.from_type(Intent))
@settings(max_examples=25)
def test_an_intent_is_the_same_after_a_round_trip(intent: Intent) -> None:
    assert spelled(decode_intent(encode_intent(intent))) == spelled(intent)


@given(pairs=st.lists(st.tuples(st.text(), st.text())).map(tuple))
@settings(max_examples=25)
def test_names_and_values_keep_their_order_and_their_repetitions(pairs: tuple[tuple[str, str], ...]) -> None:
    assert decode_pairs(encode_pairs(pairs)) == pairs


@given(decision=decisions)
@settings(max_examples=10)
def test_an_encoded_decision_is_one_line(decision: Decision) -> None:
    assert b"\n" not in encode_decision(decision)


def test_a_state_of_an_earlier_version_takes_the_defaults_of_what_it_lacks() -> None:
    state = builders.position()
    earlier = encode_position(state).replace('"breakeven_done":false,', "")

    assert decode_position(earlier) == state


def test_a_state_of_a_later_version_is_read_without_what_is_unknown() -> None:
    state = builders.position(sequence=7)
    later = encode_position(state).replace('{"position_id"', '{"mood":"calm","position_id"', 1)

    assert decode_position(later) == state


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"decision_id":1}'])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_decision(data)


def test_a_text_that_is_not_unicode_cannot_be_written_down() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        encode_decision(replace(builders.decision(), decision_id="\ud800"))
