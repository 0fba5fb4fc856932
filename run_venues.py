"""The venues of a live run: their connections, and whether their accounts are fit to start on."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from loguru import logger
from pydantic import SecretStr

from actors.house import VenueParts
from actors.ports import VenueCalls
from adapters.connect import connect
from adapters.simulator.paper import PaperExchange
from adapters.simulator.paper_market import UnknownPaperSymbolError, demo_market, paper_config
from adapters.simulator.paper_state import PaperStateError
from adapters.simulator.scheduler_thread import SchedulerThread
from adapters.streams.counted_streams import CountedStreams
from adapters.venues.preflight import StartCheck, check_start, look_again
from adapters.venues.rest import VenueConfig
from adapters.venues.shadow import ShadowCalls
from adapters.venues.threaded_calls import ThreadedCalls
from messages.settings import PAPER, Mode, Settings, VenueAccess
from messages.values import Venue
from run_parts import OUT_OF_REACH, WRONG_USAGE, CannotRunError, RunOptions, paper_parts

SIMULATED_KEYS: Final = ("KEY", "SECRET", "PASS")
"""What ``holdfast simulate`` accepts."""
PAPER_STATE: Final = "paper.sqlite3"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVenues:
    """What a run is connected to.

    Attributes:
        exchange: The paper exchange, when that is one of the venues.
        streams: Those of the venues that are not simulated in this process.
        left_out: Venues of the settings that the run cannot use, and why.
    """

    parts: Sequence[VenueParts]
    exchange: PaperExchange | None
    streams: Sequence[CountedStreams]
    left_out: Mapping[Venue, str]

    def ticks(self) -> int:
        """How many prices have come so far."""
        of_paper = self.exchange.ticks if self.exchange is not None else 0
        return of_paper + sum(streams.ticks for streams in self.streams)


def live_venues(options: RunOptions, settings: Settings, resources: ExitStack) -> LiveVenues:
    """The connections of every venue that can be used.

    Raises:
        CannotRunError: None can.
    """
    parts: list[VenueParts] = []
    exchange: PaperExchange | None = None
    connected: list[ThreadedCalls] = []
    counted: list[CountedStreams] = []
    for venue in settings.venues:
        if venue == PAPER:
            clock = SchedulerThread(on_error=lambda error: logger.error("the paper exchange failed: {!r}", error))
            clock.start()
            resources.callback(clock.stop)
            exchange = _paper_exchange(options, settings, clock)
            exchange.start()
            resources.callback(exchange.stop)
            parts.append(paper_parts(exchange))
        else:
            calls, streams = connect(venue_config(venue, settings))
            resources.callback(calls.close)
            connected.append(calls)
            counted.append(CountedStreams(streams))
            watches_only = settings.mode is Mode.SHADOW
            sending: VenueCalls = ShadowCalls(calls) if watches_only else calls
            hedged = settings.is_hedged(venue)
            parts.append(
                VenueParts(calls=sending, streams=counted[-1], symbols=(), hedge_mode=hedged, canary=not watches_only)
            )
    checked = _checked(connected, settings)
    left_out = {each.venue: each.text for each in checked.unfit}
    usable = [
        _to_be_looked_at(each, connected, checked, settings) for each in parts if each.calls.venue not in left_out
    ]
    return LiveVenues(parts=usable, exchange=exchange, streams=counted, left_out=left_out)


def _checked(connected: Sequence[ThreadedCalls], settings: Settings) -> StartCheck:
    """A run leaves out accounts that it cannot trade with, or should not (S20): their stops stay there.

    Only what a person has to mend makes it leave one out, until the next start. A venue that is out of reach belongs to
    the run from its beginning, and is looked after from the moment in which it answers.
    """
    checked = check_start(
        connected, acts=settings.mode is Mode.PRODUCTION, allow_withdrawal=settings.allow_withdrawal_keys
    )
    unfit = checked.unfit
    if len(unfit) == len(settings.venues):
        code = OUT_OF_REACH if all(each.key_refused for each in unfit) else WRONG_USAGE
        raise CannotRunError("\n".join(each.text for each in unfit), code)
    return checked


def _to_be_looked_at(
    parts: VenueParts, connected: Sequence[ThreadedCalls], checked: StartCheck, settings: Settings
) -> VenueParts:
    venue = parts.calls.venue
    calls = next((each for each in connected if each.venue == venue), None)
    if calls is None or venue not in checked.unreached:
        return parts
    acts, allowed = settings.mode is Mode.PRODUCTION, settings.allow_withdrawal_keys
    look = partial(look_again, calls, acts=acts, allow_withdrawal=allowed)
    return replace(parts, unreached=checked.unreached[venue], look=look)


def venue_config(venue: Venue, settings: Settings) -> VenueConfig:
    """Keys and addresses of one venue; a simulated exchange on this machine has keys of its own (S20)."""
    access = settings.access.get(venue, VenueAccess())

    def secret(value: SecretStr | None, simulated: str) -> str:
        if value is not None:
            return value.get_secret_value()
        return simulated if access.is_simulated else ""

    return VenueConfig(
        venue=venue,
        api_key=secret(access.api_key, SIMULATED_KEYS[0]),
        api_secret=secret(access.api_secret, SIMULATED_KEYS[1]),
        api_passphrase=secret(access.api_passphrase, SIMULATED_KEYS[2]),
        testnet=access.testnet,
        rest_url=access.rest_url,
        ws_url=access.ws_url,
        hedge=settings.is_hedged(venue),
    )


def _paper_exchange(options: RunOptions, settings: Settings, clock: SchedulerThread) -> PaperExchange:
    try:
        feed, instruments = demo_market(
            seed=options.seed, symbols=settings.paper_symbols, volatility_percent=settings.paper_volatility_percent
        )
        return PaperExchange(
            instruments=instruments,
            feed=feed,
            scheduler=clock,
            clock=clock,
            config=paper_config(
                wallet=settings.paper_wallet_usd,
                latency_ms=settings.paper_latency_ms,
                seed=options.seed,
                hedge=settings.is_hedged(PAPER),
            ),
            path=settings.data_dir / PAPER_STATE,
        )
    except UnknownPaperSymbolError as error:
        raise CannotRunError(str(error), WRONG_USAGE) from error
    except PaperStateError as error:
        raise CannotRunError(str(error), OUT_OF_REACH) from error
