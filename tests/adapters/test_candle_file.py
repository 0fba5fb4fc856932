"""Candles outlive the process in files of their own; one that is of no use stops nothing."""

from decimal import Decimal
from pathlib import Path

import pytest

from adapters.candle_file import CandleFiles
from messages.candles import CANDLE_MS, CandleHistory, ClosedCandle
from messages.values import Symbol, Venue

PAPER = Venue("paper")
CANDLE = ClosedCandle(
    start_ms=CANDLE_MS, open=Decimal("1.10"), high=Decimal("1.3"), low=Decimal(1), close=Decimal("1.25")
)
HISTORIES = {Symbol("BTCUSDT"): CandleHistory(closed=(CANDLE,), forming=CANDLE, latest_ms=CANDLE_MS, whole=True)}


def test_what_was_saved_is_there_to_the_digit_and_each_venue_has_its_own(tmp_path: Path) -> None:
    CandleFiles(tmp_path).save(PAPER, HISTORIES)
    found = CandleFiles(tmp_path).load(PAPER)
    assert found == HISTORIES
    assert str(found[Symbol("BTCUSDT")].closed[0].open) == "1.10"
    assert CandleFiles(tmp_path).load(Venue("okx")) == {}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"BTCUSDT": {"closed": [{"start_ms": 1}]}}', b"\xff\x00"])
def test_a_file_that_is_of_no_use_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    files = CandleFiles(tmp_path)
    (tmp_path / "candles-paper.json").write_bytes(content)
    assert files.load(PAPER) == {}
    files.save(PAPER, HISTORIES)
    assert files.load(PAPER) == HISTORIES


def test_where_nothing_can_be_written_nothing_is_raised(tmp_path: Path) -> None:
    files = CandleFiles(tmp_path / "is not there")
    files.save(PAPER, HISTORIES)
    assert files.load(PAPER) == {}
