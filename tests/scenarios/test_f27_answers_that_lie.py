"""F27: an answer of HTTP 200 with an error inside, or without the id that it should carry: read as what it is."""

from typing import Final

import pytest

from adapters.simulator.profiles import Profile
from messages.values import OrderPurpose, Side
from tests.scenarios.hands import cancel_stop
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.stage import BOTH_SIDES, OVER_THE_WIRE, a_world, figure, fills_of, open_a, placed_ids, stops_of
from tests.scenarios.wire.spoiling import Nameless, Refusing
from tests.scenarios.world import BTC

ENTRIES: Final = ("/v1/order", "/order/place-order", "/v5/order/create", "/trade/order")
STOPS: Final = ("/v1/algoOrder", "/order/place-tpsl-order", "/v5/position/trading-stop", "/trade/order-algo")
NO_MONEY: Final = {
    "binance": {"code": -2019, "msg": "Margin is insufficient."},
    "bitget": {"code": "40762", "msg": "The order amount exceeds the balance", "requestTime": 0, "data": None},
    "bybit": {"retCode": 110007, "retMsg": "ab not enough for new order", "result": {}, "retExtInfo": {}, "time": 0},
    "okx": {"code": "0", "msg": "", "data": [{"sCode": "51008", "sMsg": "Insufficient balance", "ordId": ""}]},
}


def is_entry(path: str) -> bool:
    return path.endswith(ENTRIES)


def is_stop(path: str) -> bool:
    return path.endswith(STOPS)


@OVER_THE_WIRE
def test_a_200_with_a_refusal_inside_is_a_refusal(profile: Profile) -> None:
    refusing = Refusing(is_entry, NO_MONEY[profile.name], times=1)
    world = a_world(profile, spoiler=refusing)
    open_a(Side.LONG, world, for_s=5)
    assert refusing.left == 0
    assert "rolled_back" in world.kinds(), "a refusal is known at once, an unknown outcome is not"
    world.run_for(55)
    assert world.account().positions == ()
    assert fills_of(world) == []
    assert_postcondition_c(world)


@OVER_THE_WIRE
@BOTH_SIDES
@pytest.mark.parametrize("times", [1, 3])
def test_an_entry_that_is_answered_without_an_id_is_there_once(profile: Profile, side: Side, times: int) -> None:
    nameless = Nameless(is_entry, times=times)
    world = a_world(profile, spoiler=nameless)
    open_a(side, world, for_s=60)
    assert nameless.left < times
    assert len(fills_of(world)) == 1
    assert len(set(placed_ids(world, OrderPurpose.ENTRY))) == 1
    assert len(stops_of(world)) == 1
    assert figure(world, "duplicate_orders") == 0
    assert_postcondition_c(world)


@OVER_THE_WIRE
@BOTH_SIDES
def test_a_stop_that_is_answered_without_an_id_is_there_once(profile: Profile, side: Side) -> None:
    nameless = Nameless(is_stop, times=2)
    world = a_world(profile, spoiler=nameless)
    open_a(side, world, for_s=20)
    cancel_stop(world, BTC)
    world.run_for(60)
    assert nameless.left < 2
    assert len(stops_of(world)) == 1
    assert figure(world, "worst_over_cover_seconds") == 0
    assert figure(world, "duplicate_orders") == 0
    assert_postcondition_c(world)
