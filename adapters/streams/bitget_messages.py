"""What Bitget's streams send, as far as it is used; fields that are new or missing are no error."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from messages.values import Price

Number = str | int | None
"""Numbers come as text, and now and then as numbers."""


class Arg(msgspec.Struct, frozen=True):
    """Which channel a message is about."""

    channel: str = ""


class Envelope(msgspec.Struct, frozen=True):
    """What every message is, whatever it carries."""

    event: str = ""
    code: int | str = 0
    msg: str = ""
    arg: Arg = Arg()
    ts: int = 0


class TickerRow(msgspec.Struct, frozen=True, gc=False):
    """The price of one symbol. Partial: what did not change may be missing."""

    inst_id: Annotated[str, msgspec.Meta(min_length=1)] = msgspec.field(name="instId")
    last_price: Price = msgspec.field(name="lastPr")
    mark_price: Price | None = msgspec.field(name="markPrice", default=None)
    bid_price: Price | None = msgspec.field(name="bidPr", default=None)
    ask_price: Price | None = msgspec.field(name="askPr", default=None)
    ts: Decimal = Decimal(0)

    @property
    def time_ms(self) -> int:
        """The venue's time."""
        return int(self.ts)


class TickerPush(msgspec.Struct, frozen=True):
    """Prices."""

    data: list[TickerRow]


class OrderRow(msgspec.Struct, frozen=True, rename="camel"):
    """A regular order."""

    order_id: str
    inst_id: str
    status: str
    side: str
    client_oid: str = ""
    client_o_id: str = ""
    size: Number = None
    price: Number = None
    price_avg: Number = None
    acc_base_volume: Number = None
    order_type: str = ""
    pos_mode: str = ""
    pos_side: str = ""
    trade_side: str = ""
    reduce_only: str = "no"
    c_time: Number = None
    u_time: Number = None


class OrderPush(msgspec.Struct, frozen=True):
    """Regular orders."""

    data: list[OrderRow]


class AlgoRow(msgspec.Struct, frozen=True, rename="camel"):
    """A plan order."""

    order_id: str
    inst_id: str
    plan_type: str
    status: str
    side: str
    client_oid: str = ""
    size: Number = None
    actual_size: Number = None
    trigger_price: Number = None
    trigger_type: str = ""
    pos_mode: str = ""
    pos_side: str = ""
    c_time: Number = None
    u_time: Number = None


class AlgoPush(msgspec.Struct, frozen=True):
    """Plan orders."""

    data: list[AlgoRow]


class Fee(msgspec.Struct, frozen=True, rename="camel"):
    """What an execution cost, negative when it was paid."""

    fee_coin: str = "USDT"
    total_fee: Number = None


class FillRow(msgspec.Struct, frozen=True, rename="camel"):
    """An execution."""

    order_id: str
    trade_id: str
    symbol: str
    side: str
    price: Number
    base_volume: Number
    trade_side: str = ""
    trade_scope: str = ""
    pos_mode: str = ""
    fee_detail: list[Fee] = []
    c_time: Number = None


class FillPush(msgspec.Struct, frozen=True):
    """Executions."""

    data: list[FillRow]


class PositionRow(msgspec.Struct, frozen=True, rename="camel"):
    """A position."""

    inst_id: str
    hold_side: str
    total: Number
    open_price_avg: Number = None
    leverage: Number = None
    margin_mode: str = ""
    pos_mode: str = ""
    liquidation_price: Number = None
    u_time: Number = None
    unrealized_pl: Number = msgspec.field(name="unrealizedPL", default=None)


class PositionPush(msgspec.Struct, frozen=True):
    """All positions."""

    data: list[PositionRow]


def plain(row: msgspec.Struct) -> Mapping[str, Any]:
    """The row under the venue's own names, as the parsers that requests share take it."""
    found: dict[str, Any] = msgspec.to_builtins(row)
    if found.get("clientOId"):
        found["clientOid"] = found["clientOId"]
    return found
