"""A wider life at random: beside what ``soak`` does, positions grow, grow old and ail, and people do more to them.

The house is another one for each seed (``wide_setting``). People reduce, add, turn, drag the stop and close from the
shell; the process is killed, or stopped in order.
"""

from collections import Counter
from contextlib import suppress
from decimal import Decimal
from typing import Final

from actors import addresses
from actors.kernel import ProcessKilled
from adapters.simulator.fault_script import FaultScript
from adapters.simulator.paper_config import PaperConfig
from adapters.simulator.profiles import PROFILES, IdRule
from adapters.simulator.state import ExchangeConfig, Slippage
from messages.orders import OrderSpec, PositionReport
from messages.positions import ClosePosition
from messages.state import CloseReason
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, Symbol
from messages.venue import AmendOrder, OrderAccepted, PlaceOrder
from rules.client_order_ids import parse_client_order_id
from rules.limits import Limits
from rules.position_case import OrderPolicy, PositionPolicies
from rules.rounding import exit_side
from run_parts import shut_down
from tests.scenarios.hands import spec_of_stop
from tests.scenarios.postcondition import assert_postcondition_c
from tests.scenarios.soak import PRICES, Soak
from tests.scenarios.stage import entry_side
from tests.scenarios.wide_setting import BTC, ETH, Setting
from tests.scenarios.world import PAPER_VENUE, World

TURNS_ONE_IN: Final = 7
"""In so many seeds people turn positions round."""


def _is_entry(client_order_id: str | None) -> bool:
    identity = parse_client_order_id(client_order_id or "")
    return identity is not None and identity.purpose is OrderPurpose.ENTRY


