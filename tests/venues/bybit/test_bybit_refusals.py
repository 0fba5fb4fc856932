"""What the simulated Bybit refuses, with the codes, headers and closed doors that the venue has for it."""

import json
from typing import Any

import ccxt
import pytest

from adapters.simulator.engine import Exchange
from adapters.simulator.profiles import BYBIT as PROFILE
from adapters.simulator.wire.bybit import BybitWire
from adapters.simulator.wire.dialect import Keys
from adapters.streams.bybit import BybitPrivate
from adapters.venues.bybit import BybitRest
from adapters.venues.bybit_rows import BYBIT
from messages.orders import FillKind, FillReport, OrderStatus
from messages.values import ClientOrderId, MarginMode, OrderKind, OrderSide, Side, VenueOrderId
from messages.venue import FetchAccount, OrderRejected, QueryOrder, RejectReason
from tests.contract.battery import Listening, Setup, accepted, running_exchange
from tests.simulator.builders import BTC, d
from tests.venues.bybit.running import KEYS, bybit, config_of, served
from tests.venues.bybit.stage import S, a_stage


def test_a_wrong_key_a_wrong_signature_and_a_wrong_clock_are_told_apart() -> None:
    with a_stage() as stage:
        stage.ex.options["timeDifference"] = 60_000
        with pytest.raises(ccxt.InvalidNonce, match="10002"):
            stage.ex.fetch_balance()
        stage.ex.options["timeDifference"] = 0
        right, stage.ex.secret = stage.ex.secret, "wrong"
        with pytest.raises(ccxt.AuthenticationError, match="10004"):
            stage.ex.fetch_balance()
        stage.ex.secret, stage.ex.apiKey = right, "nobody"
        with pytest.raises(ccxt.AuthenticationError, match="10003"):
            stage.ex.fetch_balance()


def test_the_eleventh_cancel_within_a_second_is_too_many() -> None:
    with a_stage() as stage:
        for number in range(10):
            with pytest.raises(ccxt.OrderNotFound):
                stage.ex.cancel_order(f"c{number}", S)
        assert stage.ex.last_response_headers["X-Bapi-Limit-Status"] == "0"
        with pytest.raises(ccxt.RateLimitExceeded, match="10006"):
            stage.ex.cancel_order("c11", S)
        headers = stage.ex.last_response_headers
        assert (headers["X-Bapi-Limit"], headers["X-Bapi-Limit-Status"]) == ("10", "0")
        assert int(headers["X-Bapi-Limit-Reset-Timestamp"]) > stage.exchange.clock.now_ms() - 1_000


@pytest.mark.parametrize(
    ("args", "params", "error", "code"),
    [
        (("market", "buy", 0.001), {}, ccxt.InvalidOrder, "110094"),
        (("limit", "buy", 99, 1000), {}, ccxt.InsufficientFunds, "110007"),
        (("limit", "buy", 1, 1200), {}, ccxt.InvalidOrder, "110003"),
        (("market", "buy", 1), {"reduceOnly": True}, ccxt.InvalidOrder, "110017"),
        (("market", "buy", 99), {}, ccxt.BadRequest, "10001"),
        (("market", "sell", 1), {"stopLossPrice": 1001}, ccxt.InvalidOrder, "110093"),
        (("market", "sell", 1), {"takeProfitPrice": 999}, ccxt.InvalidOrder, "110092"),
        (("market", "buy", 1), {"stopLoss": {"triggerPrice": 1001}}, ccxt.BadRequest, "10001"),
    ],
)
def test_what_the_engine_refuses_comes_with_the_venues_code(
    args: tuple[Any, ...], params: dict[str, Any], error: type[Exception], code: str
) -> None:
    with a_stage() as stage:
        stage.ex.cancel_all_orders(S)
        with pytest.raises(error, match=code):
            stage.ex.create_order(S, *args, params=params)


