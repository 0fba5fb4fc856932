"""Fifty stops that must move at one tick, 100 ms away: ``python benchmarks/fifty_stops.py [--venue bybit] [--json]``.

A simulated venue in a process of its own, with the venue's rate limits, holds the positions; the time counts from the
tick to the last stop that is effective, by the venue's own record. Beside it, in the same run, one loop that moves the
same stops one after the other over the same REST client. Ratios carry over to other machines, absolute figures do not.
"""

import argparse
import importlib
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import IO, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from loguru import logger

from actors.desk import Untracked
from actors.house import House, HouseParts, VenueParts
from actors.kernel import ActorSystem, ThreadRuntime
from actors.risk import RiskPolicy
from actors.signals import WavePolicy
from adapters.alert_log import AlertLog
from adapters.connect import connect
from adapters.simulator.feed import PricePoint
from adapters.simulator.orders import SimOrder
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_config import Delay, PaperConfig
from adapters.simulator.profiles import PROFILES
from adapters.simulator.scheduler_thread import SchedulerThread
from adapters.simulator.state import ExchangeConfig
from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.server import WireServer
from adapters.simulator.wire.simulation import WIRES
from adapters.venues.rest import RestClient, VenueConfig
from messages.instruments import Capabilities, Instrument
from messages.orders import OrderReport, OrderSpec
from messages.supervision import RawSignal
from messages.values import ClientOrderId, OrderKind, OrderPurpose, Price, Symbol, Venue
from messages.venue import AccountReport, AmendOrder, CancelOrder, FetchAccount, OrderAccepted, PlaceOrder
from persistence.journal import Journal
from persistence.spool import Spool
from persistence.store import SqlStore
from rules.limits import Limits
from rules.position_case import PositionPolicies
from rules.sizing import SizingPolicy
from rules.take_profits import TakeProfitPolicy
from rules.trailing import TrailingPolicy
from rules.wave_intake import IntakePolicy

ONE_WAY_MS: Final = 50.0
PRICE: Final = Decimal(1_000)
RISE_PERCENT: Final = Decimal(2)
WAIT_S: Final = 90.0
LOOK_EVERY_S: Final = 0.2
QUIET_MS: Final = 12_000
"""Take profits are placed, and the venue's windows are free again."""
SWITCH_INTERVAL_S: Final = 0.0005
"""What the live process sets."""
SIZE_USD: Final = Decimal(200)
FAR: Final = TakeProfitPolicy(tp1_percent=Decimal(20), tp2_percent=Decimal(40))
QUICK: Final = TrailingPolicy(min_update_interval_s=0)


# --- the venue, in a process of its own -------------------------------------------------------------------------------


class Calm:
    """Prices that are told twice a second and stand until the benchmark lets them jump."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        self.symbols = tuple(symbols)

    def opening(self, at_ms: int) -> Sequence[PricePoint]:
        """Each at its price."""
        return [PricePoint(at_ms, symbol, PRICE) for symbol in self.symbols]

    def stream(self, after_ms: int, *, step_ms: int | None = None) -> Iterator[PricePoint]:
        """The same again and again."""
        for at_ms in itertools.count(after_ms + 500, step_ms or 500):
            for symbol in self.symbols:
                yield PricePoint(at_ms, symbol, PRICE)


def names(count: int) -> tuple[Symbol, ...]:
    """As many symbols."""
    return tuple(Symbol(f"S{number:02}USDT") for number in range(count))


def serve(venue: str, positions: int) -> None:
    """The venue: says its port, then obeys ``up`` and ``stops``, a line each, until stdin ends."""
    clock = SchedulerThread(on_error=lambda error: logger.error("the exchange failed: {!r}", error))
    symbols, there = names(positions), Delay(min_ms=ONE_WAY_MS, max_ms=ONE_WAY_MS)
    exchange = PaperExchange(
        instruments=[_instrument(Venue(venue), symbol) for symbol in symbols],
        feed=Calm(symbols),
        scheduler=clock,
        clock=clock,
        config=PaperConfig(
            exchange=ExchangeConfig(venue=Venue(venue), profile=PROFILES[venue], wallet=Decimal(1_000_000)),
            request_delay=there,
            answer_delay=there,
            event_delay=there,
        ),
    )
    module, name = WIRES[venue]
    server = WireServer(getattr(importlib.import_module(module), name)(exchange, Keys()), exchange)
    clock.start()
    exchange.start()
    server.start()
    say({"port": server.port})
    for line in sys.stdin:
        if line.strip() == "up":
            tick_ms = clock.now_ms()
            for symbol in symbols:
                exchange.gap(symbol, RISE_PERCENT)
            say({"tick_ms": tick_ms, "ticked_ms": clock.now_ms()})
        else:
            say({str(symbol): _stops(exchange, symbol) for symbol in symbols})
    server.stop()
    exchange.stop()
    clock.stop()


def say(what: object) -> None:
    """One line to the benchmark."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _instrument(venue: Venue, symbol: Symbol) -> Instrument:
    return Instrument(
        venue=venue,
        symbol=symbol,
        price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(1_000),
        max_market_quantity=Decimal(1_000),
        min_notional=Decimal(5),
    )


