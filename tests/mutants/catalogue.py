"""For each scenario, the line that carries its protection, and what it would be without.

A test that stays green without the protection proves nothing. ``python -m tests.mutants`` takes each of these lines out
of a copy of the project and wants the scenario's tests to fail.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One protection taken out.

    Attributes:
        scenario: F1 to F29 of the specification.
        what: What is taken out.
        file: Relative to the project; ``old`` is in it exactly once, and ``new`` comes in its place.
        tests: What must fail then: a file below ``tests/``, and, after two colons, words of the tests for ``-k``.
    """

    scenario: str
    what: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS: Final = (
    Mutant(
        scenario="F1",
        what="after no answer the venue is asked for the order by its id",
        file="actors/execution.py",
        old="        if job.asking or job.settled:\n",
        new="        if job.asking or not job.settled:\n",
        tests="scenarios/test_f01_lost_answer.py::whose_answers_are_lost_is_there_once and binance",
    ),
    Mutant(
        scenario="F2",
        what="a protective request without an answer is sent again beside the first",
        file="actors/execution.py",
        old="        delay_s = min(max(self._round_trip_s * HEDGE_ROUND_TRIPS, HEDGE_FLOOR_S), HEDGE_CAP_S)\n",
        new="        delay_s = REQUEST_TIMEOUT_S\n",
        tests="scenarios/test_f02_lost_move.py::binance or worst",
    ),
    Mutant(
        scenario="F3",
        what="a venue that denies everything is not believed twice",
        file="rules/forgetful_venue.py",
        old="    if not denied_lately(draft):\n        draft.denied,",
        new="    if draft.now_ms >= 0:\n        draft.denied,",
        tests="scenarios/test_f03_venue_forgets.py::binance",
    ),
    Mutant(
        scenario="F4",
        what="what was intended before the kill is looked for at the venue",
        file="actors/position.py",
        old="            self._around.execution.tell(ResolveIntents(path=self.context.path, intents=intents))\n",
        new="            del intents\n",
        tests="scenarios/test_f04_killed_in_a_wave.py::entry_killed and binance",
    ),
    Mutant(
        scenario="F5",
        what="what an order says to have filled is covered before its fills come",
        file="rules/position_draft.py",
        old="            if uncounted > 0 and identity is not None:\n",
        new="            if uncounted > 10**9 and identity is not None:\n",
        tests="scenarios/test_f05_partial_then_cancel.py::binance",
    ),
    Mutant(
        scenario="F6",
        what="a refused stop says where the price is",
        file="rules/position_settling.py",
        old="            draft.passed_stop, draft.passed_at = intent.order.trigger_price, draft.situation.watched\n",
        new="",
        tests="scenarios/test_f06_would_trigger.py::again_and_again and binance",
    ),
    Mutant(
        scenario="F6",
        what="after a refusal another way to close is tried",
        file="rules/escalation.py",
        old="    return LADDER[attempts % len(LADDER)]\n",
        new="    return LADDER[0]\n",
        tests="scenarios/test_f06_would_trigger.py::refused_for_good and binance",
    ),
    Mutant(
        scenario="F7",
        what="nothing is entered before what an earlier position left is gone",
        file="actors/position_opening.py",
        old="        orphans = orphans_of(report, self._key)\n",
        new="        orphans: list[OrderReport] = []\n",
        tests="scenarios/test_f07_orphans.py::on_no_record and binance",
    ),
    Mutant(
        scenario="F8",
        what="a stop is placed again while a close is refused",
        file="rules/position_plan_stop.py",
        old="        if draft.position.close_reason is None or draft.position.close_attempts > 0:\n",
        new="        if draft.position.close_reason is None:\n",
        tests="scenarios/test_f08_close_rejected.py::is_gone_when and binance",
    ),
    Mutant(
        scenario="F9",
        what="breakeven waits until the first take profit is complete",
        file="rules/position_fills.py",
        old="    complete = filled >= take_profit.quantity\n",
        new="    complete = filled > 0\n",
        tests="scenarios/test_f09_take_profit_in_pieces.py::binance",
    ),
    Mutant(
        scenario="F10",
        what="a level that the venue refuses is watched here",
        file="actors/market_watch.py",
        old="        if position.stop.attempts == 0 or trailed is None:\n",
        new="        if trailed is None or position.stop.attempts >= 0:\n",
        tests="scenarios/test_f10_order_type_withdrawn.py::triggered_here",
    ),
    Mutant(
        scenario="F11",
        what="a stream that brings no price is noticed",
        file="actors/market.py",
        old="        if not self._stale:\n            return\n        why",
        new="        if not self._stale or now_ms:\n            return\n        why",
        tests="scenarios/test_f11_silent_stream.py::binance",
    ),
    Mutant(
        scenario="F12",
        what="nothing is sent before the venue wants to hear of it",
        file="actors/execution.py",
        old="        self._queue.pause(self.context.now_ms() + max(wait_ms, 1))\n",
        new="        self._queue.pause(self.context.now_ms() + min(wait_ms, 1))\n",
        tests="scenarios/test_f12_rate_limit.py::storm_and_a_ban and binance",
    ),
    Mutant(
        scenario="F13",
        what="without a database decisions go to the spool",
        file="persistence/journal.py",
        old="            return self._to_spool(decisions)\n\n    def recover",
        new="            return self._store.commit(decisions)\n\n    def recover",
        tests="scenarios/test_f13_database_gone.py::stops_still_tighten",
    ),
    Mutant(
        scenario="F14",
        what="a stop that a person moved closer is the new floor",
        file="rules/position_stop.py",
        old="            draft.position = replace(draft.position, floor_stop_price=seen.trigger_price)\n",
        new="            pass\n",
        tests="scenarios/test_f14_human_hands.py::dragged_by_hand and bybit",
    ),
    Mutant(
        scenario="F14",
        what="being deleveraged is not taken for a liquidation",
        file="rules/position_fills.py",
        old="        return CloseReason.LIQUIDATION if fill.kind is FillKind.LIQUIDATION else CloseReason.ADL\n",
        new="        return CloseReason.LIQUIDATION\n",
        tests="scenarios/test_f14_human_hands.py::deleverag and binance",
    ),
    Mutant(
        scenario="F15",
        what="the stop stays ahead of the liquidation",
        file="rules/position_plan_stop.py",
        old="        (_clear_of_liquidation(draft), Rule.CLEAR_OF_LIQUIDATION),\n",
        new="",
        tests="scenarios/test_f15_changed_rules.py::raised_by_hand and binance",
    ),
    Mutant(
        scenario="F16",
        what="a refused cancel is tried ever more rarely",
        file="rules/position_settling.py",
        old="    if attempts < CANCEL_ATTEMPTS:\n        return 500 << attempts\n",
        new="    if attempts >= 0:\n        return 500\n",
        tests="scenarios/test_f16_cancel_refused.py::in_a_storm and binance",
    ),
    Mutant(
        scenario="F17",
        what="a close that was refused as reduce-only stays reduce-only",
        file="rules/position_plan_exit.py",
        old="        price=limit_price,\n        reduce_only=True,\n",
        new="        price=limit_price,\n        reduce_only=position.close_attempts == 0,\n",
        tests="scenarios/test_f17_reduce_only_refused.py::close and binance",
    ),
    Mutant(
        scenario="F17",
        what="take profits that do not add up to the position are planned anew",
        file="rules/position_plan_exit.py",
        old="    if sum((item.quantity - item.filled_quantity for item in live), start=ZERO) == position.quantity:\n",
        new="    if live:\n",
        tests="scenarios/test_f17_reduce_only_refused.py::take_profits and binance",
    ),
    Mutant(
        scenario="F18",
        what="a refusal for the clock is tried again",
        file="actors/execution.py",
        old="RETRYABLE: Final = frozenset({RejectReason.RATE_LIMITED, RejectReason.CLOCK})",
        new="RETRYABLE: Final = frozenset({RejectReason.RATE_LIMITED})",
        tests="scenarios/test_f18_clock_skew.py::binance",
    ),
    Mutant(
        scenario="F19",
        what="a position that crashed asks for what was under way",
        file="actors/position.py",
        old="        self._around.journal.tell(RestorePosition(path=self.context.path, key=self._key))\n",
        new="        self._restored = True\n",
        tests="scenarios/test_f19_crash_in_an_actor.py::any_moment and binance",
    ),
    Mutant(
        scenario="F20",
        what="a position that hangs is replaced",
        file="actors/house.py",
        old='            on_exhausted="park",\n            hang_timeout_s=HANG_S,\n',
        new='            on_exhausted="park",\n            hang_timeout_s=3_600.0,\n',
        tests="scenarios/test_f20_hung.py::position and binance",
    ),
    Mutant(
        scenario="F21",
        what="a close waits under its stop while trading is suspended",
        file="rules/position_plan_exit.py",
        old="    is_suspended = position.stop.working is not None and not draft.situation.instrument.trading\n",
        new="    is_suspended = False\n",
        tests="scenarios/test_f21_suspended.py::close_asked_for and binance",
    ),
    Mutant(
        scenario="F22",
        what="a former owner knows that it is one",
        file="persistence/fencing.py",
        old="    return another or decision.epoch.owner < fences.owner.epoch\n",
        new="    return False\n",
        tests="scenarios/test_f22_two_supervisors.py::taken_over and binance",
    ),
    Mutant(
        scenario="F23",
        what="a signal is taken once",
        file="actors/signals.py",
        old="        if signal_id in self._seen:\n            return False\n",
        new="",
        tests="scenarios/test_f23_signals_twice_late_malformed.py::twice or same_content",
    ),
    Mutant(
        scenario="F24",
        what="what is critical waits for the channel to come back",
        file="actors/alert_outbox.py",
        old="        waiting = self._critical if event.severity is Severity.CRITICAL else self._others\n",
        new="        waiting = self._others\n",
        tests="scenarios/test_f24_alert_channel.py",
    ),
    Mutant(
        scenario="F25",
        what="a stop without a quantity is full cover",
        file="rules/position_plan_stop.py",
        old="    if working.quantity is None:\n        quantity = None\n",
        new="    if working.quantity is None:\n        quantity = draft.exposed\n",
        tests="scenarios/test_f25_stop_without_quantity.py::binance or bitget",
    ),
    Mutant(
        scenario="F26",
        what="the stop that is there stays when a move is refused",
        file="rules/position_settling.py",
        old="        case _ if was_protected and stop.working is None and (unknown or stop.attempts > 1):\n",
        new="        case _ if was_protected and stop.attempts > 0:\n",
        tests="scenarios/test_f26_position_mode.py::binance",
    ),
    Mutant(
        scenario="F27",
        what="a row that failed inside an answer of 200 is a refusal",
        file="adapters/venues/okx_http.py",
        old='            if isinstance(each, Mapping) and code != "0":\n',
        new='            if isinstance(each, Mapping) and code == "never":\n',
        tests="scenarios/test_f27_answers_that_lie.py::okx",
    ),
    Mutant(
        scenario="F27",
        what="what a cancel of several orders refuses is a refusal",
        file="adapters/venues/bitget.py",
        old='        for failure in data.get("failureList") or ():\n',
        new='        for failure in data.get("nothing") or ():\n',
        tests="venues/bitget/test_errors.py",
    ),
    Mutant(
        scenario="F28",
        what="stops watch the configured price",
        file="rules/position_stop.py",
        old="        trigger_source=draft.situation.policies.orders.trigger_source,\n",
        new="",
        tests="scenarios/test_f28_mark_and_last.py::binance",
    ),
    Mutant(
        scenario="F29",
        what="what is being opened counts",
        file="rules/limits.py",
        old="        return len(self.open.keys() | set(self.reserved_keys.values()))\n",
        new="        return len(self.open)\n",
        tests="scenarios/test_f29_re_entry_storm.py::binance or paper",
    ),
)
