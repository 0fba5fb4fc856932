"""Unmodified ccxt, connected to a simulated Bybit with a position and orders of every kind.

The account: long 1 BTC from 1000 with a stop of the position's own at 980, the conditional take profit ``tp1`` at 1030,
the limit order ``l1`` at 990 and the filled entry ``e1``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ccxt

from adapters.simulator.paper import PaperExchange
from adapters.simulator.profiles import BYBIT as PROFILE
from adapters.simulator.wire.bybit_rows import native_id
from adapters.simulator.wire.dialect import Keys
from adapters.venues.bybit_rows import BYBIT
from messages.orders import OrderReport, OrderSpec
from messages.values import ClientOrderId, OrderKind
from messages.venue import PlaceOrder
from tests.contract.battery import Setup, accepted, running_exchange
from tests.simulator.builders import BTC, a_limit, a_stop, a_take_profit, an_order
from tests.venues.bybit.running import KEYS, served

S = "BTC/USDT:USDT"


@dataclass
class Stage:
    """ccxt, and the exchange behind what it talks to."""

    ex: Any
    exchange: PaperExchange
    ids: dict[str, str]

    def order(self, client_order_id: str) -> OrderReport:
        def read(engine: Any) -> OrderReport:
            return accepted(engine.query(BTC, ClientOrderId(client_order_id)))

        return self.exchange.look(read)

    def orders(self) -> tuple[OrderReport, ...]:
        return self.exchange.look(lambda engine: engine.account(BTC, taken_ms=0)).orders

    def stop(self) -> OrderReport | None:
        whole = [each for each in self.orders() if each.kind is OrderKind.STOP_MARKET and each.quantity is None]
        return whole[0] if whole else None


@contextmanager
def a_stage(*, hedge: bool = False, keys: Keys = KEYS) -> Iterator[Stage]:
    with running_exchange(Setup(hedge=hedge), venue=BYBIT, profile=PROFILE) as exchange, served(exchange) as server:
        ex = ccxt.bybit(
            {
                "apiKey": keys.api_key,
                "secret": keys.api_secret,
                "enableRateLimit": False,
                "options": {
                    "defaultType": "swap",
                    "fetchMarkets": {"types": ["linear"]},
                    "enableUnifiedMargin": False,
                    "enableUnifiedAccount": True,
                    "unifiedMarginStatus": 6,
                },
            }
        )
        ex.has["fetchCurrencies"] = False
        ex.urls["api"] = dict.fromkeys(ex.urls["api"], server.rest_url)
        stage = Stage(ex=ex, exchange=exchange, ids={})
        if not hedge:
            _prepare(stage)
        try:
            ex.load_markets()
            yield stage
        finally:
            ex.session.close()


def _prepare(stage: Stage) -> None:
    named: dict[str, OrderSpec] = {
        "e1": an_order(client_order_id="e1"),
        "": a_stop(client_order_id="", quantity=None),
        "tp1": a_take_profit(client_order_id="tp1", quantity="0.5"),
        "l1": a_limit(client_order_id="l1"),
    }
    for name, order in named.items():
        report = accepted(stage.exchange.by_hand(PlaceOrder(order=order)))
        stage.ids[name] = native_id(report.venue_order_id)
