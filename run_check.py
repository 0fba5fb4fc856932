"""``holdfast check``: by the instance that runs the account, where one does; else by a small tree of its own.

Beside a running instance nothing is sent by this process, and the ownership of the account is not taken: the instance
is asked through a file in its data directory, and has its own actors mend what they are responsible for.
"""

import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from loguru import logger

from actors import addresses
from actors.check_house import CheckedVenue, CheckHouse
from actors.kernel import ActorSystem, AskTimeout, KernelError, NotReady, ThreadRuntime
from actors.policies import position_policies
from actors.ports import JournalPort
from adapters.check_request import CheckRequest, ask, give_answer, take_request
from adapters.connect import connect
from adapters.instance_lock import Instance, InstanceLock, holder
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_calls import PaperCalls
from adapters.simulator.paper_market import UnknownPaperSymbolError, demo_market, paper_config
from adapters.simulator.paper_state import PaperStateError
from adapters.simulator.paper_still import StillMarket, copy_state
from adapters.simulator.scheduler_thread import SchedulerThread
from messages.account_check import AccountChecked, CheckVenue, VenueChecked, account_checked
from messages.settings import PAPER, Mode, Settings
from messages.signals import Signal
from messages.values import Symbol, Venue
from persistence.failures import StoreUnavailable
from persistence.onlooker import MANY, Onlooker
from persistence.opening import open_journal, records_of, store_of
from persistence.queries import Queries
from rules.signal_intake import parse_signal
from run_parts import OUT_OF_REACH, WRONG_USAGE, CannotRunError
from run_venues import PAPER_STATE, venue_config

ANSWER_S: Final = 150.0
"""How long a check may take, its orders included."""
START_S: Final = 30.0
SIGNAL_LIFE_MS: Final = 86_400_000


def check(settings: Settings, *, fix: bool) -> AccountChecked:
    """Check every venue of ``settings``.

    Raises:
        CannotRunError: An instance runs here and does not answer; or what was asked for goes against the mode.
    """
    if fix and settings.mode is Mode.SHADOW:
        raise CannotRunError("the mode is shadow, in which no order is sent: check without --fix", WRONG_USAGE)
    instance = holder(settings.data_dir)
    if instance is not None:
        return _ask_instance(settings, instance, fix=fix)
    if not fix:
        return _check_here(settings, fix=False)
    lock = InstanceLock(settings.data_dir)
    lock.acquire()
    try:
        return _check_here(settings, fix=True)
    finally:
        lock.release()


def _ask_instance(settings: Settings, instance: Instance, *, fix: bool) -> AccountChecked:
    answer = ask(
        settings.data_dir,
        fix=fix,
        venues=tuple(settings.venues),
        timeout_s=ANSWER_S,
        is_alive=lambda: holder(settings.data_dir) is not None,
    )
    if answer is None:
        text = f"the instance that runs on {settings.data_dir} ({instance}) gave no answer: see holdfast status"
        raise CannotRunError(text, OUT_OF_REACH)
    return answer


# --- without an instance ----------------------------------------------------------------------------------------------


