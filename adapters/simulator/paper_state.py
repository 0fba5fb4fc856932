"""The exchange's own durable state: what a real exchange would still know after our process died.

One SQLite file of its own, written in one transaction per executed request or market event that changed an order, a
position or money, before anybody is told. Times are UTC ms, money and prices are written out as text.
"""

import sqlite3
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import msgspec

from adapters.simulator.account import LeverageSetting, PositionId, SimPosition
from adapters.simulator.ledger import LedgerBook, PositionRecord
from adapters.simulator.orders import SimOrder
from adapters.simulator.state import Changes
from messages.orders import FillReport, FundingReport
from messages.values import ZERO, Money, Price, Side, Symbol

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS positions (name TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS fills (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS funding (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS ledger_closed (number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
"""
_BUSY_S = 5.0


class PaperStateError(RuntimeError):
    """The state file cannot be used; the text says what to do."""


@dataclass(slots=True, kw_only=True)
class SettingRecord:
    """A symbol's leverage setting, as a row."""

    symbol: Symbol
    hedge_side: Side | None
    setting: LeverageSetting


@dataclass(slots=True, kw_only=True)
class PriceRecord:
    """A symbol's prices, and what scripted gaps multiplied and shifted them by."""

    last: Price
    mark: Price
    time_ms: int
    factor: Decimal = Decimal(1)
    mark_offset_percent: Decimal = ZERO


@dataclass(slots=True, kw_only=True)
class PaperMeta:
    """Everything besides the growing tables, as of ``now_ms``: the feed goes on from there."""

    version: int = _VERSION
    started_ms: int
    now_ms: int
    sequence: int
    requests: int
    start_wallet: Money
    wallet: Money
    realized: Money
    commission: Money
    funding: Money
    settings: list[SettingRecord] = field(default_factory=list)
    prices: dict[Symbol, PriceRecord] = field(default_factory=dict)
    ledger: LedgerBook = field(default_factory=LedgerBook)


@dataclass(slots=True, kw_only=True)
class SavedState:
    """What was read back."""

    meta: PaperMeta
    orders: list[SimOrder]
    positions: list[SimPosition]
    fills: list[FillReport]
    funding: list[FundingReport]
    ledger_closed: list[PositionRecord]


class PaperStore:
    """The file. ``commit_every`` > 1 trades durability for speed (virtual runs): a kill loses the last few changes.

    Used from one thread at a time; the exchange's lock sees to that.
    """

    def __init__(self, path: Path, *, commit_every: int = 1) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA synchronous={'FULL' if commit_every == 1 else 'OFF'}")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            text = f"{path}: {error}; it is the simulated exchange's state: move it away to begin anew"
            raise PaperStateError(text) from error
        self._path = path
        self._commit_every = commit_every
        self._uncommitted = 0

    def load(self) -> SavedState | None:
        """What was saved; ``None`` from a new file.

        Raises:
            PaperStateError: when the file was written by another version.
        """
        row = self._db.execute("SELECT body FROM meta WHERE name = 'meta'").fetchone()
        if row is None:
            return None
        try:
            meta = msgspec.json.decode(row[0], type=PaperMeta)
            if meta.version != _VERSION:
                raise PaperStateError(f"{self._path}: version {meta.version}, expected {_VERSION}; move it away")
            return SavedState(
                meta=meta,
                orders=[msgspec.json.decode(body, type=SimOrder) for body in self._bodies("orders", "number")],
                positions=[msgspec.json.decode(body, type=SimPosition) for body in self._bodies("positions", "name")],
                fills=[msgspec.json.decode(body, type=FillReport) for body in self._bodies("fills", "number")],
                funding=[msgspec.json.decode(body, type=FundingReport) for body in self._bodies("funding", "number")],
                ledger_closed=[
                    msgspec.json.decode(body, type=PositionRecord) for body in self._bodies("ledger_closed", "number")
                ],
            )
        except msgspec.MsgspecError as error:
            raise PaperStateError(f"{self._path}: {error}; move it away to begin anew") from error

    def save(
        self,
        changes: Changes,
        *,
        positions: dict[PositionId, SimPosition],
        closed: list[PositionRecord],
        meta: PaperMeta,
    ) -> None:
        """Write one change down; when it returns, it survives a kill (with ``commit_every`` 1)."""
        encode = msgspec.json.encode
        db = self._db
        if not self._uncommitted:
            db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT OR REPLACE INTO orders VALUES (?, ?)",
            [(order.number, encode(order)) for order in changes.orders.values()],
        )
        for key in changes.positions:
            name = f"{key[0]}/{key[1] or ''}"
            position = positions.get(key)
            if position is None:
                db.execute("DELETE FROM positions WHERE name = ?", (name,))
            else:
                db.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (name, encode(position)))
        db.executemany("INSERT INTO fills VALUES (?, ?)", [(int(each.fill_id), encode(each)) for each in changes.fills])
        db.executemany(
            "INSERT INTO funding VALUES (?, ?)", [(int(each.funding_id), encode(each)) for each in changes.funding]
        )
        db.executemany("INSERT INTO ledger_closed (body) VALUES (?)", [(encode(record),) for record in closed])
        db.execute("INSERT OR REPLACE INTO meta VALUES ('meta', ?)", (encode(meta),))
        self._uncommitted += 1
        if self._uncommitted >= self._commit_every:
            self.commit()

    def commit(self) -> None:
        """Commit what is still open."""
        if self._uncommitted:
            self._db.execute("COMMIT")
            self._uncommitted = 0

    def close(self) -> None:
        """Commit and let go of the file."""
        self.commit()
        self._db.close()

    def _bodies(self, table: str, order: str) -> list[bytes]:
        rows = self._db.execute(f"SELECT body FROM {table} ORDER BY {order}").fetchall()  # noqa: S608 - our own names
        return [row[0] for row in rows]
