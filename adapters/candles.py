"""Recorded market data from files: candles, trades, funding rates.

Candles: CSV or ``.csv.gz`` with the header ``timestamp_ms,open,high,low,close,volume``; the symbol is the file's name
up to the first ``-``, or is given as ``SYMBOL=FILE``. Trades: ``timestamp_ms,price,quantity``. Funding:
``timestamp_ms,funding_rate``. Times are UTC, of the start of the candle.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Protocol, TextIO, TypeVar

from messages.values import Price, Quantity, Symbol

CANDLE_HEADER = ("timestamp_ms", "open", "high", "low", "close", "volume")
TRADE_HEADER = ("timestamp_ms", "price", "quantity")
FUNDING_HEADER = ("timestamp_ms", "funding_rate")
_SYMBOL = re.compile(r"[A-Z0-9]+")


class BadRecordingError(ValueError):
    """A file of recorded data cannot be used; the text says where and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One candle; ``time_ms`` is its start, UTC."""

    time_ms: int
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One public trade."""

    time_ms: int
    price: Price
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """One funding settlement; ``rate`` is a fraction of the position's value, paid by longs when positive."""

    time_ms: int
    rate: Decimal


class _Timed(Protocol):
    @property
    def time_ms(self) -> int: ...


_Row = TypeVar("_Row", bound=_Timed)


def recording_argument(argument: str) -> tuple[Symbol, Path]:
    """``FILE`` or ``SYMBOL=FILE`` as a symbol and a path.

    Raises:
        BadRecordingError: when no symbol can be read from it.
    """
    name, separator, file_name = argument.partition("=")
    path = Path(file_name if separator else argument)
    symbol = name if separator else path.name.split("-", 1)[0].split(".", 1)[0]
    if not _SYMBOL.fullmatch(symbol):
        raise BadRecordingError(f"{argument}: {symbol!r} is no symbol; write SYMBOL=FILE, for example BTCUSDT={path}")
    return Symbol(symbol), path


def read_candles(path: Path) -> list[Candle]:
    """All candles of a file, in the order of time.

    Raises:
        BadRecordingError: with the line number, when the file is missing, empty, unsorted or contradicts itself.
    """
    return list(_read(path, CANDLE_HEADER, _candle, repeats=False))


def read_trades(path: Path) -> list[Trade]:
    """All trades of a file, in the order of time; several may share one millisecond.

    Raises:
        BadRecordingError: as :func:`read_candles`.
    """
    return list(_read(path, TRADE_HEADER, _trade, repeats=True))


def read_funding(path: Path) -> list[FundingRate]:
    """All funding rates of a file, in the order of time.

    Raises:
        BadRecordingError: as :func:`read_candles`.
    """
    return list(_read(path, FUNDING_HEADER, _funding, repeats=False))


def _read(path: Path, header: tuple[str, ...], parse: Callable[[list[str]], _Row], *, repeats: bool) -> Iterator[_Row]:
    previous: int | None = None
    for line, cells in _rows(path, header):
        try:
            row = parse(cells)
        except (ValueError, InvalidOperation) as error:
            text = "a cell is not a number" if isinstance(error, InvalidOperation) else str(error)
            raise BadRecordingError(
                f"{path}, line {line}: {text}: {','.join(cells)}; correct it or remove it"
            ) from None
        if previous is not None and row.time_ms == previous and not repeats:
            raise BadRecordingError(
                f"{path}, line {line}: timestamp {row.time_ms} is there twice; keep one of the rows"
            )
        if previous is not None and row.time_ms < previous:
            raise BadRecordingError(
                f"{path}, line {line}: timestamp {row.time_ms} comes after {previous}; sort the file by timestamp_ms"
            )
        previous = row.time_ms
        yield row
    if previous is None:
        raise BadRecordingError(f"{path}: there is no row under the header; was the download cut off?")


def _rows(path: Path, header: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    try:
        with _opened(path) as file:
            reader = csv.reader(file)
            first = next(reader, None)
            if first is None:
                raise BadRecordingError(f"{path}: the file is empty; its first line must be {','.join(header)}")
            if tuple(cell.strip() for cell in first) != header:
                found = ",".join(first)
                raise BadRecordingError(f"{path}, line 1: the header is {found!r}; it must be {','.join(header)}")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    text = f"{len(cells)} cells instead of {len(header)}: {','.join(cells)}; correct it or remove it"
                    raise BadRecordingError(f"{path}, line {reader.line_num}: {text}")
                yield reader.line_num, cells
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadRecordingError(f"{path}: not a complete gzip file ({error}); fetch it again") from None
    except UnicodeDecodeError:
        raise BadRecordingError(f"{path}: not text; is it compressed? then its name must end in .gz") from None
    except OSError as error:
        raise BadRecordingError(f"{path}: {error.strerror or error}; check the path") from None


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _candle(cells: list[str]) -> Candle:
    candle = Candle(
        time_ms=_time(cells[0]),
        open=_positive(cells[1]),
        high=_positive(cells[2]),
        low=_positive(cells[3]),
        close=_positive(cells[4]),
        volume=_finite(cells[5]),
    )
    if candle.high < candle.low:
        raise ValueError("high is under low")
    if not candle.low <= candle.open <= candle.high or not candle.low <= candle.close <= candle.high:
        raise ValueError("open or close is outside low to high")
    return candle


def _trade(cells: list[str]) -> Trade:
    return Trade(time_ms=_time(cells[0]), price=_positive(cells[1]), quantity=_positive(cells[2]))


def _funding(cells: list[str]) -> FundingRate:
    return FundingRate(time_ms=_time(cells[0]), rate=_finite(cells[1]))


def _time(cell: str) -> int:
    if not cell.strip().isdecimal():
        raise ValueError("the timestamp is not a whole number of milliseconds")
    return int(cell)


def _finite(cell: str) -> Decimal:
    value = Decimal(cell)
    if not value.is_finite():
        raise ValueError("a cell is not a number")
    return value


def _positive(cell: str) -> Decimal:
    value = _finite(cell)
    if value <= 0:
        raise ValueError("a price or quantity is not positive")
    return value
