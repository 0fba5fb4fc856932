"""Whether a message is a signal: validation of what a source sent (S1, S2.6, DESIGN §10).

Invariants:
1. Whatever arrives, the answer is a signal or a refusal with a reason, never an error.
2. Prices come through exactly as they were written.
3. The same content has the same id, however it is spelled, and another content another one.
4. A signal is neither older than allowed nor from the future.
5. A signal's prices are in order: stop, entry, TP1, TP2 for a long, the other way round for a short.
"""

import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Final, TypeGuard

from messages.signals import Signal
from messages.values import ZERO, Price, Side, Symbol, Venue

MAX_AHEAD_S: Final = 60
"""How far a source's clock may be ahead of ours."""

_WAVE_MS: Final = 900_000
_MS_A_SECOND: Final = 1_000
_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SIDES: Final = {"BUY": Side.LONG, "SELL": Side.SHORT}
_PRICES: Final = ("entry", "tp1", "tp2", "sl")
_FIELDS: Final = ("id", "timestamp", "symbol", "side", "score_week", "score_month", "exchange", *_PRICES)
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_MAX_TEXT: Final = 128
_MAX_SYMBOL: Final = 40
_MAX_EXPONENT: Final = 15
_MAX_DIGITS: Final = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRefused:
    """Not a signal, and why; with what ``signals_log`` needs to name it."""

    reason: str
    signal_id: str
    symbol: str
    raw: str


class _MalformedError(Exception):
    """Leaves a field's parser with the reason; never this file."""


def parse_signal(
    raw: object, *, now_ms: int, max_age_s: float, venues: Collection[Venue] | None = None
) -> Signal | SignalRefused:
    """``raw``, a decoded JSON object, as a signal; or the reason why it is none.

    The wave is the 15 minutes in which the timestamp lies. ``venues`` are those that may be named, ``None`` any.
    """
    fields = raw if isinstance(raw, Mapping) else {}
    text = _as_written(raw)
    try:
        return _signal(raw, text, now_ms, max_age_s, venues)
    except _MalformedError as malformed:
        given, named = fields.get("id"), fields.get("symbol")
        return SignalRefused(
            reason=str(malformed),
            signal_id=given if _is_id(given) else _digest(text),
            symbol=named[:_MAX_SYMBOL] if isinstance(named, str) else "",
            raw=text,
        )


def _signal(raw: object, text: str, now_ms: int, max_age_s: float, venues: Collection[Venue] | None) -> Signal:
    if not isinstance(raw, Mapping):
        raise _MalformedError(f"a signal is a JSON object, not {type(raw).__name__}")
    timestamp_ms = _timestamp_ms(raw)
    if timestamp_ms > now_ms + MAX_AHEAD_S * _MS_A_SECOND:
        raise _MalformedError(f"timestamp is {(timestamp_ms - now_ms) / _MS_A_SECOND:.0f} s in the future")
    if now_ms - timestamp_ms > max_age_s * _MS_A_SECOND:
        age_s = (now_ms - timestamp_ms) / _MS_A_SECOND
        raise _MalformedError(f"late: {age_s:.0f} s old, at most {max_age_s:.0f} s are allowed")
    symbol, side = _symbol(raw), _side(raw)
    score_week, score_month = _score(raw, "score_week"), _score(raw, "score_month")
    venue = _venue(raw, venues)
    prices = {name: _price(raw, name) for name in _PRICES}
    _check_order(side, prices)
    given = raw.get("id")
    if given is not None and not _is_id(given):
        raise _MalformedError(f"id is {_shown(given)}, not a text of 1 to {_MAX_TEXT} characters")
    wave_ms = timestamp_ms - timestamp_ms % _WAVE_MS
    content = (wave_ms, symbol, side, score_week, score_month, venue, *prices.values())
    return Signal(
        signal_id=given if _is_id(given) else _digest(json.dumps([_canonical(value) for value in content])),
        timestamp_ms=wave_ms,
        symbol=symbol,
        side=side,
        score_week=float(score_week),
        score_month=float(score_month),
        venue=venue,
        entry_price=prices["entry"],
        take_profit_1=prices["tp1"],
        take_profit_2=prices["tp2"],
        stop_price=prices["sl"],
        raw=text,
    )


# --- one parser a field -----------------------------------------------------------------------------------------------


