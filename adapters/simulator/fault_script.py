"""Faults as data: what goes wrong, with which requests or events, when and how often; also as a JSON file.

A script is ``{"seed": 7, "rules": [{"action": "lost_answer", "requests": ["place"], "purposes": ["stop"]}]}``.
A rule matches a request by its type, purpose, order kind and symbol (nothing given matches all), within its period
(seconds since the exchange started); of those that match it takes the ``nth`` (counting from 1) and the ones after it
until it has acted ``count`` times, each with its probability.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import msgspec

from messages.values import OrderKind, OrderPurpose, Symbol
from messages.venue import RejectReason


class FaultAction(StrEnum):
    """What goes wrong."""

    LOST_REQUEST = "lost_request"
    LOST_ANSWER = "lost_answer"
    LATE_ANSWER = "late_answer"
    LATE_EXECUTION = "late_execution"
    DUPLICATE_REQUEST = "duplicate_request"
    REJECT = "reject"
    RATE_LIMIT = "rate_limit"
    MAINTENANCE = "maintenance"
    ORDER_TYPE_WITHDRAWN = "order_type_withdrawn"
    FORGET = "forget"
    PARTIAL_FILL = "partial_fill"
    FILL_AFTER_CANCEL = "fill_after_cancel"
    EVENT_LOST = "event_lost"
    EVENT_LATE = "event_late"
    EVENT_DUPLICATE = "event_duplicate"
    EVENT_REORDER = "event_reorder"
    STREAM_SILENCE = "stream_silence"
    STREAM_DROP = "stream_drop"
    CLOCK_SKEW = "clock_skew"
    PRICE_GAP = "price_gap"
    MARK_OFFSET = "mark_offset"
    SUSPEND = "suspend"


class RequestType(StrEnum):
    """The requests of :mod:`messages.venue`, by short names."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"
    QUERY = "query"
    ACCOUNT = "account"
    FILLS = "fills"
    INSTRUMENTS = "instruments"
    LEVERAGE = "leverage"
    TIME = "time"


class EventType(StrEnum):
    """What a stream carries."""

    ORDER = "order"
    FILL = "fill"
    POSITION = "position"
    FUNDING = "funding"
    TICK = "tick"


class BadFaultScriptError(ValueError):
    """A fault script cannot be used; the text says which rule and why."""


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that goes wrong.

    Attributes:
        requests: Which requests; with ``purposes``, ``kinds`` and ``symbols`` narrowing them. Empty is all.
        events: Which stream messages, for the actions on events. Empty is all but ticks.
        nth: The first match that it acts on, from 1.
        count: How often it acts; ``None`` without end.
        from_s: When it begins, in seconds since the exchange started; ``until_s`` when it ends.
        delay_s: How late, for late answers, executions and events; the time until a late fill's events.
        quantities: What fills, piece by piece (partial_fill), or after the cancel (fill_after_cancel).
        every_s: Time between the pieces.
        fill_rest: Whether a partial fill goes on to the end after its pieces.
        reason: The venue's reason, for reject; ``text`` its words.
        retry_after_s: What a rate limit tells the client.
        executed: Whether maintenance lets the request through before it answers 503.
        for_s: How long a dropped stream stays away.
        percent: Size of a price gap or of the mark price's offset, signed.
        offset_ms: The venue's clock against the real one.
    """

    action: FaultAction
    requests: tuple[RequestType, ...] = ()
    purposes: tuple[OrderPurpose, ...] = ()
    kinds: tuple[OrderKind, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    events: tuple[EventType, ...] = ()
    nth: int = 1
    count: int | None = None
    probability: float = 1.0
    from_s: float = 0.0
    until_s: float | None = None
    delay_s: float = 0.0
    quantities: tuple[Decimal, ...] = ()
    every_s: float = 0.1
    fill_rest: bool = False
    reason: RejectReason | None = None
    text: str = ""
    retry_after_s: float = 10.0
    executed: bool = False
    for_s: float = 1.0
    percent: Decimal = Decimal(0)
    offset_ms: int = 0


class FaultScript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that goes wrong; ``seed`` decides what probability decides."""

    seed: int = 0
    rules: tuple[FaultRule, ...] = ()