def _stops(exchange: PaperExchange, symbol: Symbol) -> list[tuple[float, int]]:
    """Each working stop's trigger, and since when it is effective."""

    def read(order: SimOrder) -> tuple[float, int]:
        return float(order.trigger_price or 0), order.updated_ms

    return exchange.look(lambda engine: [read(each) for each in engine.state.orders.working(symbol) if each.is_stop])


@dataclass(slots=True, kw_only=True)
class VenueProcess:
    """The other side of :func:`serve`."""

    told: IO[str]
    says: IO[str]
    port: int = 0

    def ask(self, command: str) -> dict[str, Any]:
        """Its answer to one line."""
        self.told.write(command + "\n")
        self.told.flush()
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Its next line."""
        found: dict[str, Any] = json.loads(self.says.readline())
        return found

    def stops(self) -> Mapping[str, list[tuple[float, int]]]:
        """Of each symbol."""
        return self.ask("stops")

    def moved_since(self, before: Mapping[str, list[tuple[float, int]]]) -> list[int]:
        """When each stop that is better now than it was became effective."""
        found = []
        for symbol, stops in self.stops().items():
            best = max((trigger for trigger, _ in before[symbol]), default=0.0)
            better = [since for trigger, since in stops if trigger > best]
            found.extend([min(better)] if better else [])
        return found


@contextmanager
def venue_process(venue: str, positions: int) -> Iterator[VenueProcess]:
    """Running until the end of the block."""
    with subprocess.Popen(  # noqa: S603 - this file itself
        [sys.executable, __file__, "--serve", "--venue", venue, "--positions", str(positions)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes to the venue's process")
        other = VenueProcess(told=process.stdin, says=process.stdout)
        try:
            other.port = other.hear()["port"]
            yield other
        finally:
            process.kill()


# --- Holdfast ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Signals:
    """One buy of each symbol."""

    waiting: list[RawSignal] = field(default_factory=list)

    def due(self, now_ms: int) -> Sequence[RawSignal]:
        """All, once."""
        _ = now_ms
        ready, self.waiting = self.waiting, []
        return ready

    def next_ms(self, now_ms: int) -> int | None:
        """Soon."""
        return now_ms + 100

    def rewind(self) -> None:
        """What was given stays given."""


def buys(symbols: Sequence[Symbol]) -> list[RawSignal]:
    """A signal for each."""
    now = datetime.fromtimestamp(time.time(), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    common = {"timestamp": now, "side": "BUY", "score_week": 80, "score_month": 70}
    return [RawSignal(raw={"id": f"b-{each}", "symbol": each, **common}, origin="benchmark") for each in symbols]


def config_of(venue: str, port: int) -> VenueConfig:
    """The simulated account."""
    keys = Keys()
    return VenueConfig(
        venue=Venue(venue),
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        api_passphrase=keys.api_passphrase,
        rest_url=f"http://127.0.0.1:{port}",
        ws_url=f"ws://127.0.0.1:{port}",
    )


@contextmanager
def holdfast(config: VenueConfig, symbols: Sequence[Symbol], directory: Path) -> Iterator[None]:
    """The whole house on the venue, as ``holdfast run`` builds it."""
    with ExitStack() as resources:
        store = SqlStore(f"sqlite:///{directory / 'holdfast.sqlite3'}", "main")
        resources.callback(store.close)
        spool = Spool(directory / "spool")
        resources.callback(spool.close)
        journal = Journal(store, spool)
        epoch = journal.take_ownership("benchmark")
        calls, streams = connect(config)
        resources.callback(calls.close)
        system = ActorSystem(runtime=ThreadRuntime())
        parts = HouseParts(
            journal=journal,
            owner_epoch=epoch,
            venues=[VenueParts(calls=calls, streams=streams, symbols=())],
            sink=AlertLog(),
            feed=Signals(buys(symbols)),
            policies=PositionPolicies(trailing=QUICK, take_profits=FAR),
            sizing=SizingPolicy(position_size_usd=SIZE_USD),
            risk=RiskPolicy(
                limits=Limits(max_positions=2 * len(symbols), max_exposure_usd=Decimal(1_000_000)),
                size_usd=SIZE_USD,
                leverage=3,
            ),
            max_signal_age_s=1_500,
            sync_every_s=600,
            untracked=Untracked.ADOPT,
            stale_after_s=None,
            waves=WavePolicy(intake=IntakePolicy(max_trades=len(symbols)), max_early=2 * len(symbols)),
        )
        try:
            system.start(House(system, parts).root())
            yield
        finally:
            system.shutdown([])


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for what the venue shows."""
    pause, give_up_s = Event(), time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > give_up_s:
            raise TimeoutError(what)
        pause.wait(LOOK_EVERY_S)


