"""Fills and funding: how they change what we know of a position.

Invariants:
1. A fill counts once, however often and in whatever order it comes.
2. Fills add up to the position's quantity.
"""

from dataclasses import replace

from messages.journal import PositionFill, PositionFunding, Severity
from messages.orders import FillKind, FillReport, FundingReport
from messages.state import CloseReason, PositionPhase, StopPhase, TakeProfitPhase, TakeProfitState, TrailingPhase
from messages.values import ZERO, ClientOrderId, OrderPurpose, Quantity
from rules.client_order_ids import parse_client_order_id
from rules.pnl import FillEffect, FillRefused, apply_fill
from rules.position_addition import note_added
from rules.position_draft import Draft, take_profit_of
from rules.position_lifecycle import PositionEvent
from rules.trailing import start_trailing


def take_fill(draft: Draft, fill: FillReport, *, in_order: bool = False) -> None:
    """Count ``fill``, once; ``in_order``: none before it is missing."""
    position = draft.position
    if fill.fill_id in position.seen_fills:
        return
    identity = parse_client_order_id(fill.client_order_id or "")
    if identity is not None and identity.position_id != position.position_id:
        return
    if (identity is None or position.entry_order_id is None) and fill.time_ms < _began_ms(draft):
        if identity is not None:
            _note_earlier(draft, fill)
        return
    if position.closed_ms is not None and identity is None and fill.time_ms > _by_venue(draft, position.closed_ms):
        return  # what others do after the end is of another position
    effect = _effect_of(draft, fill, fill.quantity)
    if isinstance(effect, FillRefused):
        if in_order and position.quantity > ZERO and position.key.hedge_side is None:
            _turned(draft, fill)
            return
        draft.anomaly(f"fill {fill.fill_id} of {fill.quantity} does not fit a position of {position.quantity}")
        if not in_order:
            # A stream may bring the stop's fill before the entry's: they are read, which brings them as they were.
            draft.reads_fills = True
            return
        draft.position = replace(position, seen_fills=(*position.seen_fills, fill.fill_id))
        draft.fills.append(PositionFill(position_id=None, fill=fill, realized_pnl=ZERO))
        return
    _count(draft, fill, effect)


def _effect_of(draft: Draft, fill: FillReport, quantity: Quantity) -> FillEffect | FillRefused:
    """What so much of ``fill`` does to the position."""
    position = draft.position
    return apply_fill(
        side=position.side,
        quantity=position.quantity,
        entry_price=position.entry_price,
        fill_side=fill.side,
        fill_price=fill.price,
        fill_quantity=quantity,
        contract_size=draft.situation.instrument.contract_size,
    )


def _turned(draft: Draft, fill: FillReport) -> None:
    """One fill closed everything and opened the other side (one-way mode): what that side is, is not ours to count."""
    position = draft.position
    effect = _effect_of(draft, fill, position.quantity)
    if isinstance(effect, FillEffect):
        draft.record(
            "position_turned",
            f"fill {fill.fill_id} of {fill.quantity} closed the {position.side} of {position.quantity}, and opened the "
            f"other side with {fill.quantity - position.quantity}",
            Severity.WARNING,
        )
        _count(draft, fill, effect)


def _count(draft: Draft, fill: FillReport, effect: FillEffect) -> None:
    position = draft.position
    order_key = ClientOrderId(fill.client_order_id or fill.venue_order_id)
    counted = dict(position.order_fills)
    counted[order_key] = counted.get(order_key, ZERO) + fill.quantity
    draft.changed_ms = draft.now_ms
    draft.position = replace(
        position,
        quantity=effect.quantity,
        entry_price=effect.entry_price,
        opened_quantity=position.opened_quantity + effect.opened,
        realized_pnl=position.realized_pnl + effect.realized_pnl,
        commission=position.commission + fill.commission,
        seen_fills=(*position.seen_fills, fill.fill_id),
        order_fills=tuple(counted.items()),
        exit_price=fill.price if effect.closed > 0 else position.exit_price,
    )
    draft.fills.append(PositionFill(position_id=position.position_id, fill=fill, realized_pnl=effect.realized_pnl))
    if not position.entered_ms and position.entry_order_id == fill.client_order_id and effect.opened > 0:
        draft.position = replace(draft.position, entered_ms=fill.time_ms)
    if effect.opened > 0:
        note_added(draft, fill)
        _opened_more(draft, fill)
    if effect.closed > 0:
        _closed_some(draft, fill)


def _began_ms(draft: Draft) -> int:
    """By the venue's clock: as the venue told it with the entry's fill, before that as far as we know that clock."""
    return draft.position.entered_ms or _by_venue(draft, draft.position.opened_ms)