class WideLife(Soak):
    """One seed's life."""

    def __init__(self, seed: int) -> None:
        self.setting = Setting.of(seed, list(PROFILES.values())[seed % len(PROFILES)])
        weather = self.setting.weather
        super().__init__(seed, weather)
        self.stops = 0
        self.turns = 0
        self.trend: dict[Symbol, float] = dict.fromkeys(PRICES, 0.0)
        self.deeds |= {
            self._stop: weather.kill / 2,
            self._reduce: weather.by_hand,
            self._add: weather.by_hand,
            self._drag: weather.by_hand,
            self._turn: 0.0 if seed % TURNS_ONE_IN else weather.by_hand / 3,
            self._close_from_the_shell: weather.by_hand / 2,
        }

    def assert_good_end(self) -> None:
        """Postcondition C, however rough it was.

        Where an id is free again when its order has ended, nobody can keep a network from delivering a request late: a
        stop that comes back so is seen and removed. An entry must not come twice there either.
        """
        excused: tuple[str, ...] = ()
        if self.profile.ids is IdRule.OPEN_ORDERS:
            orders = self.world.exchange.engine.state.orders.all_known()
            entries = Counter(each.client_order_id for each in orders if _is_entry(each.client_order_id))
            assert set(entries.values()) <= {1}, f"entered twice: {entries}"
            excused = ("accepted_twice",)
        assert_postcondition_c(self.world, crashes=self.planted_crashes, interrupted=True, excused=excused)

    def _begun(self, seed: int) -> World:
        setting = self.setting
        config = PaperConfig(
            exchange=ExchangeConfig(
                venue=PAPER_VENUE,
                profile=self.profile,
                hedge=setting.hedge,
                slippage=Slippage(half_spread_ticks=0),
                price_band_percent=Decimal(5),
            ),
            request_delay=setting.delay,
            answer_delay=setting.delay,
            event_delay=setting.delay,
            seed=seed,
        )
        world = World(
            profile=self.profile,
            config=config,
            faults=FaultScript(seed=seed, rules=setting.faults),
            seed=seed,
            prices=PRICES,
            size_usd=setting.size_usd,
            instruments=setting.instruments,
            hedge=setting.hedge,
            policies=PositionPolicies(aged=setting.aged, orders=OrderPolicy(entry_limit=setting.entry_limit)),
            guard=setting.guard,
            limits=Limits(max_exposure_usd=Decimal(30_000)),
        )
        world.start()
        world.run_for(2)
        return world

    # --- what happens -------------------------------------------------------------------------------------------------

    def _walk(self) -> None:
        """As in any life, but that prices may go one way for a while."""
        for symbol, price in self.world.market.prices.items():
            if self.random.random() < 0.1:
                self.trend[symbol] = self.random.choice((0, 0, 0.25, -0.25, 0.15))
            jumps = self.random.random() < self.weather.jump
            percent = (
                self.random.choice((-3, -2, 2, 3)) if jumps else self.random.uniform(-0.4, 0.4) + self.trend[symbol]
            )
            tick = 1 if price > 1_000 else Decimal("0.01")
            moved = price * (1 + Decimal(f"{percent:.3f}") / 100)
            self.world.price(moved // tick * tick, symbol)

    def _signal(self) -> None:
        """Mostly the same again, so that positions grow."""
        symbol = self.random.choice([BTC, ETH] if self.random.random() < 0.7 else list(PRICES))
        self.world.signal(symbol, "BUY" if self.random.random() < 0.75 else "SELL")

    def _stop(self) -> None:
        """In order, as ``holdfast run`` does it, but for a kill on the way."""
        process = self.world.process
        if process is not None:
            with suppress(ProcessKilled):
                shut_down(process.system)
                self.stops += 1
            self.world.kill()

    def _reduce(self) -> None:
        if (position := self._any_position()) is not None:
            part = self.random.choice((Decimal("0.3"), Decimal("0.5"), Decimal(1)))
            self._trade(position, exit_side(position.side), part, reduce_only=True)

    def _add(self) -> None:
        if (position := self._any_position()) is not None:
            self._trade(position, entry_side(position.side), Decimal("0.4"))

    def _turn(self) -> None:
        if (position := self._any_position()) is not None and not self.world.hedge:
            self.turns += self._trade(position, exit_side(position.side), Decimal(2))

    def _any_position(self) -> PositionReport | None:
        positions = self.world.account().positions
        return self.random.choice(positions) if positions else None

    def _trade(self, position: PositionReport, side: OrderSide, part: Decimal, *, reduce_only: bool = False) -> bool:
        """``part`` of the position, in whole steps, at least one; whether the venue took it."""
        step = self.world.exchange.engine.state.instruments[position.symbol].quantity_step
        order = OrderSpec(
            client_order_id=ClientOrderId(f"byhand{self.world.exchange.engine.state.next_number()}"),
            symbol=position.symbol,
            side=side,
            kind=OrderKind.MARKET,
            purpose=OrderPurpose.ENTRY,
            quantity=max(position.quantity * part // step * step, step),
            reduce_only=reduce_only,
            hedge_side=position.hedge_side,
        )
        return isinstance(self.world.exchange.by_hand(PlaceOrder(order=order)), OrderAccepted)

    def _drag(self) -> None:
        """A stop somewhere near where it is, also where the venue refuses that."""
        stops = [each for each in self.world.account().orders if each.kind is OrderKind.STOP_MARKET]
        if self.profile.capabilities.amend_stop and stops:
            stop = self.random.choice(stops)
            assert stop.trigger_price is not None
            tick = self.world.exchange.engine.state.instruments[stop.symbol].price_tick
            factor = self.random.choice([Decimal(each) for each in ("0.99", "0.997", "1.003", "1.01")])
            self.world.exchange.by_hand(
                AmendOrder(order=spec_of_stop(stop, stop.trigger_price * factor // tick * tick))
            )

    def _close_from_the_shell(self) -> None:
        """Something that is on record, also while it opens."""
        keys = [restored.position.key for restored in self.world.store.load()]
        if self.world.process is not None and keys:
            close = ClosePosition(key=self.random.choice(keys), reason=CloseReason.OPERATOR)
            self.world.process.system.ref(addresses.desk(PAPER_VENUE)).tell(close)
