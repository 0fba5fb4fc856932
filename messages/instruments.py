"""What a venue says about an instrument, and what a venue can do."""

from dataclasses import dataclass
from decimal import Decimal

from messages.values import Money, Price, Quantity, Symbol, Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A perpetual's trading rules, in the venue's own units.

    Attributes:
        price_tick: Smallest price step.
        quantity_step: Smallest quantity step.
        max_quantity: Largest limit or conditional order; ``None`` unlimited.
        max_market_quantity: Largest market order; ``None`` unlimited.
        min_notional: Least value of an opening order, in the quote currency; zero when the venue has none.
        contract_size: Base coin in one unit of quantity.
        taker_rate: Commission as a fraction of notional (0.0006 is 0.06 %).
        trading: False when delisted or suspended.
        ends_ms: When the venue ends it, UTC, once that is announced; ``None`` while it goes on.
    """

    venue: Venue
    symbol: Symbol
    price_tick: Price
    quantity_step: Quantity
    min_quantity: Quantity
    max_quantity: Quantity | None = None
    max_market_quantity: Quantity | None = None
    min_notional: Money = Decimal(0)
    contract_size: Decimal = Decimal(1)
    maker_rate: Decimal = Decimal("0.0002")
    taker_rate: Decimal = Decimal("0.0006")
    maintenance_margin_rate: Decimal = Decimal("0.004")
    trading: bool = True
    ends_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a venue can do; rules ask these, never the venue's name.

    Attributes:
        attach_stop_to_entry: The entry order can carry the stop, so that no unprotected window exists.
        amend_stop: A working stop can be moved in place.
        two_stops: A second stop may rest beside the first while it is being replaced.
        whole_position_stop: A stop without a quantity covers whatever the position's size is.
        sizeless_stop: Where stops have a quantity: one without is taken as well, but neither amended nor doubled.
        stop_client_order_id: A stop order carries a client order id of ours.
        hedge_mode: Both sides of one symbol may be open at once.
        attached_stop_needs_full_fill: The stop that the entry carries comes when the entry has filled completely, and
            is for its quantity: an entry that fills in pieces is without one until then (OKX).
    """

    attach_stop_to_entry: bool
    amend_stop: bool
    two_stops: bool
    whole_position_stop: bool
    sizeless_stop: bool = False
    stop_client_order_id: bool = True
    hedge_mode: bool = False
    attached_stop_needs_full_fill: bool = False
