import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.signals import Signal
from messages.values import Side, Venue
from rules.signal_intake import SignalRefused, parse_signal
from tests.rules.builders import prices

NOW_MS = int(datetime(2022, 1, 3, 10, 21, tzinfo=UTC).timestamp() * 1000)
MAX_AGE_S = 1_800


def _raw(**changes: object) -> dict[str, object]:
    """A good signal with ``changes``; ``...`` leaves a field out."""
    raw: dict[str, object] = {
        "id": "s-1",
        "timestamp": "2022-01-03T10:15:00Z",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "score_week": 85,
        "score_month": 70.5,
        "exchange": "bitget",
        "entry": "42000",
        "tp1": "42630",
        "tp2": "43260",
        "sl": "41160",
    }
    return {name: value for name, value in (raw | changes).items() if value is not ...}


def _parse(raw: object) -> Signal | SignalRefused:
    return parse_signal(raw, now_ms=NOW_MS, max_age_s=MAX_AGE_S)


def _signal(**changes: object) -> Signal:
    answer = _parse(_raw(**changes))
    assert isinstance(answer, Signal), answer
    return answer


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.decimals()
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(list(_raw()))


@given(
    raw=anything
    | st.dictionaries(fields, anything)
    | st.dictionaries(fields, anything, max_size=2).map(lambda d: _raw(**d))
)
def test_1_whatever_arrives_the_answer_is_a_signal_or_a_refusal_with_a_reason_never_an_error(raw: object) -> None:
    answer = _parse(raw)
    if isinstance(answer, SignalRefused):
        assert answer.reason
        assert answer.signal_id
    assert isinstance(json.loads(answer.raw) if isinstance(raw, dict) else answer.raw, (dict, str))


@given(price=prices(most="1000000"), as_text=st.booleans(), spaces=st.sampled_from(["", " "]))
def test_2_prices_come_through_exactly_as_they_were_written(price: Decimal, as_text: bool, spaces: str) -> None:  # noqa: FBT001 # drawn
    written = f"{spaces}{price}" if as_text else price
    signal = _signal(entry=written, tp1=..., tp2=..., sl=...)
    assert signal.entry_price == price
    assert str(signal.entry_price) == str(price)


@given(
    price=prices(least="1", places=3),
    other=prices(least="1", places=3),
    zeros=st.integers(0, 4),
    seconds=st.integers(0, 59),
)
def test_3_the_same_content_has_the_same_id_however_it_is_spelled_and_another_content_another_one(
    price: Decimal, other: Decimal, zeros: int, seconds: int
) -> None:
    bare = {"id": ..., "tp1": ..., "tp2": ..., "sl": ...}
    plain = _signal(entry=str(price), **bare)
    spelled = _signal(
        entry=f"{price}{'0' * zeros}",
        symbol="btc/usdt:USDT",
        side="buy",
        score_week="85.0",
        timestamp=f"2022-01-03T12:15:{seconds:02}+02:00",
        comment="not part of it",
        **bare,
    )
    assert spelled.signal_id == plain.signal_id
    assert (_signal(entry=str(other), **bare).signal_id == plain.signal_id) is (other == price)
    assert _signal(entry=str(price), **(bare | {"side": "SELL"})).signal_id != plain.signal_id


@given(age_s=st.integers(-10_000, 10_000))
def test_4_a_signal_is_neither_older_than_allowed_nor_from_the_future(age_s: int) -> None:
    stamp = datetime.fromtimestamp(NOW_MS / 1000 - age_s, tz=UTC).isoformat()
    answer = _parse(_raw(timestamp=stamp))
    assert isinstance(answer, Signal) is (-60 <= age_s <= MAX_AGE_S)


@given(
    side=st.sampled_from(["BUY", "SELL"]),
    given_prices=st.fixed_dictionaries(
        {name: st.just(...) | st.integers(1, 6) for name in ("sl", "entry", "tp1", "tp2")}
    ),
)
def test_5_a_signal_s_prices_are_in_order_stop_entry_tp1_tp2_for_a_long_the_other_way_round_for_a_short(
    side: str, given_prices: dict[str, object]
) -> None:
    answer = _parse(_raw(side=side, **given_prices))
    both_targets = isinstance(given_prices["tp1"], int) and isinstance(given_prices["tp2"], int)
    row = []
    for name in ("sl", "entry", "tp1", "tp2"):
        price = given_prices[name]
        if isinstance(price, int):
            gain = price if side == "BUY" else -price
            # TP1 and TP2 may be one price; nothing else may.
            row.append(gain + 0.5 if both_targets and name == "tp2" else float(gain))
    assert isinstance(answer, Signal) is (row == sorted(set(row)))