def _by_venue(draft: Draft, time_ms: int) -> int:
    """A time of our clock as the venue's clock had it, as far as we know that clock."""
    return time_ms + draft.situation.venue_ahead_ms


def _note_earlier(draft: Draft, fill: FillReport) -> None:
    """A fill of a position that was taken over after it: on record as its own, and in its size already."""
    position = draft.position
    draft.position = replace(position, seen_fills=(*position.seen_fills, fill.fill_id))
    draft.fills.append(PositionFill(position_id=position.position_id, fill=fill, realized_pnl=ZERO))


def _opened_more(draft: Draft, fill: FillReport) -> None:
    if draft.ended:
        draft.anomaly(f"fill {fill.fill_id} opened {fill.quantity} after the position had ended: it is closed again")
        draft.position = replace(draft.position, closed_ms=None)
    if draft.position.phase is PositionPhase.PENDING_ENTRY:
        draft.pass_to(PositionEvent.ENTRY_SENT)
    if draft.position.phase is PositionPhase.ENTRY_PLACED:
        draft.pass_to(PositionEvent.ENTRY_FILLED)
        draft.record(
            "position_filled", f"{draft.position.side} {fill.quantity} at {fill.price}", quantity=fill.quantity
        )
        if draft.position.stop.phase is StopPhase.WORKING or draft.position.stop.triggered:
            draft.pass_to(PositionEvent.STOP_CONFIRMED)
    if draft.trailing.phase in {TrailingPhase.INACTIVE, TrailingPhase.WAITING}:
        draft.trailing = start_trailing(
            position_id=draft.position.position_id,
            side=draft.position.side,
            entry_price=draft.position.entry_price,
            now_ms=draft.now_ms,
            policy=draft.situation.policies.trailing,
        )


def _closed_some(draft: Draft, fill: FillReport) -> None:
    if fill.kind is not FillKind.TRADE:
        draft.record(
            "liquidated" if fill.kind is FillKind.LIQUIDATION else "deleveraged",
            f"the venue closed {fill.quantity} of {draft.position.side} at {fill.price} by itself: "
            + ("liquidation" if fill.kind is FillKind.LIQUIDATION else "auto-deleveraging"),
            Severity.CRITICAL,
            quantity=fill.quantity,
            price=fill.price,
        )
    take_profit = take_profit_of(draft, fill.client_order_id, str(fill.venue_order_id))
    if take_profit is not None:
        _take_profit_filled(draft, take_profit, fill)
    if draft.position.close_reason is None and draft.position.quantity == 0:
        draft.position = replace(draft.position, close_reason=_reason_of(draft, fill, take_profit))


def _reason_of(draft: Draft, fill: FillReport, take_profit: TakeProfitState | None) -> CloseReason:
    identity = parse_client_order_id(fill.client_order_id or "")
    stop = draft.position.stop
    if fill.kind is not FillKind.TRADE:
        return CloseReason.LIQUIDATION if fill.kind is FillKind.LIQUIDATION else CloseReason.ADL
    if take_profit is not None:
        return CloseReason.TAKE_PROFIT
    if identity is not None and identity.purpose is OrderPurpose.GUARD:
        return CloseReason.GUARD
    if identity is not None and identity.purpose is OrderPurpose.AGED:
        return CloseReason.AGED
    by_stop = stop.triggered if identity is None else identity.purpose is OrderPurpose.STOP
    if by_stop or (stop.working is not None and stop.working.venue_order_id == fill.venue_order_id):
        return CloseReason.TRAILING if draft.trailing.update_count > 0 else CloseReason.STOP_LOSS
    return CloseReason.OUTSIDE


def _take_profit_filled(draft: Draft, take_profit: TakeProfitState, fill: FillReport) -> None:
    filled = take_profit.filled_quantity + fill.quantity
    complete = filled >= take_profit.quantity
    draft.change_take_profit(
        take_profit.level,
        filled_quantity=filled,
        phase=TakeProfitPhase.FILLED if complete else take_profit.phase,
    )
    if complete:
        draft.record("take_profit_filled", f"TP{take_profit.level} {filled} at {fill.price}", level=take_profit.level)
        if take_profit.level == 1 and draft.position.quantity > 0:
            draft.position = replace(draft.position, breakeven_done=True)


def take_funding(draft: Draft, payment: FundingReport) -> None:
    """Count a funding payment, once."""
    position = draft.position
    if payment.funding_id in position.seen_fills or payment.time_ms < _began_ms(draft):
        return
    draft.position = replace(
        position,
        funding=position.funding + payment.amount,
        seen_fills=(*position.seen_fills, payment.funding_id),
    )
    draft.funding.append(PositionFunding(position_id=position.position_id, payment=payment))
