"""S4: an entry that the venue would not take for a while is not sent later, at a price that nobody decided on."""

from adapters.simulator.fault_script import FaultAction, FaultRule, RequestType
from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import EVERY_PROFILE, a_world, fills_of, open_a, profiles_where
from tests.scenarios.wire.link import WireProfile


def banned(for_s: float) -> FaultRule:
    return FaultRule(
        action=FaultAction.RATE_LIMIT,
        requests=(RequestType.PLACE,),
        purposes=(OrderPurpose.ENTRY,),
        retry_after_s=for_s,
        count=1,
    )


@EVERY_PROFILE
def test_an_entry_that_was_refused_for_the_rate_is_sent_again_while_it_is_fresh(profile: Profile) -> None:
    world = a_world(profile, banned(5))
    open_a(Side.LONG, world, for_s=15)
    assert len(fills_of(world)) == 1
    assert_postcondition_c(world)


@profiles_where(lambda profile: not isinstance(profile, WireProfile) or profile.name not in {"bitget", "okx"})
def test_an_entry_that_was_refused_for_the_rate_is_not_sent_when_it_is_old(profile: Profile) -> None:
    # Bitget and OKX do not say for how long: there the entry is tried again soon, and is fresh then.
    world = a_world(profile, banned(60))
    open_a(Side.LONG, world, for_s=20)
    world.price(43_000)
    world.run_for(60)
    assert not fills_of(world)
    assert_postcondition_c(world)