def _check_here(settings: Settings, *, fix: bool) -> AccountChecked:
    with ExitStack() as resources:
        journal, epoch, queries = _records(settings, resources, fix=fix)
        venues = [
            each for venue in settings.venues if (each := _venue(venue, settings, resources, fix=fix)) is not None
        ]
        house = CheckHouse(
            journal=journal,
            owner_epoch=epoch,
            venues=venues,
            policies=position_policies(settings),
            zombie_scope=settings.zombie_scope,
            managed=_managed(queries),
            signals=last_signals(queries, settings.venues, now_ms=time.time_ns() // 1_000_000),
        )
        system = ActorSystem(runtime=ThreadRuntime())
        try:
            system.start(house.root(system), timeout_s=START_S)
            return account_checked(_answers(system, [each.calls.venue for each in venues], fix=fix), by="this command")
        except NotReady as error:
            raise CannotRunError(str(error), OUT_OF_REACH) from error
        finally:
            system.shutdown()


def _records(settings: Settings, resources: ExitStack, *, fix: bool) -> tuple[JournalPort, int, Queries]:
    """The journal, the epoch under which it is written, and what is on record."""
    if fix:
        store = store_of(settings, data_dir=settings.data_dir)
        name = f"check {os.getpid()}"
        journal, epoch = open_journal(store, data_dir=settings.data_dir, owner_name=name, resources=resources)
        return journal, epoch, Queries(store)
    records = records_of(settings, data_dir=settings.data_dir)
    resources.callback(records.close)
    return Onlooker(Queries(records)), 0, Queries(records)


def _managed(queries: Queries) -> frozenset[Symbol]:
    """Symbols that have, or had, a position of ours."""
    try:
        positions = (*queries.open_positions(limit=MANY), *queries.closed_positions(limit=MANY))
    except StoreUnavailable:
        return frozenset()
    return frozenset(position.key.symbol for position in positions)


def last_signals(queries: Queries, venues: Sequence[Venue], *, now_ms: int) -> dict[tuple[Venue, Symbol], Signal]:
    """The last signal of a day for each symbol, unless its position is over: others trade by the same signals."""
    since_ms = now_ms - SIGNAL_LIFE_MS
    found: dict[tuple[Venue, Symbol], Signal] = {}
    try:
        over = {position.position_id for position in queries.closed_positions(since_ms=since_ms, limit=MANY)}
        fates = queries.signals(since_ms=since_ms, limit=MANY)
    except StoreUnavailable:
        return found
    for fate in fates:
        signal = parse_signal(_decoded(fate.raw), now_ms=fate.at_ms, max_age_s=SIGNAL_LIFE_MS)
        if isinstance(signal, Signal) and fate.position_id not in over:
            for venue in venues:
                if fate.venue in {"", venue}:
                    found.setdefault((venue, signal.symbol), signal)
    return found


def _decoded(raw: str) -> object:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw


def _venue(venue: Venue, settings: Settings, resources: ExitStack, *, fix: bool) -> CheckedVenue | None:
    """A connection for requests only; ``None`` for a paper account that does not exist yet."""
    if venue == PAPER:
        exchange = _paper(settings, resources, fix=fix)
        if exchange is None:
            return None
        return CheckedVenue(calls=PaperCalls(exchange), hedge_mode=settings.is_hedged(PAPER))
    config = venue_config(venue, settings)
    calls, _ = connect(config)
    resources.callback(calls.close)
    return CheckedVenue(calls=calls, hedge_mode=config.hedge)


def _paper(settings: Settings, resources: ExitStack, *, fix: bool) -> PaperExchange | None:
    """The paper account as it was saved, its prices standing still; without ``fix`` a copy of it."""
    path = settings.data_dir / PAPER_STATE
    if not path.exists():
        return None
    try:
        if not fix:
            copy = Path(resources.enter_context(tempfile.TemporaryDirectory())) / PAPER_STATE
            copy_state(path, copy)
            path = copy
        clock = SchedulerThread(on_error=lambda error: logger.error("the paper exchange failed: {!r}", error))
        clock.start()
        resources.callback(clock.stop)
        exchange = PaperExchange(
            instruments=demo_market(
                seed=1, symbols=settings.paper_symbols, volatility_percent=settings.paper_volatility_percent
            )[1],
            feed=StillMarket(),
            scheduler=clock,
            clock=clock,
            config=paper_config(
                wallet=settings.paper_wallet_usd,
                latency_ms=settings.paper_latency_ms,
                seed=1,
                hedge=settings.is_hedged(PAPER),
            ),
            path=path,
        )
        exchange.start()
        resources.callback(exchange.stop)
    except UnknownPaperSymbolError as error:
        raise CannotRunError(str(error), WRONG_USAGE) from error
    except (PaperStateError, sqlite3.DatabaseError) as error:
        raise CannotRunError(f"the paper account cannot be read: {error}", OUT_OF_REACH) from error
    return exchange


def _answers(system: ActorSystem, venues: Sequence[Venue], *, fix: bool) -> tuple[VenueChecked, ...]:
    """Every venue's answer; they are asked at the same time, so that a silent one holds up no other."""
    answers: dict[Venue, VenueChecked] = {}

    def one(venue: Venue) -> None:
        answers[venue] = _answer(system, venue, fix=fix)

    threads = [threading.Thread(target=one, args=(venue,), name=f"check-{venue}", daemon=True) for venue in venues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ANSWER_S)
    return tuple(answers.get(venue, VenueChecked(venue=venue, error="no answer in time")) for venue in venues)


def _answer(system: ActorSystem, venue: Venue, *, fix: bool) -> VenueChecked:
    actor = system.find(addresses.check(venue))
    if actor is None:
        return VenueChecked(venue=venue, error="the running instance does not look after this venue")
    try:
        answer = actor.ask(CheckVenue(fix=fix), timeout_s=ANSWER_S)
    except AskTimeout:
        return VenueChecked(venue=venue, error="no answer in time")
    except KernelError as error:
        return VenueChecked(venue=venue, error=f"the check failed: {error}")
    return answer if isinstance(answer, VenueChecked) else VenueChecked(venue=venue, error="no answer")


# --- in a running instance --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class CheckDesk:
    """Where a running instance takes checks that are asked for from outside, one at a time, beside its watch."""

    system: ActorSystem
    data_dir: Path
    by: str = field(default_factory=lambda: f"the running instance, pid {os.getpid()}")
    _busy: threading.Thread | None = None

    def look(self) -> None:
        """Begin the check that was asked for, if any; never waits."""
        if self._busy is not None and self._busy.is_alive():
            return
        request = take_request(self.data_dir)
        if request is not None:
            self._busy = threading.Thread(target=self._serve, args=(request,), name="check", daemon=True)
            self._busy.start()

    def _serve(self, request: CheckRequest) -> None:
        venues = [Venue(venue) for venue in request.venues]
        answers = _answers(self.system, venues, fix=request.fix)
        give_answer(self.data_dir, request, account_checked(answers, by=self.by))
