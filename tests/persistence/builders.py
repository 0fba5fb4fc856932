"""Decisions and their parts with defaults, so that a test shows only what matters to it."""

import itertools
from decimal import Decimal
from typing import Any

from messages.journal import (
    AuditRecord,
    Decision,
    EventRecord,
    IntentOutcome,
    PositionFill,
    PositionFunding,
    Severity,
    SignalFate,
    Verdict,
)
from messages.orders import FillReport, FundingReport, OrderSpec
from messages.state import (
    Intent,
    IntentAction,
    IntentStatus,
    PositionPhase,
    PositionState,
    TrailingPhase,
    TrailingState,
)
from messages.values import (
    ClientOrderId,
    Epoch,
    IntentId,
    OrderKind,
    OrderPurpose,
    OrderSide,
    PositionId,
    PositionKey,
    Side,
    Symbol,
    Venue,
    VenueOrderId,
)

PATH = "/position/bybit/BTCUSDT"
KEY = PositionKey(venue=Venue("bybit"), symbol=Symbol("BTCUSDT"))
POSITION = PositionId("p000000000000001")
_numbers = itertools.count(1)


def decision(**parts: Any) -> Decision:
    number = next(_numbers)
    defaults: dict[str, Any] = {"decision_id": f"d{number}", "path": PATH, "epoch": Epoch(1, 1), "at_ms": number}
    return Decision(**defaults | parts)


def position(**parts: Any) -> PositionState:
    defaults: dict[str, Any] = {
        "position_id": POSITION,
        "key": KEY,
        "phase": PositionPhase.ACTIVE,
        "side": Side.LONG,
        "wanted_quantity": Decimal("0.010"),
        "quantity": Decimal("0.010"),
        "entry_price": Decimal("42000.10"),
        "initial_stop_price": Decimal(41160),
        "leverage": 3,
        "opened_ms": 1_000,
    }
    return PositionState(**defaults | parts)


def trailing(**parts: Any) -> TrailingState:
    defaults: dict[str, Any] = {
        "position_id": POSITION,
        "phase": TrailingPhase.ACTIVE,
        "highest": Decimal("42630.50"),
        "lowest": Decimal("41999.9"),
        "activation_price": Decimal(42630),
        "callback_percent": Decimal("0.50"),
        "stop_price": Decimal(42417),
        "update_count": 3,
        "last_update_ms": 1_500,
    }
    return TrailingState(**defaults | parts)


def intent(name: str = "hf1", *, position_id: PositionId = POSITION, **parts: Any) -> Intent:
    order = OrderSpec(
        client_order_id=ClientOrderId(parts.pop("client_order_id", name)),
        symbol=Symbol("BTCUSDT"),
        side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET,
        purpose=OrderPurpose.STOP,
        quantity=Decimal("0.010"),
        trigger_price=Decimal("41160.5"),
        reduce_only=True,
    )
    defaults: dict[str, Any] = {
        "intent_id": IntentId(name),
        "position_id": position_id,
        "key": KEY,
        "action": IntentAction.PLACE,
        "order": order,
        "protective": True,
        "created_ms": 1_100,
    }
    return Intent(**defaults | parts)


def outcome(name: str = "hf1", status: IntentStatus = IntentStatus.ACCEPTED, **parts: Any) -> IntentOutcome:
    defaults: dict[str, Any] = {"intent_id": IntentId(name), "status": status, "at_ms": 1_200}
    return IntentOutcome(**defaults | parts)


def fill(name: str = "f1", *, position_id: PositionId | None = POSITION, pnl: str = "0", **parts: Any) -> PositionFill:
    defaults: dict[str, Any] = {
        "venue": KEY.venue,
        "symbol": KEY.symbol,
        "fill_id": name,
        "venue_order_id": VenueOrderId("v1"),
        "client_order_id": ClientOrderId("hf1"),
        "side": OrderSide.BUY,
        "price": Decimal("42000.10"),
        "quantity": Decimal("0.010"),
        "commission": Decimal("0.2310005"),
        "time_ms": 1_150,
    }
    return PositionFill(position_id=position_id, fill=FillReport(**defaults | parts), realized_pnl=Decimal(pnl))


def funding(name: str = "n1", amount: str = "-0.0123", position_id: PositionId | None = POSITION) -> PositionFunding:
    payment = FundingReport(
        venue=KEY.venue,
        symbol=KEY.symbol,
        funding_id=name,
        amount=Decimal(amount),
        time_ms=1_300,
    )
    return PositionFunding(position_id=position_id, payment=payment)


def event(kind: str = "opened", **parts: Any) -> EventRecord:
    defaults: dict[str, Any] = {
        "kind": kind,
        "severity": Severity.INFO,
        "text": "opened 0.010 BTCUSDT",
        "at_ms": 1_160,
        "subject": "bybit/BTCUSDT",
        "position_id": POSITION,
        "data": (("price", "42000.10"),),
    }
    return EventRecord(**defaults | parts)


def audit(**parts: Any) -> AuditRecord:
    defaults: dict[str, Any] = {
        "intent_id": IntentId("hf1"),
        "position_id": POSITION,
        "venue": KEY.venue,
        "operation": "place_stop",
        "request": "{}",
        "answer": "{}",
        "requested_ms": 1_101,
        "answered_ms": 1_140,
    }
    return AuditRecord(**defaults | parts)


def fate(name: str = "s1", **parts: Any) -> SignalFate:
    defaults: dict[str, Any] = {
        "signal_id": name,
        "at_ms": 900,
        "verdict": Verdict.ACCEPTED,
        "reason": "",
        "symbol": "BTCUSDT",
        "raw": "{}",
    }
    return SignalFate(**defaults | parts)