# --- the loop ---------------------------------------------------------------------------------------------------------


def account_of(client: RestClient) -> AccountReport:
    """Everything that rests at the venue."""
    answer = client.execute(FetchAccount())
    if not isinstance(answer, AccountReport):
        raise TypeError(f"the account cannot be read: {answer}")
    return answer


def move_one_by_one(client: RestClient, stops: Sequence[OrderReport], can: Capabilities) -> None:
    """Each stop a little further, each request after the answer to the one before."""
    for number, report in enumerate(stops):
        spec = moved(report, ClientOrderId(f"loop{number}"))
        if can.amend_stop:
            known = replace(spec, client_order_id=report.client_order_id or spec.client_order_id)
            answers = [client.execute(AmendOrder(order=replace(known, venue_order_id=report.venue_order_id)))]
        else:
            old = replace(spec, client_order_id=report.client_order_id or spec.client_order_id)
            cancel = CancelOrder(order=replace(old, venue_order_id=report.venue_order_id))
            answers = [client.execute(PlaceOrder(order=spec)), client.execute(cancel)]
        if any(not isinstance(answer, OrderAccepted) for answer in answers):
            raise TypeError(f"{report.symbol}: {answers}")


def moved(report: OrderReport, name: ClientOrderId) -> OrderSpec:
    """The stop, one percent higher."""
    trigger: Price = ((report.trigger_price or PRICE) * Decimal("1.01")).quantize(Decimal("0.1"))
    return OrderSpec(
        client_order_id=name,
        symbol=report.symbol,
        side=report.side,
        kind=report.kind,
        purpose=OrderPurpose.STOP,
        quantity=report.quantity,
        trigger_price=trigger,
        trigger_source=report.trigger_source,
        reduce_only=True,
    )


# --- measuring --------------------------------------------------------------------------------------------------------


def measure(venue: str, positions: int) -> dict[str, object]:
    """Both, on one venue."""
    symbols = names(positions)
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-benchmark-", ignore_cleanup_errors=True) as directory,
        venue_process(venue, positions) as other,
    ):
        config = config_of(venue, other.port)
        with holdfast(config, symbols, Path(directory)):
            wait_until(lambda: all(other.stops().values()) and settled(other), "every position to be protected")
            before = other.stops()
            tick = other.ask("up")
            wait_until(lambda: len(other.moved_since(before)) == positions, "every stop to be moved")
            ours = figures(other.moved_since(before), tick["tick_ms"])
            wait_until(lambda: settled(other), "one stop each again")
        calls, _streams = connect(config)
        client = calls.rest.client()
        stops = [order for order in account_of(client).orders if order.kind is OrderKind.STOP_MARKET]
        before = other.stops()
        tick = other.ask("up")
        move_one_by_one(client, stops, calls.capabilities)
        loop = figures(other.moved_since(before), tick["tick_ms"])
        client.close()
        calls.close()
    last, loop_last = ours["last_s"], loop["last_s"]
    return {
        "venue": venue,
        "positions": positions,
        "stops_moved": ours["moved"],
        "holdfast": ours,
        "one_by_one": loop,
        "ratio": round(loop_last / last, 1),
    }


def settled(other: VenueProcess) -> bool:
    """One stop to each position, and nothing has changed for a while."""
    stops = [stop for each in other.stops().values() for stop in each]
    quiet_ms = time.time_ns() // 1_000_000 - max(since for _, since in stops)
    return len(stops) == len(other.stops()) and quiet_ms > QUIET_MS


def figures(moved_ms: Sequence[int], tick_ms: int) -> dict[str, float]:
    """Seconds from the tick."""
    after = sorted((each - tick_ms) / 1_000 for each in moved_ms)
    return {
        "moved": len(after),
        "first_s": after[0],
        "median_s": round(statistics.median(after), 3),
        "last_s": after[-1],
    }


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--venue", choices=tuple(WIRES), action="append")
    parser.add_argument("--positions", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    logger.remove()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if options.serve:
        serve(options.venue[0], options.positions)
        return
    found = [measure(venue, options.positions) for venue in options.venue or ("binance", "bybit")]
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    sys.stdout.write(f"{'venue':9}{'way':12}{'first':>9}{'median':>9}{'last':>9}\n")
    for each in found:
        for way in ("holdfast", "one_by_one"):
            row: Any = each[way]
            times = "".join(f"{row[name]:8.2f}s" for name in ("first_s", "median_s", "last_s"))
            sys.stdout.write(f"{each['venue']!s:9}{way:12}{times}\n")
        sys.stdout.write(f"{each['venue']!s:9}one by one takes {each['ratio']} times as long\n")


if __name__ == "__main__":
    main()
