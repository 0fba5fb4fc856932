"""Each fault does what its name says, to what it was aimed at, and to nothing else."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.simulator.fault_script import (
    BadFaultScriptError,
    FaultAction,
    FaultRule,
    FaultScript,
    RequestType,
    parse_fault_script,
    random_faults,
    read_fault_script,
)
from adapters.simulator.feed import PricePoint
from adapters.simulator.profiles import BINANCE
from messages.orders import OrderStatus
from messages.values import OrderKind, OrderSide, TriggerSource
from messages.venue import (
    AccountReport,
    AmendOrder,
    FetchAccount,
    FetchServerTime,
    OrderAccepted,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
    QueryOrder,
    RejectReason,
    ServerTime,
)
from tests.simulator.builders import (
    BTC,
    T0,
    Desk,
    StillFeed,
    a_limit,
    a_stop,
    accepted,
    an_order,
    d,
    order_of,
    refused,
)

SELL = OrderSide.SELL


def script(*rules: dict[str, Any], seed: int = 0) -> FaultScript:
    return parse_fault_script(msgspec.json.encode({"seed": seed, "rules": list(rules)}))


def desk_with(*rules: dict[str, Any], **changes: Any) -> Desk:
    return Desk(faults=script(*rules), **changes)


def ticking(count: int = 100, every_ms: int = 100, price: str = "1000") -> StillFeed:
    return StillFeed(points=[PricePoint(T0 + (index + 1) * every_ms, BTC, d(price)) for index in range(count)])


def test_a_lost_request_never_arrives() -> None:
    desk = desk_with({"action": "lost_request", "requests": ["place"], "count": 1})
    assert isinstance(desk.place(an_order()), OutcomeUnknown)
    assert desk.account().positions == ()
    assert isinstance(desk.place(an_order()), OrderAccepted)


def test_a_lost_answer_leaves_an_executed_order_and_an_unknown_outcome() -> None:
    desk = desk_with({"action": "lost_answer", "purposes": ["stop"], "nth": 1, "count": 1})
    desk.place(an_order())
    stop = a_stop()
    assert isinstance(desk.place(stop), OutcomeUnknown)
    assert refused(desk.place(stop)) == "duplicate_id"
    assert len(desk.account().orders) == 1


def test_a_rule_can_wait_for_the_nth_match_and_act_a_number_of_times() -> None:
    desk = desk_with({"action": "reject", "reason": "other", "requests": ["place"], "nth": 2, "count": 2})
    answers = [isinstance(desk.place(an_order(quantity="0.1")), OrderAccepted) for _ in range(5)]
    assert answers == [True, False, False, True, True]


def test_a_late_answer_in_time_is_an_answer_and_after_it_is_dropped() -> None:
    desk = desk_with({"action": "late_answer", "delay_s": 3, "count": 2})
    assert isinstance(desk.place(an_order()), OrderAccepted)
    answers = desk.send(PlaceOrder(order=an_order()), timeout_s=2)
    desk.time.run_for(10)
    assert [type(answer) for answer in answers] == [OutcomeUnknown]


def test_a_late_execution_happens_after_its_sender_gave_up() -> None:
    desk = desk_with({"action": "late_execution", "delay_s": 12, "count": 1})
    order = an_order()
    assert isinstance(desk.place(order), OutcomeUnknown)
    query = QueryOrder(symbol=BTC, client_order_id=order.client_order_id, kind=OrderKind.MARKET)
    assert refused(desk.ask(query)) == "not_found"
    desk.time.run_for(10)
    assert isinstance(desk.ask(query), OrderAccepted)


def test_a_request_that_arrives_twice_executes_twice_where_ids_may_repeat_and_the_book_says_so() -> None:
    rule = {"action": "duplicate_request", "count": 1, "delay_s": 0.5}
    twice, once = desk_with(rule, profile=BINANCE), desk_with(rule)
    for desk in (twice, once):
        desk.place(an_order())
        desk.time.run_for(2)
    assert twice.account().positions[0].quantity == d(2)
    assert twice.exchange.ledger_snapshot()["duplicate_orders"] == 1
    assert once.account().positions[0].quantity == d(1)


def test_a_refusal_can_be_scripted_with_its_reason() -> None:
    desk = desk_with({"action": "reject", "purposes": ["close"], "reason": "price_band", "text": "no", "count": 1})
    desk.place(an_order())
    close = an_order(purpose="close", side=SELL, reduce_only=True)
    assert desk.place(close) == OrderRejected(reason="price_band", text="no")  # type: ignore[arg-type]
    assert isinstance(desk.place(close), OrderAccepted)


def test_a_rate_limit_refuses_for_its_period_and_says_when_to_come_back() -> None:
    desk = desk_with({"action": "rate_limit", "requests": ["account"], "until_s": 60, "retry_after_s": 30})
    answer = desk.ask(FetchAccount())
    assert isinstance(answer, OrderRejected)
    assert (answer.reason, answer.retry_after_s) == ("rate_limited", 30)
    assert isinstance(desk.place(an_order()), OrderAccepted)
    desk.time.run_for(60)
    assert isinstance(desk.ask(FetchAccount()), AccountReport)


@pytest.mark.parametrize(("executed", "positions"), [(False, 0), (True, 1)])
def test_maintenance_proves_nothing_either_way(executed: bool, positions: int) -> None:  # noqa: FBT001
    desk = desk_with({"action": "maintenance", "executed": executed})
    assert isinstance(desk.place(an_order()), OutcomeUnknown)
    assert len(desk.account().positions) == positions


def test_a_withdrawn_order_type_concerns_new_conditional_orders_only() -> None:
    desk = desk_with({"action": "order_type_withdrawn", "from_s": 10})
    desk.place(an_order())
    stop = a_stop()
    desk.place(stop)
    desk.time.run_for(11)
    assert refused(desk.place(a_stop())) == "order_type_withdrawn"
    assert isinstance(desk.place(an_order()), OrderAccepted)
    assert isinstance(desk.ask(AmendOrder(order=a_stop(client_order_id=stop.client_order_id))), OrderAccepted)


def test_a_forgetful_venue_denies_orders_that_go_on_working() -> None:
    desk = desk_with({"action": "forget", "from_s": 10, "until_s": 60})
    desk.place(an_order())
    stop = a_stop()
    desk.place(stop)
    desk.time.run_for(11)
    query = QueryOrder(symbol=BTC, client_order_id=stop.client_order_id, kind=OrderKind.STOP_MARKET)
    assert refused(desk.ask(query)) == "not_found"
    assert refused(desk.cancel(stop)) == "not_found"
    account = desk.ask(FetchAccount())
    assert isinstance(account, AccountReport)
    assert account.orders == ()
    assert len(account.positions) == 1
    assert len(desk.account().orders) == 1
    desk.time.run_for(60)
    assert accepted(desk.ask(query)).status is OrderStatus.WORKING


def test_lists_can_lie_now_and_then() -> None:
    desk = desk_with({"action": "forget", "requests": ["account"], "probability": 0.5})
    desk.place(an_order())
    desk.place(a_stop())
    seen = set()
    for _ in range(20):
        account = desk.ask(FetchAccount())
        assert isinstance(account, AccountReport)
        seen.add(len(account.orders))
    assert seen == {0, 1}


def test_an_entry_can_fill_piece_by_piece_and_the_rest_is_left_or_follows() -> None:
    for fill_rest, final in ((False, "0.58"), (True, "1")):
        desk = desk_with(
            {"action": "partial_fill", "quantities": ["0.37", "0.21"], "every_s": 1, "fill_rest": fill_rest, "count": 1}
        )
        order = an_order(attached_stop_price="980")
        report = accepted(desk.place(order))
        assert (report.status, report.filled_quantity) == (OrderStatus.WORKING, d("0.37"))
        desk.time.run_for(1.1)
        assert order_of(desk.exchange.engine, order).filled_quantity == d("0.58")
        desk.time.run_for(5)
        assert desk.account().positions[0].quantity == d(final)
        assert desk.exchange.ledger_snapshot()["unprotected_seconds"] == 0


def test_a_take_profit_can_fill_in_pieces_too() -> None:
    feed = StillFeed(points=[PricePoint(T0 + 1000, BTC, d(1040))])
    rule = {"action": "partial_fill", "purposes": ["take_profit_1"], "quantities": ["0.2", "0.1"], "every_s": 30}
    desk = desk_with({**rule, "fill_rest": True}, feed=feed)
    desk.place(an_order())
    target = a_stop(kind=OrderKind.TAKE_PROFIT_MARKET, purpose="take_profit_1", trigger_price="1030", quantity="0.5")
    desk.place(target)
    desk.time.run_for(2)
    assert desk.account().positions[0].quantity == d("0.8")
    desk.time.run_for(60)
    assert desk.account().positions[0].quantity == d("0.5")
    assert order_of(desk.exchange.engine, target).status is OrderStatus.FILLED


def test_a_fill_can_overtake_a_cancel_and_be_told_after_its_answer() -> None:
    desk = desk_with({"action": "fill_after_cancel", "quantities": ["0.21"], "delay_s": 2})
    order = a_limit()
    desk.place(order)
    report = accepted(desk.cancel(order))
    assert (report.status, report.filled_quantity) == (OrderStatus.CANCELLED, d("0.21"))
    assert desk.heard.fills == []
    desk.time.run_for(3)
    assert [fill.quantity for fill in desk.heard.fills] == [d("0.21")]


def test_a_cancel_can_come_too_late_altogether() -> None:
    desk = desk_with({"action": "fill_after_cancel", "delay_s": 2})
    order = a_limit()
    desk.place(order)
    assert refused(desk.cancel(order)) == "not_found"
    assert order_of(desk.exchange.engine, order).status is OrderStatus.FILLED


def test_events_can_be_lost_late_and_doubled() -> None:
    lost = desk_with({"action": "event_lost", "events": ["fill"]})
    lost.place(an_order())
    lost.time.run_for(5)
    assert lost.heard.fills == []
    assert len(lost.heard.orders) == 2
    late = desk_with({"action": "event_late", "events": ["fill"], "delay_s": 3})
    late.place(an_order())
    late.time.run_for(2)
    assert late.heard.fills == []
    late.time.run_for(2)
    assert len(late.heard.fills) == 1
    doubled = desk_with({"action": "event_duplicate", "events": ["fill"], "delay_s": 1})
    doubled.place(an_order())
    doubled.time.run_for(5)
    first, second = doubled.heard.fills
    assert first == second


def test_reordered_events_all_come_in_another_order() -> None:
    desk = desk_with({"action": "event_reorder", "events": ["fill"], "delay_s": 5})
    for _ in range(10):
        desk.place(an_order())
    desk.time.run_for(10)
    ids = [int(fill.fill_id) for fill in desk.heard.fills]
    assert len(ids) == 10
    assert ids != sorted(ids)


def test_a_silent_stream_stays_up_and_says_nothing_for_its_time() -> None:
    desk = desk_with({"action": "stream_silence", "from_s": 1, "until_s": 5}, feed=ticking())
    desk.time.run_until(T0 + 1_000)
    before = len(desk.heard.ticks)
    assert before > 5
    desk.place(an_order())
    desk.time.run_until(T0 + 4_950)
    assert (len(desk.heard.ticks), desk.heard.fills, desk.heard.connections) == (before, [], [True])
    desk.time.run_until(T0 + 6_000)
    assert len(desk.heard.ticks) > before


def test_a_dropped_stream_says_so_and_never_tells_what_it_missed() -> None:
    desk = desk_with({"action": "stream_drop", "from_s": 1, "for_s": 2}, feed=ticking())
    desk.time.run_until(T0 + 1_500)
    assert desk.heard.connections == [True, False]
    ticks = len(desk.heard.ticks)
    desk.place(an_order())
    desk.time.run_until(T0 + 2_900)
    assert len(desk.heard.ticks) == ticks
    desk.time.run_until(T0 + 4_000)
    assert desk.heard.connections == [True, False, True]
    assert desk.heard.fills == []
    assert len(desk.heard.ticks) > ticks


def test_a_skewed_clock_refuses_requests_until_the_client_asks_for_the_time() -> None:
    desk = desk_with({"action": "clock_skew", "offset_ms": -2000, "from_s": 1})
    desk.time.run_for(2)
    order = an_order()
    assert refused(desk.place(order)) == "clock"
    answer = desk.ask(FetchServerTime())
    assert isinstance(answer, ServerTime)
    assert abs(answer.server_ms - desk.time.now_ms() + 2000) < 10
    assert isinstance(desk.place(order), OrderAccepted)


def test_a_price_gap_jumps_over_stops_and_stays() -> None:
    desk = desk_with(
        {"action": "price_gap", "symbols": ["BTCUSDT"], "percent": "-3", "from_s": 2}, feed=ticking(every_ms=1000)
    )
    desk.place(an_order())
    stop = a_stop()
    desk.place(stop)
    desk.time.run_for(5)
    assert order_of(desk.exchange.engine, stop).average_price == d(970)
    assert desk.heard.ticks[-1].last == d(970)


def test_the_mark_price_can_be_kept_away_from_the_last_price_for_a_time() -> None:
    rule = {"action": "mark_offset", "symbols": ["BTCUSDT"], "percent": "-3", "from_s": 2, "until_s": 4}
    desk = desk_with(rule, feed=ticking(every_ms=500))
    desk.place(an_order(quantity="2"))
    on_mark, on_last = a_stop(), a_stop(trigger_source=TriggerSource.LAST)
    desk.place(on_mark)
    desk.place(on_last)
    desk.time.run_until(T0 + 3_000)
    assert (desk.heard.ticks[-1].mark, desk.heard.ticks[-1].last) == (d(970), d(1000))
    assert order_of(desk.exchange.engine, on_mark).status is OrderStatus.FILLED
    assert order_of(desk.exchange.engine, on_last).status is OrderStatus.WORKING
    desk.time.run_until(T0 + 5_000)
    assert desk.heard.ticks[-1].mark == d(1000)


def test_trading_can_be_suspended_and_resumed() -> None:
    desk = desk_with({"action": "suspend", "symbols": ["BTCUSDT"], "from_s": 1, "until_s": 3})
    desk.time.run_for(2)
    assert refused(desk.place(an_order())) == "not_trading"
    desk.time.run_for(2)
    assert isinstance(desk.place(an_order()), OrderAccepted)


def test_random_faults_strike_about_as_often_as_they_are_told_to() -> None:
    desk = Desk(faults=random_faults(seed=5, request_probability=0.05))
    unknown = sum(isinstance(desk.ask(FetchAccount(), timeout_s=1), OutcomeUnknown) for _ in range(400))
    # Lost request, lost answer, late answer, late execution: 5 % each; maintenance 5 % in all.
    assert 60 < unknown < 130


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "truncated"),
        ('{"rules": [{"action": "explode"}]}', "$.rules[0].action"),
        (
            '{"rules": [{"action": "reject", "reason": "size"}, {"action": "reject"}]}',
            "$.rules[1] (reject): needs reason",
        ),
        ('{"rules": [{"action": "lost_answer", "purpose": "stop"}]}', "unknown field `purpose`"),
        ('{"rules": [{"action": "lost_answer", "probability": 2}]}', "probability is 0 to 1"),
        ('{"rules": [{"action": "lost_answer", "nth": 0}]}', "nth and count begin at 1"),
        ('{"rules": [{"action": "forget", "from_s": 5, "until_s": 5}]}', "until_s must be after from_s"),
        ('{"rules": [{"action": "price_gap", "percent": "3"}]}', "needs symbols"),
        ('{"rules": [{"action": "partial_fill", "quantities": ["-1"]}]}', "quantities are positive"),
        ('{"rules": [{"action": "late_answer", "delay_s": -1}]}', "times are not negative"),
    ],
)
def test_a_bad_script_is_refused_with_the_rule_and_the_reason(text: str, said: str) -> None:
    with pytest.raises(BadFaultScriptError) as caught:
        parse_fault_script(text)
    assert said in str(caught.value)


def test_a_script_is_read_from_a_file_whose_name_is_in_the_errors(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('{"seed": 1, "rules": [{"action": "lost_answer", "nth": 2}]}', encoding="utf-8")
    assert read_fault_script(path).rules == (FaultRule(action="lost_answer", nth=2),)  # type: ignore[arg-type]
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(BadFaultScriptError, match=r"faults\.json"):
        read_fault_script(path)
    with pytest.raises(BadFaultScriptError, match="check the path"):
        read_fault_script(tmp_path / "none.json")


def test_a_request_that_the_script_refuses_is_refused_again_when_the_network_delivers_it_twice() -> None:
    refused_twice = FaultScript(
        rules=(
            FaultRule(action=FaultAction.REJECT, requests=(RequestType.PLACE,), reason=RejectReason.OTHER),
            FaultRule(action=FaultAction.DUPLICATE_REQUEST, requests=(RequestType.PLACE,), delay_s=0.5),
        )
    )
    desk = Desk(faults=refused_twice)
    assert refused(desk.place(an_order())) == "other"
    desk.time.run_for(2)
    assert desk.account().positions == ()


def test_an_order_that_fills_in_pieces_fills_whole_though_its_answer_was_a_maintenance() -> None:
    executed_all_the_same = FaultScript(
        rules=(
            FaultRule(action=FaultAction.MAINTENANCE, requests=(RequestType.PLACE,), executed=True),
            FaultRule(
                action=FaultAction.PARTIAL_FILL,
                requests=(RequestType.PLACE,),
                quantities=(d("0.4"),),
                every_s=1.0,
                fill_rest=True,
            ),
        )
    )
    desk = Desk(faults=executed_all_the_same)
    assert isinstance(desk.place(an_order()), OutcomeUnknown)
    assert [position.quantity for position in desk.account().positions] == [d("0.4")]
    desk.time.run_for(3)
    assert [position.quantity for position in desk.account().positions] == [d(1)]
