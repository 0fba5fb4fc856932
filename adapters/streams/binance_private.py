"""Binance's private stream: orders, executions and positions, on a connection that a listen key opens.

There is no login and no confirmation: the key is in the address, and must be kept alive by REST. Nothing is told of
what happened before; whoever listens reads the account when the stream is up.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from adapters.streams.binance_events import (
    AccountUpdate,
    AlgoUpdate,
    ConfigUpdate,
    Envelope,
    OrderTradeUpdate,
    algo_order_report,
    fill_report,
    order_report,
    position_report,
    sound,
)
from adapters.streams.dialect import NOTHING, Listener, Reaction
from adapters.venues.binance_reports import BINANCE
from messages.values import Symbol

KEEP_ALIVE_MS: Final = 20 * 60_000
"""A listen key lives for an hour after it was last kept alive."""
RETRY_MS: Final = 30_000
PING_S: Final = 3.0
SILENCE_S: Final = 8.0
LIFE_S: Final = 24 * 3600.0
ALGOS_KEPT: Final = 5_000

UNKNOWN: Final = Reaction(unknown=True)
IGNORED: Final = frozenset(
    {"TRADE_LITE", "MARGIN_CALL", "STRATEGY_UPDATE", "GRID_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT"}
)
"""Known, and told elsewhere or of no concern."""
ENDS: Final = {"listenKeyExpired": "the listen key expired", "eventStreamTerminated": "the venue ended the stream"}
UNREADABLE: Final = (msgspec.MsgspecError, KeyError, ValueError, ArithmeticError, RecursionError)

_envelope: Final = msgspec.json.Decoder(Envelope)
_traded: Final = msgspec.json.Decoder(OrderTradeUpdate)
_algo: Final = msgspec.json.Decoder(AlgoUpdate)
_account: Final = msgspec.json.Decoder(AccountUpdate)
_config: Final = msgspec.json.Decoder(ConfigUpdate)


class ListenKeys(Protocol):
    """The venue's listen key, by REST; both raise OSError when that fails."""

    def create(self) -> str:
        """A key, new or the living one."""
        ...

    def keep_alive(self) -> None:
        """One more hour."""
        ...


class PrivateMemory:
    """What outlives a connection: which conditional orders there were, and what their triggers made.

    A triggered order goes on as a regular one under another id; only here are the two known to be one.
    """

    def __init__(self) -> None:
        self.leverage: dict[str, Decimal] = {}
        self._algos: OrderedDict[str, None] = OrderedDict()
        self._children: OrderedDict[int, str] = OrderedDict()

    def note(self, client_order_id: str, child: str | int) -> None:
        """A conditional order was told of."""
        self._algos[client_order_id] = None
        if f"{child}".isdigit():
            self._children[int(child)] = client_order_id
        for kept in (self._algos, self._children):
            while len(kept) > ALGOS_KEPT:
                kept.popitem(last=False)

    def parent(self, order_id: int, client_order_id: str) -> str | None:
        """The client id of the conditional order that made this regular one; ``None`` when none did."""
        known = self._children.get(order_id)
        return known or (client_order_id if client_order_id in self._algos else None)


class BinancePrivate:
    """Satisfies :class:`~adapters.streams.dialect.Dialect` for one private connection."""

    name = "binance private"
    ping_every_s = PING_S
    silence_s = SILENCE_S
    life_s = LIFE_S
    ready_when_open = True

    def __init__(self, *, address: Callable[[str], str], keys: ListenKeys, memory: PrivateMemory) -> None:
        """``address`` gives the URL for a listen key."""
        self._address = address
        self._keys = keys
        self._memory = memory
        self._keep_alive_ms = 0

    def url(self) -> str:
        """Asks for a listen key."""
        return self._address(self._keys.create())

    def opened(self, now_ms: int) -> Sequence[str]:
        """There is nothing to say: the key in the address was the login."""
        self._keep_alive_ms = now_ms + KEEP_ALIVE_MS
        return ()

    def ping(self, now_ms: int) -> str | None:
        """A ping frame: the account may be quiet for hours, and the answer shows that the connection lives."""
        _ = now_ms
        return None

    def keep_alive(self, now_ms: int) -> None:
        """Keep the listen key alive; one that cannot be kept ends the connection (OSError) for another one."""
        if now_ms >= self._keep_alive_ms > 0:
            self._keep_alive_ms = now_ms + RETRY_MS
            self._keys.keep_alive()
            self._keep_alive_ms = now_ms + KEEP_ALIVE_MS

    def watch(self, symbols: Sequence[Symbol]) -> Sequence[str]:
        """No prices here."""
        _ = symbols
        return ()

    def received(self, data: bytes, listener: Listener, now_ms: int) -> Reaction:
        """Take one event."""
        _ = now_ms
        try:
            envelope = _envelope.decode(data)
            if envelope.stream and not envelope.e:
                data = bytes(envelope.data)
                envelope = _envelope.decode(data)
            return self._take(envelope, data, listener)
        except UNREADABLE:
            return UNKNOWN

    def _take(self, envelope: Envelope, data: bytes, listener: Listener) -> Reaction:
        match envelope.e:
            case "ORDER_TRADE_UPDATE":
                self._on_traded(_traded.decode(data), listener)
            case "ALGO_UPDATE":
                self._on_algo(_algo.decode(data), listener)
            case "ACCOUNT_UPDATE":
                self._on_account(_account.decode(data), listener)
            case "ACCOUNT_CONFIG_UPDATE":
                setting = _config.decode(data).setting
                if setting is not None:
                    self._memory.leverage[setting.symbol] = Decimal(setting.leverage)
            case event if event in ENDS:
                return Reaction(problem=ENDS[event])
            case event if event in IGNORED:
                pass
            case _:
                return UNKNOWN
        return NOTHING

    def _on_traded(self, update: OrderTradeUpdate, listener: Listener) -> None:
        """Of a triggered order's child only the executions are told: the rest is told of the order itself."""
        order = sound(update.order)
        parent = self._memory.parent(order.order_id, order.client_order_id)
        # Both are made before either is told: a message is taken whole or not at all.
        report = order_report(order) if parent is None else None
        fill = fill_report(order, parent or order.client_order_id)
        if fill is not None:
            listener.on_fill(fill)
        if report is not None:
            listener.on_order(report)

    def _on_algo(self, update: AlgoUpdate, listener: Listener) -> None:
        report = algo_order_report(sound(update.order), update.time_ms)
        self._memory.note(update.order.client_order_id, update.order.child)
        listener.on_order(report)

    def _on_account(self, update: AccountUpdate, listener: Listener) -> None:
        """Funding is told without the payment's id, so it is left to be read by REST, where it has one."""
        reports = [
            (position.symbol, position_report(sound(position), leverage=leverage, time_ms=update.time_ms))
            for position in update.account.positions
            for leverage in [self._memory.leverage.get(position.symbol)]
        ]
        for symbol, report in reports:
            listener.on_position(BINANCE, Symbol(symbol), report)
