"""One process's connection to the venue over the wire: the real adapter, on threads that live in virtual time."""

import importlib
import queue
import random
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Final, cast

from actors.kernel import VirtualTime
from actors.ports import StreamListener
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_clients import Session
from adapters.simulator.profiles import BITGET, PROFILES, Profile
from adapters.simulator.wire.dialect import Keys, WireDialect
from adapters.simulator.wire.simulation import WIRES
from adapters.streams.venue_streams import TwoStreams
from adapters.venues.rest import RestClient, TellsUsage, VenueConfig, VenueRest
from messages.instruments import Capabilities
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Symbol, Venue
from messages.venue import OutcomeUnknown, RateUsed, RateWindow, VenueAnswer, VenueRequest
from tests.scenarios.wire.machine import TameMachine
from tests.scenarios.wire.server import TameServer
from tests.scenarios.wire.spoiling import Spoiler
from tests.scenarios.wire.turns import ProcessIsDead, Turns

NEVER_MS: Final = 600_000
"""ccxt's own time-out is real time: in virtual time the server ends what nobody waits for any more."""
_ALIVE: weakref.WeakSet["WireLink"] = weakref.WeakSet()


@dataclass(frozen=True, slots=True, kw_only=True)
class WireProfile(Profile):
    """A venue's character, met over its real dialect."""


def over_the_wire(profile: Profile) -> WireProfile:
    """The same venue over its dialect; Bitget's stop that comes with an entry carries no name there."""
    values = {each.name: getattr(profile, each.name) for each in fields(Profile)}
    if profile is BITGET:
        values["capabilities"] = replace(profile.capabilities, stop_client_order_id=False)
    return WireProfile(**values)


WIRED: Final = tuple(over_the_wire(PROFILES[venue]) for venue in WIRES)


def dialect_of(exchange: PaperExchange) -> WireDialect:
    """The exchange's dialect, as the simulator serves it."""
    module, name = WIRES[exchange.venue]
    return cast("WireDialect", getattr(importlib.import_module(module), name)(exchange, Keys()))


class WireLink:
    """A process's server, machine, adapter and streams; satisfies the simulator's ``Carrier``."""

    def __init__(
        self,
        exchange: PaperExchange,
        dialect: WireDialect,
        time: VirtualTime,
        *,
        seed: int,
        spoiler: Spoiler | None = None,
    ) -> None:
        random.seed(seed)
        self._exchange = exchange
        self._time = time
        self.scheduler = exchange.scheduler
        self.clock = exchange.clock
        self.turns = Turns(time)
        self._server = TameServer(dialect, exchange, self.turns, spoiler)
        self._server.start()
        self.machine = TameMachine(self.turns, self._server)
        keys = Keys()
        config = VenueConfig(
            venue=exchange.venue,
            api_key=keys.api_key,
            api_secret=keys.api_secret,
            api_passphrase=keys.api_passphrase,
            rest_url=self._server.rest_url,
            ws_url=self._server.ws_url,
            hedge=exchange.config.exchange.hedge,
            timeout_ms=NEVER_MS,
            outside=self.machine,
        )
        streams_of = importlib.import_module(f"adapters.streams.{exchange.venue}")
        connection = cast(
            "Callable[[VenueConfig], tuple[VenueRest, TwoStreams]]", getattr(streams_of, f"{exchange.venue}_connection")
        )
        self._rest, streams = connection(config)
        self.streams = TameStreams(streams, self.turns)
        self._free: list[_Worker] = []
        self._workers: list[_Worker] = []
        _ALIVE.add(self)

    # --- the carrier --------------------------------------------------------------------------------------------------

    @property
    def venue(self) -> Venue:
        return self._exchange.venue

    @property
    def capabilities(self) -> Capabilities:
        return self._rest.capabilities

    @property
    def windows(self) -> Sequence[RateWindow]:
        return self._rest.windows

    def cost(self, request: VenueRequest) -> Mapping[str, int]:
        return self._rest.cost(request)

    def used(self) -> Mapping[str, RateUsed]:
        return self._rest.used() if isinstance(self._rest, TellsUsage) else {}

    def carry(self, request: VenueRequest, session: Session, answered: Callable[[VenueAnswer], None]) -> None:
        """Have the adapter do it, on a thread that is free."""
        _ = session
        if not self._free:
            worker = _Worker(self, self._rest)
            self._workers.append(worker)
            self.machine.run(worker.live, f"worker {len(self._workers)}")
        else:
            worker = min(self._free, key=self._workers.index)
            self._free.remove(worker)
        self.turns.run(lambda: worker.work.put((request, answered)))

    def boundary(self, name: str) -> None:
        self._exchange.boundary(name)

    def free(self, worker: "_Worker") -> None:
        """The worker waits for the next request."""
        self._free.append(worker)

    # --- the end ------------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """As if the process died: nothing of it is heard any more; what is under way still reaches the venue."""
        if self.turns.is_over():
            return
        self.turns.end()
        for worker in self._workers:
            worker.work.put(None)
        self._server.end()
        self.machine.end()

    @property
    def errors(self) -> Sequence[BaseException]:
        """What left an adapter although nothing may."""
        return self.machine.errors


