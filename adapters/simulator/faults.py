"""Which of a script's faults befall a given request or event: counting matches, and drawing by seed."""

from dataclasses import dataclass

from adapters.simulator.fault_script import EventType, FaultAction, FaultRule, FaultScript, RequestType
from adapters.simulator.noise import unit_noise
from messages.values import OrderKind, OrderPurpose, Symbol
from messages.venue import (
    AmendOrder,
    CancelOrder,
    FetchAccount,
    FetchFills,
    FetchInstruments,
    FetchServerTime,
    PlaceOrder,
    QueryOrder,
    SetLeverage,
    VenueRequest,
)

_REQUEST_TYPES: dict[type, RequestType] = {
    PlaceOrder: RequestType.PLACE,
    AmendOrder: RequestType.AMEND,
    CancelOrder: RequestType.CANCEL,
    QueryOrder: RequestType.QUERY,
    FetchAccount: RequestType.ACCOUNT,
    FetchFills: RequestType.FILLS,
    FetchInstruments: RequestType.INSTRUMENTS,
    SetLeverage: RequestType.LEVERAGE,
    FetchServerTime: RequestType.TIME,
}
ON_EVENTS = frozenset(
    {
        FaultAction.EVENT_LOST,
        FaultAction.EVENT_LATE,
        FaultAction.EVENT_DUPLICATE,
        FaultAction.EVENT_REORDER,
        FaultAction.STREAM_SILENCE,
    }
)
TIMED = frozenset(
    {
        FaultAction.STREAM_DROP,
        FaultAction.CLOCK_SKEW,
        FaultAction.PRICE_GAP,
        FaultAction.MARK_OFFSET,
        FaultAction.SUSPEND,
    }
)
"""Actions that come at their time, not with a message."""
_ONLY_FOR = {
    FaultAction.FORGET: frozenset({RequestType.QUERY, RequestType.CANCEL, RequestType.ACCOUNT}),
    FaultAction.PARTIAL_FILL: frozenset({RequestType.PLACE}),
    FaultAction.FILL_AFTER_CANCEL: frozenset({RequestType.CANCEL}),
    FaultAction.ORDER_TYPE_WITHDRAWN: frozenset({RequestType.PLACE}),
}
_CONDITIONAL = frozenset({OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET})


@dataclass(slots=True)
class _Count:
    matched: int = 0
    acted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    type: RequestType
    symbol: Symbol | None
    kind: OrderKind | None
    purpose: OrderPurpose | None


class Faults:
    """A running script; its periods count from ``start_ms``, its counts from its creation."""

    def __init__(self, script: FaultScript, *, start_ms: int) -> None:
        self.script = script
        self._start_ms = start_ms
        self._counts = [_Count() for _ in script.rules]
        rules = list(enumerate(script.rules))
        self._on_events = [(index, rule) for index, rule in rules if rule.action in ON_EVENTS]
        self._on_requests = [
            (i, rule) for i, rule in rules if rule.action not in ON_EVENTS and rule.action not in TIMED
        ]
        self.timed = tuple(rule for rule in script.rules if rule.action in TIMED)
        self.concern_ticks = any(
            rule.action is FaultAction.STREAM_SILENCE or EventType.TICK in rule.events for _, rule in self._on_events
        )

    def of_request(self, request: VenueRequest, now_ms: int) -> dict[FaultAction, FaultRule]:
        """What befalls ``request``, sent now."""
        if not self._on_requests:
            return {}
        subject = _subject_of(request)
        return {
            rule.action: rule
            for index, rule in self._on_requests
            if _matches(rule, subject) and self._acts(index, rule, now_ms)
        }

    def of_event(self, event: EventType, symbol: Symbol, now_ms: int) -> dict[FaultAction, FaultRule]:
        """What befalls a stream message, sent now."""
        found = {}
        for index, rule in self._on_events:
            wanted = event in rule.events if rule.events else _by_default(rule, event)
            if wanted and (not rule.symbols or symbol in rule.symbols) and self._acts(index, rule, now_ms):
                found[rule.action] = rule
        return found

    def _acts(self, index: int, rule: FaultRule, now_ms: int) -> bool:
        since_s = (now_ms - self._start_ms) / 1000
        if since_s < rule.from_s or (rule.until_s is not None and since_s >= rule.until_s):
            return False
        count = self._counts[index]
        count.matched += 1
        if count.matched < rule.nth or (rule.count is not None and count.acted >= rule.count):
            return False
        if rule.probability < 1 and unit_noise(self.script.seed, index, count.matched) >= rule.probability:
            return False
        count.acted += 1
        return True


def _by_default(rule: FaultRule, event: EventType) -> bool:
    return event is not EventType.TICK or rule.action is FaultAction.STREAM_SILENCE


def _matches(rule: FaultRule, subject: _Subject) -> bool:
    only_for = _ONLY_FOR.get(rule.action)
    return (
        (only_for is None or subject.type in only_for)
        and (rule.action is not FaultAction.ORDER_TYPE_WITHDRAWN or subject.kind in _CONDITIONAL)
        and (not rule.requests or subject.type in rule.requests)
        and (not rule.symbols or subject.symbol is None or subject.symbol in rule.symbols)
        and (not rule.kinds or subject.kind is None or subject.kind in rule.kinds)
        and (not rule.purposes or subject.purpose in rule.purposes)
    )


def _subject_of(request: VenueRequest) -> _Subject:
    symbol: Symbol | None = None
    kind: OrderKind | None = None
    purpose: OrderPurpose | None = None
    match request:
        case PlaceOrder(order=order) | AmendOrder(order=order) | CancelOrder(order=order):
            symbol, kind, purpose = order.symbol, order.kind, order.purpose
        case QueryOrder():
            symbol, kind = request.symbol, request.kind
        case FetchAccount() | FetchFills() | SetLeverage():
            symbol = request.symbol
        case FetchInstruments() | FetchServerTime():
            pass
    return _Subject(type=_REQUEST_TYPES[type(request)], symbol=symbol, kind=kind, purpose=purpose)