def test_a_signal_is_read_as_the_design_describes_it() -> None:
    signal = _signal()
    assert signal.signal_id == "s-1"
    assert signal.timestamp_ms == NOW_MS - 6 * 60_000
    assert (signal.symbol, signal.side, signal.venue) == ("BTCUSDT", Side.LONG, "bitget")
    assert (signal.score_week, signal.score_month) == (85.0, 70.5)
    assert (signal.entry_price, signal.stop_price) == (Decimal(42000), Decimal(41160))
    assert (signal.take_profit_1, signal.take_profit_2) == (Decimal(42630), Decimal(43260))
    assert json.loads(signal.raw)["tp1"] == "42630"


def test_what_is_optional_may_be_missing_or_null() -> None:
    signal = _signal(id=..., exchange=..., entry=None, tp1=None, tp2=..., sl=...)
    assert len(signal.signal_id) == 64
    assert (signal.venue, signal.entry_price, signal.take_profit_1, signal.stop_price) == (None, None, None, None)


def test_a_float_stands_for_what_was_written() -> None:
    assert _signal(entry=json.loads("0.1"), tp1=..., tp2=..., sl=...).entry_price == Decimal("0.1")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"timestamp": ...}, "timestamp is missing"),
        ({"symbol": ...}, "symbol is missing"),
        ({"side": ...}, "side is missing"),
        ({"score_week": ...}, "score_week is missing"),
        ({"score_month": None}, "score_month is missing"),
        ({"side": "HOLD"}, "side is 'HOLD', not BUY or SELL"),
        ({"side": 1}, "side is 1, not BUY or SELL"),
        ({"timestamp": "yesterday"}, "is not a time"),
        ({"timestamp": "2022-01-03T10:15:00"}, "no time zone"),
        ({"timestamp": 1641204900}, "not a text"),
        ({"timestamp": "2022-01-03T08:00:00Z"}, "late: 8460 s old, at most 1800 s are allowed"),
        ({"timestamp": "2022-01-03T10:23:00Z"}, "120 s in the future"),
        ({"symbol": ""}, "not a symbol"),
        ({"symbol": "BTC USDT"}, "not a symbol"),
        ({"symbol": ["BTCUSDT"]}, "not a text"),
        ({"score_week": float("nan")}, "score_week is nan, not a number"),
        ({"score_month": float("inf")}, "score_month is inf, not a number"),
        ({"score_month": True}, "not a number"),
        ({"entry": "NaN"}, "entry is 'NaN', not a number"),
        ({"entry": "-42000"}, "not above zero"),
        ({"sl": 0}, "sl is 0, not above zero"),
        ({"tp1": "1e400"}, "out of every range"),
        ({"tp1": 10**5000}, "not a number"),
        ({"tp2": {}}, "tp2 is dict, not a number"),
        ({"sl": "42500"}, "sl 42500 is not below entry 42000, as a long needs"),
        ({"side": "SELL"}, "sl 41160 is not above entry 42000, as a short needs"),
        ({"id": 7}, "id is 7, not a text"),
        ({"id": ""}, "not a text of 1 to 128 characters"),
        ({"exchange": 5}, "exchange is 5, not a name"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, object], reason: str) -> None:
    answer = _parse(_raw(**changes))
    assert isinstance(answer, SignalRefused)
    assert reason in answer.reason


@pytest.mark.parametrize("raw", [None, 5, "BTCUSDT", ["BTCUSDT"], b"{}"])
def test_what_is_not_an_object_is_refused(raw: object) -> None:
    answer = _parse(raw)
    assert isinstance(answer, SignalRefused)
    assert "JSON object" in answer.reason


def test_a_refusal_still_names_the_signal() -> None:
    answer = _parse(_raw(side="HOLD"))
    assert isinstance(answer, SignalRefused)
    assert (answer.signal_id, answer.symbol) == ("s-1", "BTCUSDT")


def test_a_venue_that_is_not_connected_is_refused() -> None:
    answer = parse_signal(_raw(), now_ms=NOW_MS, max_age_s=MAX_AGE_S, venues={Venue("bybit")})
    assert isinstance(answer, SignalRefused)
    assert answer.reason == "exchange 'bitget' is not connected"


def test_a_score_may_be_negative_because_its_minimum_is_a_setting() -> None:
    assert _signal(score_week=-3).score_week == -3.0