class _Worker:
    """A thread with a client of the adapter's, as ``ThreadedCalls`` has them."""

    def __init__(self, link: WireLink, rest: VenueRest) -> None:
        self._link = link
        self._rest = rest
        self.work: queue.SimpleQueue[tuple[VenueRequest, Callable[[VenueAnswer], None]] | None] = queue.SimpleQueue()

    def live(self) -> None:
        """Do one request after the other until the process dies."""
        turns, client = self._link.turns, self._rest.client()
        try:
            while True:
                turns.rest()
                given = self.work.get()
                if given is None or turns.is_over():
                    raise ProcessIsDead
                request, answered = given
                answer = self._execute(client, request)
                if turns.is_over():
                    raise ProcessIsDead
                self._link.free(self)
                turns.time.call_later(0.0, _unless_over(turns, partial(answered, answer)))
        finally:
            client.close()

    def _execute(self, client: RestClient, request: VenueRequest) -> VenueAnswer:
        try:
            return client.execute(request)
        except Exception as error:  # noqa: BLE001 - as the real workers do; told at the end of the test
            if not self._link.turns.is_over():
                self._link.machine.errors.append(error)
            return OutcomeUnknown(text=f"{type(error).__name__}: {error}")


class TameStreams:
    """The adapter's streams; what they tell is told on the test's thread. Satisfies the actors' ``VenueStreams``."""

    def __init__(self, streams: TwoStreams, turns: Turns) -> None:
        self._streams = streams
        self._turns = turns

    def start(self, listener: StreamListener) -> None:
        self._streams.start(_Relay(listener, self._turns))

    def watch(self, symbols: Sequence[Symbol]) -> None:
        self._streams.watch(symbols)

    def reconnect(self) -> None:
        self._streams.reconnect()

    def stop(self) -> None:
        if not self._turns.is_over():
            self._streams.stop()


class _Relay:
    """Tells a listener at this instant, but on the test's thread."""

    def __init__(self, listener: StreamListener, turns: Turns) -> None:
        self._listener = listener
        self._turns = turns

    def on_tick(self, tick: Tick) -> None:
        self._tell(lambda: self._listener.on_tick(tick))

    def on_order(self, report: OrderReport) -> None:
        self._tell(lambda: self._listener.on_order(report))

    def on_fill(self, fill: FillReport) -> None:
        self._tell(lambda: self._listener.on_fill(fill))

    def on_position(self, venue: Venue, symbol: Symbol, report: PositionReport | None) -> None:
        self._tell(lambda: self._listener.on_position(venue, symbol, report))

    def on_funding(self, payment: FundingReport) -> None:
        self._tell(lambda: self._listener.on_funding(payment))

    def on_connection(self, *, up: bool, detail: str) -> None:
        self._tell(lambda: self._listener.on_connection(up=up, detail=detail))

    def _tell(self, call: Callable[[], None]) -> None:
        self._turns.time.call_later(0.0, _unless_over(self._turns, call))


def _unless_over(turns: Turns, call: Callable[[], None]) -> Callable[[], None]:
    """``call``, but not for a process that is dead by then."""

    def go() -> None:
        if not turns.is_over():
            call()

    return go


def end_all_links() -> None:
    """At the end of a test: no thread and no socket of its worlds stays behind."""
    for link in tuple(_ALIVE):
        link.end()
        _ALIVE.discard(link)