def _timestamp_ms(raw: Mapping[object, object]) -> int:
    value = _required(raw, "timestamp")
    if not isinstance(value, str):
        raise _MalformedError(f"timestamp is {_shown(value)}, not a text such as 2022-01-03T10:15:00Z")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise _MalformedError(f"timestamp {_shown(value)} has no time zone")
        return (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        raise _MalformedError(f"timestamp {_shown(value)} is not a time such as 2022-01-03T10:15:00Z") from None


def _symbol(raw: Mapping[object, object]) -> Symbol:
    value = _required(raw, "symbol")
    if not isinstance(value, str):
        raise _MalformedError(f"symbol is {_shown(value)}, not a text")
    # S14: ``BLAST/USDT:USDT`` and ``BLASTUSDT`` are one symbol.
    symbol = value.strip().partition(":")[0].replace("/", "").replace("-", "").upper()
    if not symbol.isalnum() or len(symbol) > _MAX_SYMBOL:
        raise _MalformedError(f"symbol {_shown(value)} is not a symbol such as BTCUSDT")
    return Symbol(symbol)


def _side(raw: Mapping[object, object]) -> Side:
    value = _required(raw, "side")
    side = _SIDES.get(value.strip().upper()) if isinstance(value, str) else None
    if side is None:
        raise _MalformedError(f"side is {_shown(value)}, not BUY or SELL")
    return side


def _venue(raw: Mapping[object, object], venues: Collection[Venue] | None) -> Venue | None:
    value = raw.get("exchange")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise _MalformedError(f"exchange is {_shown(value)}, not a name")
    venue = Venue(value.strip().lower())
    if venues is not None and venue not in venues:
        raise _MalformedError(f"exchange {_shown(value)} is not connected")
    return venue


def _score(raw: Mapping[object, object], name: str) -> Decimal:
    return _number(name, _required(raw, name))


def _price(raw: Mapping[object, object], name: str) -> Price | None:
    value = raw.get(name)
    if value is None:
        return None
    price = _number(name, value)
    if price <= ZERO:
        raise _MalformedError(f"{name} is {_shown(value)}, not above zero")
    return price


def _number(name: str, value: object) -> Decimal:
    """A decimal, exactly as written; a float stands for the shortest text that gives it, which is what JSON had."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise _MalformedError(f"{name} is {_shown(value)}, not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise _MalformedError(f"{name} is {value}, not a number")
    try:
        text = _shown(value).strip("'") if isinstance(value, int) else str(value).strip()
        if len(text) > _MAX_TEXT or _NUMBER.fullmatch(text) is None:
            raise _MalformedError(f"{name} is {_shown(value)}, not a number")
        number = Decimal(text)
    except InvalidOperation:
        raise _MalformedError(f"{name} is {_shown(value)}, not a number") from None
    if number != ZERO and abs(number.adjusted()) > _MAX_EXPONENT:
        raise _MalformedError(f"{name} is {_shown(value)}, out of every range")
    if len(number.as_tuple().digits) > _MAX_DIGITS:
        raise _MalformedError(f"{name} has more than {_MAX_DIGITS} digits")
    return number


def _check_order(side: Side, prices: Mapping[str, Price | None]) -> None:
    given = [(name, price) for name in ("sl", "entry", "tp1", "tp2") if (price := prices[name]) is not None]
    for (name, price), (next_name, next_price) in pairwise(given):
        in_order = price < next_price if side is Side.LONG else price > next_price
        if not in_order and not (next_name == "tp2" and name == "tp1" and price == next_price):
            where = "below" if side is Side.LONG else "above"
            raise _MalformedError(f"{name} {price} is not {where} {next_name} {next_price}, as a {side} needs")


def _required(raw: Mapping[object, object], name: str) -> object:
    value = raw.get(name)
    if value is None:
        raise _MalformedError(f"{name} is missing")
    return value


# --- what is kept of it -----------------------------------------------------------------------------------------------


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT and value.isprintable()


def _shown(value: object) -> str:
    """``value`` for a person, short: an integer may have more digits than Python is willing to write."""
    if isinstance(value, int) and value.bit_length() > _MAX_TEXT:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, (str, int, float, Decimal)) or value is None:
        return repr(value)[: _MAX_TEXT // 2]
    return type(value).__name__


def _as_written(raw: object) -> str:
    """The known fields of ``raw`` as JSON, bounded: what the log keeps."""
    if not isinstance(raw, Mapping):
        return _shown(raw)
    kept: dict[str, str | int | float | None] = {}
    for name in _FIELDS:
        value = raw.get(name)
        if isinstance(value, str):
            kept[name] = value[:_MAX_TEXT]
        elif isinstance(value, (int, float)) and not _is_huge(value):
            kept[name] = value
        elif value is not None:
            kept[name] = str(value) if isinstance(value, Decimal) else _shown(value)
    return json.dumps(kept, ensure_ascii=False)


def _is_huge(value: float) -> bool:
    return isinstance(value, int) and value.bit_length() > _MAX_TEXT


def _canonical(value: object) -> str | int | None:
    """One spelling: ``1``, ``1.0`` and ``"1.00"`` are the same number."""
    if isinstance(value, Decimal):
        return str(value.normalize()) if value != ZERO else "0"
    return value if isinstance(value, int) or value is None else str(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
