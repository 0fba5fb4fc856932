"""Files of recorded data: what is read, and what is said about one that cannot be used."""

import gzip
from pathlib import Path

import pytest

from adapters.candles import (
    BadRecordingError,
    read_candles,
    read_funding,
    read_trades,
    recording_argument,
)
from messages.values import Symbol
from tests.simulator.builders import d

HEADER = "timestamp_ms,open,high,low,close,volume\n"


def written(place: Path, text: str, name: str = "BTCUSDT-1m.csv") -> Path:
    path = place / name
    path.write_text(text, encoding="utf-8")
    return path


def test_candles_are_read_exactly_also_compressed(tmp_path: Path) -> None:
    text = HEADER + "60000,1.10,2,0.5,1.5,7\n120000,1.5,1.5,1.5,1.5,0\n"
    plain = read_candles(written(tmp_path, text))
    packed = tmp_path / "BTCUSDT-1m.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_candles(packed) == plain
    assert [candle.time_ms for candle in plain] == [60_000, 120_000]
    assert plain[0].open == d("1.10")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        (HEADER, "no row under the header"),
        ("time,open,high,low,close,volume\n1,1,1,1,1,1\n", "line 1: the header is"),
        (HEADER + "1,1,1,1,1,1\n2,1,x,1,1,1\n", "line 3: a cell is not a number"),
        (HEADER + "1,1,NaN,1,1,1\n", "line 2: a cell is not a number"),
        (HEADER + "1,1,1,2,1,1\n", "line 2: high is under low"),
        (HEADER + "1,3,2,1,1,1\n", "line 2: open or close is outside low to high"),
        (HEADER + "2,1,1,1,1,1\n1,1,1,1,1,1\n", "line 3: timestamp 1 comes after 2; sort the file"),
        (HEADER + "2,1,1,1,1,1\n2,1,1,1,1,1\n", "line 3: timestamp 2 is there twice"),
        (HEADER + "1.5,1,1,1,1,1\n", "line 2: the timestamp is not a whole number"),
        (HEADER + "1,1,1,1,1\n", "line 2: 5 cells instead of 6"),
        (HEADER + "1,0,1,0,1,1\n", "line 2: a price or quantity is not positive"),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadRecordingError) as caught:
        read_candles(written(tmp_path, text))
    assert said in str(caught.value)
    assert "BTCUSDT-1m.csv" in str(caught.value)


def test_a_missing_or_cut_off_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecordingError, match="check the path"):
        read_candles(tmp_path / "none.csv")
    cut = tmp_path / "X.csv.gz"
    cut.write_bytes(gzip.compress((HEADER + "1,1,1,1,1,1\n").encode())[:-6])
    with pytest.raises(BadRecordingError, match="gzip"):
        read_candles(cut)
    compressed_under_a_plain_name = tmp_path / "Y.csv"
    compressed_under_a_plain_name.write_bytes(gzip.compress(b"x"))
    with pytest.raises(BadRecordingError, match="not text"):
        read_candles(compressed_under_a_plain_name)


def test_the_symbol_is_the_file_name_up_to_the_first_dash_or_given() -> None:
    assert recording_argument("data/BTCUSDT-1m-2022.csv.gz") == (Symbol("BTCUSDT"), Path("data/BTCUSDT-1m-2022.csv.gz"))
    assert recording_argument("ETHUSDT=x/prices.csv") == (Symbol("ETHUSDT"), Path("x/prices.csv"))
    with pytest.raises(BadRecordingError, match="SYMBOL=FILE"):
        recording_argument("prices.csv")


def test_trades_may_share_a_time_and_funding_may_be_negative(tmp_path: Path) -> None:
    trades = read_trades(written(tmp_path, "timestamp_ms,price,quantity\n5,1,1\n5,2,1\n"))
    assert [trade.price for trade in trades] == [1, 2]
    rates = read_funding(written(tmp_path, "timestamp_ms,funding_rate\n5,-0.0001\n"))
    assert rates[0].rate == d("-0.0001")


def test_the_recorded_month_is_read_whole(recorded_data: Path) -> None:
    candles = read_candles(recorded_data / "BTCUSDT-1m-2022-01.csv.gz")
    assert len(candles) == 45_031
    assert min(candle.low for candle in candles) < 33_000
    assert len(read_funding(recorded_data / "XRPUSDT-funding-8h-2021-11.csv")) > 10
