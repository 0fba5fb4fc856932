"""S12, S14: on a position that is nobody's here, no audit takes the stops away."""

import pytest

from actors.auditors import AuditPolicy
from actors.desk import Untracked
from adapters.simulator.profiles import PROFILES
from messages.settings import ZombieScope
from messages.values import OrderKind, OrderPurpose
from tests.scenarios.plain_account import ours
from tests.scenarios.stage import a_world, stops_of
from tests.scenarios.test_s12_zombies import ask, by_hand, sweep
from tests.scenarios.world import BTC


@pytest.mark.parametrize("audit", ["sweep", "check"])
@pytest.mark.parametrize(
    ("untracked", "scope"), [(Untracked.ALERT, ZombieScope.OWN), (Untracked.IGNORE, ZombieScope.ALL)]
)
def test_the_stops_of_a_position_that_is_not_taken_over_stay_also_where_one_would_do(
    untracked: Untracked, scope: ZombieScope, audit: str
) -> None:
    world = a_world(PROFILES["paper"], untracked=untracked, audit=AuditPolicy(zombie_scope=scope))
    account = by_hand(world)
    account.order(BTC, OrderKind.MARKET)
    for number, percent in enumerate(("-1", "-2"), start=1):
        repaired = ours(OrderPurpose.STOP, number)
        account.stop(BTC, percent, order_id=repaired if scope is ZombieScope.OWN else f"hand{number}")
    before = {order.venue_order_id for order in stops_of(world)}
    assert len(before) == 2
    world.run_for(60)
    if audit == "sweep":
        sweep(world)
    else:
        ask(world, fix=True)
    world.run_for(60)
    assert {order.venue_order_id for order in stops_of(world)} == before
    assert world.ledger()["positions_uncovered_now"] == 0
