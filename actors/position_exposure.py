"""What the risk actor is told of a position: how much is open or being opened, and what came of it in the end."""

from messages.instruments import Instrument
from messages.journal import PositionResult
from messages.positions import ExposureChanged, PositionEnded
from messages.state import PositionState
from messages.values import ZERO
from rules.ladder import base_value
from rules.rounding import notional


def exposure_of(position: PositionState, instrument: Instrument) -> ExposureChanged | None:
    """The value of what is open and what is still being opened; ``None`` when nothing can be any more."""
    if position.closed_ms is not None:
        return None
    opening = ZERO if position.entry_done else max(position.wanted_quantity - position.opened_quantity, ZERO)
    quantity = position.quantity + opening or position.wanted_quantity
    return ExposureChanged(
        key=position.key,
        reservation_id=position.reservation_id,
        notional=notional(quantity=quantity, price=position.entry_price, contract_size=instrument.contract_size),
        base_usd=base_value(position, contract_size=instrument.contract_size),
        additions=position.ladder.additions,
    )


def may_be_naked(position: PositionState) -> bool:
    """Whether something of it may be open without a stop, as far as is known."""
    return position.closed_ms is None and position.stop.working is None


def ending_of(position: PositionState) -> PositionEnded:
    """The place in the limits is free again."""
    result = None
    if position.closed_ms is not None and position.opened_quantity > 0:
        result = PositionResult(
            position_id=position.position_id,
            closed_ms=position.closed_ms,
            net_pnl=position.realized_pnl - position.commission + position.funding,
        )
    return PositionEnded(key=position.key, reservation_id=position.reservation_id, opened=True, result=result)