def test_our_adapter_is_told_that_its_key_is_wrong_and_its_stream_that_it_may_not_log_in() -> None:
    with running_exchange(Setup(), venue=BYBIT, profile=PROFILE) as exchange, served(exchange) as server:
        config = config_of(server, keys=Keys(api_secret=KEYS.api_secret[::-1]))
        client = BybitRest(config).client()
        answer = client.execute(FetchAccount())
        client.close()
        assert isinstance(answer, OrderRejected)
        assert answer.reason is RejectReason.AUTHENTICATION
        dialect = BybitPrivate(config, lambda: MarginMode.CROSS)
        [login] = dialect.opened(exchange.clock.now_ms())
        session = BybitWire(exchange, KEYS).session("/v5/private", "")
        assert session is not None
        [reply] = session.received(login)
        assert dialect.received(reply.encode(), Listening(), 0).fatal


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ('{"op":"subscribe","args":["order"]}', "not authorized"),
        ('{"op":"auth","args":["KEY",1,"x"]}', "invalid sign"),
        ('{"op":"auth"}', "params error"),
        ('{"op":"sing"}', "unknown op"),
        ("nonsense", "unknown op"),
    ],
)
def test_a_private_connection_refuses_what_the_venue_refuses(message: str, problem: str) -> None:
    with running_exchange(Setup(), venue=BYBIT, profile=PROFILE) as exchange:
        session = BybitWire(exchange, KEYS).session("/v5/private", "")
        assert session is not None
        [reply] = [json.loads(text) for text in session.received(message)]
        assert problem in reply["ret_msg"]
        assert (reply["success"], session.hears_private) == (False, False)


def test_a_market_connection_knows_its_symbols_and_paths_are_exact() -> None:
    with running_exchange(Setup(), venue=BYBIT, profile=PROFILE) as exchange:
        wire = BybitWire(exchange, KEYS)
        session = wire.session("/v5/public/linear", "")
        assert session is not None
        [reply] = session.received('{"op":"subscribe","args":["tickers.DOGEUSDT"]}')
        assert json.loads(reply)["success"] is False
        [reply] = session.received('{"op":"subscribe","args":["tickers.BTCUSDT"]}')
        assert (json.loads(reply)["success"], session.symbols) == (True, ("BTCUSDT",))
        assert wire.session("/v5/public/spot", "") is None


def test_the_capabilities_are_those_of_the_profile() -> None:
    assert BybitRest.capabilities == PROFILE.capabilities


def test_what_a_market_order_came_to_is_in_its_answer_without_a_stream() -> None:
    with bybit(Setup()) as trio:
        opened = trio.place(trio.entry())
        assert (opened.status, opened.filled_quantity, opened.average_price) == (OrderStatus.FILLED, d(1), d(1000))


def test_a_position_stop_is_found_by_any_id_of_ours_and_in_hedge_mode_by_none() -> None:
    for hedge, side in ((False, None), (True, Side.LONG)):
        with bybit(Setup(hedge=hedge)) as trio:
            trio.place(trio.entry(hedge_side=side))
            placed = trio.place(trio.stop(hedge_side=side))
            kind = OrderKind.STOP_MARKET
            answer = trio.ask(QueryOrder(symbol=BTC, client_order_id=ClientOrderId("HFstop"), kind=kind))
            if hedge:
                assert isinstance(answer, OrderRejected)
                assert answer.reason is RejectReason.NOT_FOUND
            else:
                assert accepted(answer).venue_order_id == placed.venue_order_id


def test_auto_deleveraging_is_told_as_such() -> None:
    def deleverage(exchange: Exchange) -> None:
        fill = FillReport(
            venue=BYBIT,
            symbol=BTC,
            fill_id="77001",
            venue_order_id=VenueOrderId("77002"),
            client_order_id=None,
            side=OrderSide.SELL,
            price=d(1000),
            quantity=d(1),
            commission=d("0.5"),
            time_ms=exchange.state.now_ms,
            kind=FillKind.AUTO_DELEVERAGING,
        )
        exchange.state.remember_fill(fill)

    with bybit(Setup()) as trio:
        trio.exchange.look(deleverage)
        assert [(fill.kind, fill.quantity) for fill in trio.fills().fills] == [(FillKind.AUTO_DELEVERAGING, d(1))]
