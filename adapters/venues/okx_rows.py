"""OKX's own rows, as REST and streams both give them, and how it spells numbers and names.

Every value is text; an empty one means "none". Quantities are contracts. Source: OKX v5 API documentation.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import msgspec

from messages.values import Side, Symbol, Venue

OKX: Final = Venue("okx")
QUOTE: Final = "USDT"
SUFFIX: Final = f"-{QUOTE}-SWAP"
WHOLE: Final = Decimal(1)
"""``closeFraction`` of an order that closes the whole position; no other is allowed."""
CHILD_PREFIX: Final = "O"
"""A triggered algo order's child carries ``O`` + algo id as client order id (seen in captures, not documented)."""


class OrderRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A regular order: ``orders-pending``, ``order``, ``orders-history`` and the ``orders`` channel."""

    inst_id: str
    ord_id: str
    side: str
    ord_type: str
    state: str
    sz: str
    cl_ord_id: str = ""
    algo_id: str = ""
    algo_cl_ord_id: str = ""
    pos_side: str = ""
    px: str = ""
    avg_px: str = ""
    acc_fill_sz: str = ""
    reduce_only: str = ""
    category: str = "normal"
    cancel_source_reason: str = ""
    c_time: str = ""
    u_time: str = ""
    trade_id: str = ""
    fill_px: str = ""
    fill_sz: str = ""
    fill_time: str = ""
    fill_fee: str = ""
    fill_fee_ccy: str = ""
    fee: str = ""
    fee_ccy: str = ""
    exec_type: str = ""


class AlgoRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A conditional order: ``orders-algo-*``, ``order-algo`` and the ``orders-algo`` channel."""

    inst_id: str
    algo_id: str
    side: str
    ord_type: str
    state: str
    algo_cl_ord_id: str = ""
    pos_side: str = ""
    sz: str = ""
    close_fraction: str = ""
    reduce_only: str = ""
    sl_trigger_px: str = ""
    sl_trigger_px_type: str = ""
    tp_trigger_px: str = ""
    tp_trigger_px_type: str = ""
    tp_ord_px: str = ""
    trigger_px: str = ""
    trigger_px_type: str = ""
    last: str = ""
    actual_sz: str = ""
    actual_px: str = ""
    fail_code: str = ""
    c_time: str = ""
    u_time: str = ""


class PositionRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A position; ``pos`` is signed where ``posSide`` is ``net``."""

    inst_id: str
    pos: str
    pos_side: str = "net"
    mgn_mode: str = "cross"
    avg_px: str = ""
    mark_px: str = ""
    last: str = ""
    lever: str = ""
    liq_px: str = ""
    upl: str = ""
    u_time: str = ""


class FillRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """An execution from ``fills`` or ``fills-history``."""

    inst_id: str
    trade_id: str
    ord_id: str
    bill_id: str
    fill_px: str
    fill_sz: str
    side: str
    ts: str
    cl_ord_id: str = ""
    pos_side: str = ""
    exec_type: str = ""
    fee: str = ""
    fee_ccy: str = ""
    sub_type: str = ""
    fill_time: str = ""


class BillRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A movement of money; ``type`` 8 is funding."""

    bill_id: str
    inst_id: str
    ts: str
    bal_chg: str = ""
    pnl: str = ""


class BalanceDetail(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One currency of the account."""

    ccy: str
    eq: str = ""
    cash_bal: str = ""
    avail_bal: str = ""
    avail_eq: str = ""


class BalanceRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """The account's money."""

    details: list[BalanceDetail] = []


class InstrumentRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A swap; one that is announced only has no more than its name."""

    inst_id: str
    state: str = ""
    ct_type: str = ""
    settle_ccy: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    lot_sz: str = ""
    min_sz: str = ""
    tick_sz: str = ""
    max_lmt_sz: str = ""
    max_mkt_sz: str = ""
    max_stop_sz: str = ""
    exp_time: str = ""


class AckRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What an order, an amendment or a cancellation is acknowledged with."""

    ord_id: str = ""
    algo_id: str = ""


class ConfigRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """How the account is set up; ``acct_lv`` 1 cannot trade swaps."""

    acct_lv: str = ""
    pos_mode: str = ""
    perm: str = ""


class LeverageRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """The leverage of an instrument in one margin mode ("Get leverage"); ``pos_side`` is ``net`` in cross margin."""

    lever: str = ""
    pos_side: str = ""


class AnyRow(msgspec.Struct, frozen=True, gc=False):
    """A row of which nothing is needed."""


_Row = TypeVar("_Row", bound=msgspec.Struct)


def read_rows(row: type[_Row], data: Sequence[object]) -> list[_Row]:
    """The ``data`` of an answer as rows of a type.

    Raises:
        ValueError: A row lacks something that it must have, or something is not text.
    """
    try:
        return msgspec.convert(data, list[row])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise ValueError(f"{row.__name__}: {error}") from error


# --- words ------------------------------------------------------------------------------------------------------------


def instrument_of(symbol: Symbol) -> str:
    """``BTCUSDT`` as OKX says it: ``BTC-USDT-SWAP``."""
    return f"{symbol.removesuffix(QUOTE)}{SUFFIX}"


def symbol_of(instrument: str) -> Symbol | None:
    """``BTC-USDT-SWAP`` as we say it; ``None`` for what is no USDT swap."""
    return Symbol(f"{instrument.removesuffix(SUFFIX)}{QUOTE}") if instrument.endswith(SUFFIX) else None


def is_of_a_client(client_id: str) -> bool:
    """Whether a client sent the order under this id; what a triggered algo order sends has none, or OKX's own."""
    return client_id != "" and not client_id.removeprefix(CHILD_PREFIX).isdecimal()


def text_of(number: Decimal) -> str:
    """A number as OKX takes it: plain, without padding."""
    return format(number.normalize(), "f")


def number_of(text: str) -> Decimal | None:
    """A number of the venue's, ``None`` for an empty text.

    Raises:
        ValueError: It is no number.
    """
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no number") from error
    if not number.is_finite():
        raise ValueError(f"{text!r} is no finite number")
    return number


def price_of(text: str) -> Decimal | None:
    """A price; empty, ``0`` and the ``-1`` of "at market" mean that there is none."""
    price = number_of(text)
    return price if price is not None and price > 0 else None


def hedge_side_of(pos_side: str) -> Side | None:
    """The side in hedge mode; ``net``, or nothing, in one-way mode."""
    return Side(pos_side) if pos_side in {"long", "short"} else None