NO_FAULTS = FaultScript()

_NEEDS: Mapping[FaultAction, tuple[str, ...]] = {
    FaultAction.LATE_ANSWER: ("delay_s",),
    FaultAction.LATE_EXECUTION: ("delay_s",),
    FaultAction.EVENT_LATE: ("delay_s",),
    FaultAction.EVENT_REORDER: ("delay_s",),
    FaultAction.REJECT: ("reason",),
    FaultAction.PARTIAL_FILL: ("quantities",),
    FaultAction.CLOCK_SKEW: ("offset_ms",),
    FaultAction.PRICE_GAP: ("symbols", "percent"),
    FaultAction.MARK_OFFSET: ("symbols", "percent"),
    FaultAction.SUSPEND: ("symbols",),
}
_PERCENT_FLOOR = Decimal(-90)


def parse_fault_script(text: str | bytes) -> FaultScript:
    """A script from its JSON text.

    Raises:
        BadFaultScriptError: naming the rule (``$.rules[2]`` is the third) and what is wrong with it.
    """
    try:
        script = msgspec.json.decode(text, type=FaultScript)
    except msgspec.MsgspecError as error:
        raise BadFaultScriptError(f"fault script: {error}") from None
    for index, rule in enumerate(script.rules):
        problem = _problem_of(rule)
        if problem:
            raise BadFaultScriptError(f"fault script: $.rules[{index}] ({rule.action}): {problem}")
    return script


def read_fault_script(path: Path) -> FaultScript:
    """A script from a JSON file.

    Raises:
        BadFaultScriptError: as :func:`parse_fault_script`, and when the file cannot be read.
    """
    try:
        return parse_fault_script(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFaultScriptError(f"{path}: {error.strerror or error}; check the path") from None
    except BadFaultScriptError as error:
        raise BadFaultScriptError(f"{path}: {error}") from None


def random_faults(
    *, seed: int, request_probability: float = 0.01, event_probability: float = 0.01, late_s: float = 3.0
) -> FaultScript:
    """A script in which everything that can befall a message befalls some of them."""
    on_requests = (
        FaultRule(action=FaultAction.LOST_REQUEST, probability=request_probability),
        FaultRule(action=FaultAction.LOST_ANSWER, probability=request_probability),
        FaultRule(action=FaultAction.LATE_ANSWER, probability=request_probability, delay_s=late_s),
        FaultRule(action=FaultAction.LATE_EXECUTION, probability=request_probability, delay_s=late_s),
        FaultRule(action=FaultAction.MAINTENANCE, probability=request_probability / 2),
        FaultRule(action=FaultAction.MAINTENANCE, probability=request_probability / 2, executed=True),
    )
    on_events = (
        FaultRule(action=FaultAction.EVENT_LATE, probability=event_probability, delay_s=late_s),
        FaultRule(action=FaultAction.EVENT_DUPLICATE, probability=event_probability, delay_s=late_s),
        FaultRule(action=FaultAction.EVENT_REORDER, probability=event_probability, delay_s=late_s),
    )
    return FaultScript(seed=seed, rules=on_requests + on_events)


def _problem_of(rule: FaultRule) -> str:
    missing = [name for name in _NEEDS.get(rule.action, ()) if not getattr(rule, name)]
    if missing:
        return f"needs {' and '.join(missing)}"
    if not 0 <= rule.probability <= 1:
        return "probability is 0 to 1"
    if rule.nth < 1 or (rule.count is not None and rule.count < 1):
        return "nth and count begin at 1"
    if rule.until_s is not None and rule.until_s <= rule.from_s:
        return "until_s must be after from_s"
    if min(rule.delay_s, rule.every_s, rule.retry_after_s, rule.for_s, rule.from_s) < 0:
        return "times are not negative"
    if any(not quantity.is_finite() or quantity <= 0 for quantity in rule.quantities):
        return "quantities are positive"
    if not rule.percent.is_finite() or rule.percent <= _PERCENT_FLOOR:
        return f"percent is over {_PERCENT_FLOOR}"
    return ""
