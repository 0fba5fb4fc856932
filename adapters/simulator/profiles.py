"""How venues differ, as data: the capabilities a client may ask for, and the habits it has to live with."""

from dataclasses import dataclass
from enum import StrEnum

from messages.instruments import Capabilities


class IdRule(StrEnum):
    """Among which orders a client order id must be unique."""

    ALWAYS = "always"
    OPEN_ORDERS = "open_orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A venue's character.

    Attributes:
        capabilities: What the venue offers to its clients.
        ids: Among which orders a client order id must be unique.
        accepts_whole_position_stop: A stop without a quantity is taken, whether or not it is offered as a capability
            (Binance has ``closePosition``, but it can be neither amended nor doubled: -4130).
        quantity_orders_survive: Reducing orders with a quantity stay when their position is gone (orphans).
        stops_need_a_position: A stop is refused where there is nothing to reduce; else it rests until it triggers.
        id_pattern: The venue's rule for client order ids; ours, the strictest, fits them all.
    """

    name: str
    capabilities: Capabilities
    ids: IdRule = IdRule.ALWAYS
    accepts_whole_position_stop: bool = True
    quantity_orders_survive: bool = True
    stops_need_a_position: bool = True
    id_pattern: str = "[A-Za-z0-9]{1,32}"


PAPER = Profile(
    name="paper",
    capabilities=Capabilities(
        attach_stop_to_entry=True,
        amend_stop=True,
        two_stops=True,
        whole_position_stop=True,
        hedge_mode=True,
    ),
)
BITGET = Profile(
    name="bitget",
    capabilities=Capabilities(
        attach_stop_to_entry=True,
        amend_stop=True,
        two_stops=False,
        whole_position_stop=True,
        hedge_mode=True,
    ),
    quantity_orders_survive=False,
    id_pattern="[A-Za-z0-9_.:#/-]{1,64}",
)
BINANCE = Profile(
    name="binance",
    capabilities=Capabilities(
        attach_stop_to_entry=False,
        amend_stop=False,
        two_stops=True,
        whole_position_stop=False,
        sizeless_stop=True,
        hedge_mode=True,
    ),
    ids=IdRule.OPEN_ORDERS,
    id_pattern="[A-Za-z0-9_.:/-]{1,36}",
)
BYBIT = Profile(
    name="bybit",
    capabilities=Capabilities(
        attach_stop_to_entry=True,
        amend_stop=True,
        two_stops=False,
        whole_position_stop=True,
        stop_client_order_id=False,
        hedge_mode=True,
    ),
    quantity_orders_survive=False,
    id_pattern="[A-Za-z0-9_-]{1,36}",
)
OKX = Profile(
    name="okx",
    capabilities=Capabilities(
        attach_stop_to_entry=True,
        amend_stop=True,
        two_stops=True,
        whole_position_stop=True,
        hedge_mode=True,
        attached_stop_needs_full_fill=True,
    ),
)
WORST = Profile(
    name="worst",
    capabilities=Capabilities(
        attach_stop_to_entry=False,
        amend_stop=False,
        two_stops=False,
        whole_position_stop=False,
    ),
    accepts_whole_position_stop=False,
    ids=IdRule.OPEN_ORDERS,
)

PROFILES = {profile.name: profile for profile in (PAPER, BITGET, BINANCE, BYBIT, OKX, WORST)}
