"""Between the engine and its state file: what is restored when the exchange opens, and what is saved as it goes."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from adapters.simulator.engine import Exchange
from adapters.simulator.funding import FundingSchedule
from adapters.simulator.ledger import Ledger
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.paper_state import (
    PaperMeta,
    PaperStateError,
    PaperStore,
    PriceRecord,
    SavedState,
    SettingRecord,
)
from messages.instruments import Instrument
from messages.values import ZERO, Symbol

_RESERVED_NUMBERS = 1_000
"""Requests that change nothing are not written down; a restart skips this many numbers, so that none is drawn twice."""


class PaperMemory:
    """The exchange with its past: new, or as it was when it was last saved.

    Attributes:
        started_ms: When the exchange first opened.
        resumed_ms: The time up to which the saved state is complete; ``None`` for a new exchange.
        factors: What scripted gaps multiplied each symbol's prices by.
        mark_offsets: How far each symbol's mark price is kept from its last price, in percent.
    """

    def __init__(
        self,
        path: Path | None,
        config: PaperConfig,
        instruments: Sequence[Instrument],
        funding: FundingSchedule | None,
        *,
        now_ms: int,
    ) -> None:
        self._store = None if path is None else PaperStore(path, commit_every=config.commit_every)
        saved = None if self._store is None else self._store.load()
        self.started_ms = now_ms if saved is None else saved.meta.started_ms
        self.resumed_ms = None if saved is None else saved.meta.now_ms
        self.factors: dict[Symbol, Decimal] = {}
        self.mark_offsets: dict[Symbol, Decimal] = {}
        self._requests = 0 if saved is None else saved.meta.requests + _RESERVED_NUMBERS
        self.exchange = Exchange(
            config=config.exchange,
            instruments=instruments,
            now_ms=now_ms if saved is None else saved.meta.now_ms,
            funding=funding,
            ledger=None if saved is None else Ledger(saved.meta.ledger, saved.ledger_closed),
        )
        if saved is not None:
            self._restore(saved)

    def factor(self, symbol: Symbol) -> Decimal:
        """What the feed's price of ``symbol`` is multiplied by."""
        return self.factors.get(symbol, Decimal(1))

    def next_request(self) -> int:
        """A new number for a request."""
        self._requests += 1
        return self._requests

    def save(self) -> None:
        """Make durable what changed since the last time; nothing to do when nothing did."""
        exchange = self.exchange
        changes = exchange.take_changes()
        closed = exchange.ledger.take_closed()
        if self._store is not None and (changes or closed):
            positions = exchange.state.account.positions
            self._store.save(changes, positions=positions, closed=closed, meta=self._meta())

    def close(self, now_ms: int) -> None:
        """Save everything up to now, and let go of the file."""
        if self._store is None:
            return
        exchange = self.exchange
        exchange.advance(max(now_ms, exchange.state.now_ms))
        self._store.save(
            exchange.take_changes(),
            positions=exchange.state.account.positions,
            closed=exchange.ledger.take_closed(),
            meta=self._meta(),
        )
        self._store.close()
        self._store = None

    def _meta(self) -> PaperMeta:
        state = self.exchange.state
        account = state.account
        return PaperMeta(
            started_ms=self.started_ms,
            now_ms=state.now_ms,
            sequence=state.sequence,
            requests=self._requests,
            start_wallet=account.start,
            wallet=account.wallet,
            realized=account.realized,
            commission=account.commission,
            funding=account.funding,
            settings=[
                SettingRecord(symbol=key[0], hedge_side=key[1], setting=setting)
                for key, setting in account.settings.items()
            ],
            prices={
                symbol: PriceRecord(
                    last=market.last,
                    mark=market.mark,
                    time_ms=market.time_ms,
                    factor=self.factor(symbol),
                    mark_offset_percent=self.mark_offsets.get(symbol, ZERO),
                )
                for symbol, market in state.markets.items()
                if market.last
            },
            ledger=self.exchange.ledger.book,
        )

    def _restore(self, saved: SavedState) -> None:
        state = self.exchange.state
        needed = {position.symbol for position in saved.positions}
        needed.update(order.symbol for order in saved.orders if order.working)
        if missing := sorted(needed - state.instruments.keys()):
            raise PaperStateError(f"the paper account has positions or orders in {', '.join(missing)}: trade them too")
        sides = [position.hedge_side for position in saved.positions]
        sides += [order.hedge_side for order in saved.orders if order.working]
        if any((side is not None) is not state.config.hedge for side in sides):
            was, now = ("one-way", "hedge") if state.config.hedge else ("hedge", "one-way")
            raise PaperStateError(
                f"the paper account has positions or orders of {was} mode, and is to be in {now} mode: "
                f"go on with POSITION_MODE={was} until they are closed, or begin with another data directory"
            )
        meta = saved.meta
        account = state.account
        state.sequence = meta.sequence
        account.start, account.wallet = meta.start_wallet, meta.wallet
        account.realized, account.commission, account.funding = meta.realized, meta.commission, meta.funding
        for record in meta.settings:
            account.settings[record.symbol, record.hedge_side] = record.setting
        for position in saved.positions:
            account.positions[position.key] = position
        for symbol, price in meta.prices.items():
            market = state.markets.get(symbol)
            if market is None:
                continue
            market.last, market.mark, market.time_ms = price.last, price.mark, price.time_ms
            account.marks[symbol] = price.mark
            if price.factor != 1:
                self.factors[symbol] = price.factor
            if price.mark_offset_percent:
                self.mark_offsets[symbol] = price.mark_offset_percent
        for order in saved.orders:
            # The script of a partial fill died with the process: what is left of the order is an ordinary order.
            order.allowance = None
            state.orders.add(order)
        for fill in saved.fills:
            state.remember_fill(fill)
        for payment in saved.funding:
            state.remember_funding(payment)
