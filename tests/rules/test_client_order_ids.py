import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.values import OrderPurpose, PositionId
from rules.client_order_ids import MAX_SEQUENCE, OrderIdentity, client_order_id, is_ours, parse_client_order_id
from tests.rules.builders import POSITION_ID

identities = st.builds(
    OrderIdentity,
    position_id=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=16, max_size=16).map(PositionId),
    purpose=st.sampled_from(OrderPurpose),
    sequence=st.integers(0, MAX_SEQUENCE),
)


def _id_of(identity: OrderIdentity) -> str:
    return client_order_id(position_id=identity.position_id, purpose=identity.purpose, sequence=identity.sequence)


@given(identity=identities)
def test_1_every_id_is_accepted_by_every_venue(identity: OrderIdentity) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{1,32}", _id_of(identity))


@given(identity=identities)
def test_2_what_an_id_was_made_from_can_be_read_back_from_it(identity: OrderIdentity) -> None:
    assert parse_client_order_id(_id_of(identity)) == identity


@given(one=identities, other=identities)
def test_3_different_orders_have_different_ids(one: OrderIdentity, other: OrderIdentity) -> None:
    assert (_id_of(one) == _id_of(other)) is (one == other)


@given(text=st.one_of(st.text(max_size=40), st.from_regex(r"HF[a-z0-9]{15,17}(EN|SL|XX|T1)[0-9a-zA-Z]{0,13}")))
def test_4_an_id_that_holdfast_did_not_make_is_not_taken_for_its_own(text: str) -> None:
    identity = parse_client_order_id(text)
    assert is_ours(text) is (identity is not None)
    assert identity is None or _id_of(identity) == text


def test_an_id_reads_as_prefix_position_purpose_and_number() -> None:
    made = client_order_id(position_id=POSITION_ID, purpose=OrderPurpose.TAKE_PROFIT_2, sequence=37)
    assert made == "HFabcdefgh01234567T211"


def test_an_order_without_an_id_is_not_ours() -> None:
    assert not is_ours(None)


@pytest.mark.parametrize("position_id", ["", "short", "UPPERCASE0123456", "abcdefgh0123456-", "abcdefgh012345678"])
def test_a_position_id_that_would_make_an_id_no_venue_takes_is_a_mistake_of_ours(position_id: str) -> None:
    with pytest.raises(ValueError, match="16 characters"):
        client_order_id(position_id=PositionId(position_id), purpose=OrderPurpose.STOP, sequence=1)


@pytest.mark.parametrize("sequence", [-1, MAX_SEQUENCE + 1])
def test_a_sequence_number_that_does_not_fit_is_a_mistake_of_ours(sequence: int) -> None:
    with pytest.raises(ValueError, match="sequence number"):
        client_order_id(position_id=POSITION_ID, purpose=OrderPurpose.STOP, sequence=sequence)
