from dataclasses import replace

import pytest

from actors.position_record import outcome_of
from messages.positions import IntentOutcomeAnswer, IntentSettled, NeverSent
from messages.state import IntentAction, IntentStatus
from messages.values import OrderPurpose
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason
from tests.actors.test_venue_queue import an_intent


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (OutcomeUnknown(text="no answer"), IntentStatus.UNKNOWN),
        (NeverSent(text="too late"), IntentStatus.NEVER_SENT),
        (OrderRejected(reason=RejectReason.OTHER, text="no"), IntentStatus.REJECTED),
    ],
)
def test_what_became_of_the_cancel_of_an_earlier_life_is_recorded_as_it_is(
    outcome: IntentOutcomeAnswer, status: IntentStatus
) -> None:
    """An answer that never came is not a refusal."""
    cancel = replace(an_intent(OrderPurpose.STOP), action=IntentAction.CANCEL)
    recorded = outcome_of(IntentSettled(intent=cancel, outcome=outcome), at_ms=7)
    assert (recorded.status, recorded.at_ms) == (status, 7)
