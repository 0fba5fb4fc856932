"""What is found out about an account before anything is at stake, against each venue's dialect over real sockets."""

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from adapters.connect import connect
from adapters.simulator.fault_script import NO_FAULTS, FaultAction, FaultRule, FaultScript
from adapters.simulator.wire.bitget import BitgetWire
from adapters.simulator.wire.dialect import Keys
from adapters.simulator.wire.server import WireServer
from adapters.simulator.wire.simulation import WIRES, Simulation, SimulationOptions
from adapters.venues.preflight import check_account, check_start, look_again
from adapters.venues.rest import VenueConfig
from adapters.venues.threaded_calls import ThreadedCalls
from messages.checks import AccountVerdict, Check, Finding
from messages.values import Venue

VENUES = tuple(WIRES)


@contextmanager
def simulated(venue: str, *, hedge: bool = False, keys: Keys | None = None, skew_ms: int = 0) -> Iterator[Simulation]:
    rules = [FaultRule(action=FaultAction.CLOCK_SKEW, offset_ms=skew_ms)] if skew_ms else []
    simulation = Simulation(
        SimulationOptions(
            venue=venue,
            latency_ms=0,
            hedge=hedge,
            keys=keys or Keys(),
            faults=FaultScript(rules=tuple(rules)) if rules else NO_FAULTS,
        )
    )
    simulation.start()
    try:
        yield simulation
    finally:
        simulation.stop()


def a_config(venue: str, *, rest_url: str, **changes: Any) -> VenueConfig:
    keys = Keys()
    config = VenueConfig(
        venue=Venue(venue),
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        api_passphrase=keys.api_passphrase,
        rest_url=rest_url,
        timeout_ms=4_000,
    )
    return replace(config, **changes)


def config_of(simulation: Simulation, **changes: Any) -> VenueConfig:
    return a_config(simulation.exchange.config.exchange.venue, rest_url=simulation.server.rest_url, **changes)


@contextmanager
def connected(config: VenueConfig) -> Iterator[ThreadedCalls]:
    calls, _ = connect(config)
    try:
        yield calls
    finally:
        calls.close()


def looked_at(config: VenueConfig, *, allow_withdrawal: bool = False) -> dict[str, Check]:
    with connected(config) as calls:
        checks = check_account(calls, allow_withdrawal=allow_withdrawal)
    assert {check.subject for check in checks} == {config.venue}
    return {check.name: check for check in checks}


def not_fine(checks: dict[str, Check]) -> dict[str, Finding]:
    return {name: check.finding for name, check in checks.items() if check.finding is not Finding.FINE}


def silent_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.mark.parametrize("hedge", [False, True])
@pytest.mark.parametrize("venue", VENUES)
def test_nothing_is_wrong_with_an_account_that_fits(venue: str, hedge: bool) -> None:  # noqa: FBT001 - a parameter
    with simulated(venue, hedge=hedge) as simulation:
        checks = looked_at(config_of(simulation, hedge=hedge))
    assert {"key", "withdrawal", "position mode", "margin mode"} <= set(checks)
    assert not_fine(checks) == {}


@pytest.mark.parametrize("hedge", [False, True])
@pytest.mark.parametrize("venue", VENUES)
def test_the_other_position_mode_is_wrong_and_it_is_said_what_to_change(
    venue: str,
    hedge: bool,  # noqa: FBT001 - a parameter
) -> None:
    with simulated(venue, hedge=not hedge) as simulation:
        check = looked_at(config_of(simulation, hedge=hedge))["position mode"]
    assert check.finding is Finding.WRONG
    assert ("to hedge mode" if hedge else "to one-way mode") in check.what_to_do


@pytest.mark.parametrize("venue", VENUES)
def test_a_key_that_may_withdraw_is_wrong_and_a_warning_once_it_was_allowed(venue: str) -> None:
    with simulated(venue, keys=Keys(may_withdraw=True)) as simulation:
        config = config_of(simulation)
        assert not_fine(looked_at(config)) == {"withdrawal": Finding.WRONG}
        assert not_fine(looked_at(config, allow_withdrawal=True)) == {"withdrawal": Finding.WARNING}


@pytest.mark.parametrize("wrong", [{"api_key": "OTHER"}, {"api_secret": "OTHER"}])
@pytest.mark.parametrize("venue", VENUES)
def test_of_a_key_that_is_not_taken_nothing_else_is_known(venue: str, wrong: dict[str, str]) -> None:
    with simulated(venue) as simulation:
        checks = looked_at(config_of(simulation, **wrong))
    assert checks.pop("key").finding is Finding.WRONG
    assert {check.finding for check in checks.values()} == {Finding.UNKNOWN}


@pytest.mark.parametrize("venue", VENUES)
def test_no_finding_shows_a_key(venue: str) -> None:
    ours = {"api_key": "theKeyItself", "api_secret": "theWrongSecret"}
    with simulated(venue, keys=Keys(api_key=ours["api_key"])) as simulation:
        checks = looked_at(config_of(simulation, **ours))
    assert checks["key"].finding is Finding.WRONG
    told = " ".join(f"{check.text} {check.what_to_do}" for check in checks.values())
    assert not any(secret in told for secret in ours.values())


@pytest.mark.parametrize("skew_ms", [-90_000, 90_000])
@pytest.mark.parametrize("venue", VENUES)
def test_a_clock_that_is_wrong_is_not_taken_for_a_wrong_key(venue: str, skew_ms: int) -> None:
    with simulated(venue, skew_ms=skew_ms) as simulation:
        checks = looked_at(config_of(simulation))
    assert checks["key"].finding is Finding.FINE
    assert checks["position mode"].finding is Finding.FINE


@pytest.mark.parametrize("venue", VENUES)
def test_of_a_venue_that_is_away_nothing_is_known_and_a_start_goes_on(venue: str) -> None:
    config = a_config(venue, rest_url=f"http://127.0.0.1:{silent_port()}")
    assert {check.finding for check in looked_at(config).values()} == {Finding.UNKNOWN}
    with connected(config) as calls:
        checked = check_start([calls], acts=True, allow_withdrawal=False)
    assert checked.unfit == []
    assert list(checked.unreached) == [venue]


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that says the same to everything, as what stands before a venue in maintenance does; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


PAGE = b"<html><body>maintenance</body></html>"
AWAY = {
    "binance": [(400, b'{"code":-1016,"msg":"This service is no longer available."}'), (503, b'{"code":-1008}')],
    "bybit": [(200, b'{"retCode":10016,"retMsg":"Internal server error"}'), (200, b'{"retCode":10006,"retMsg":"x"}')],
    "bitget": [(400, b'{"code":"40200","msg":"Server upgrade"}'), (400, b'{"code":"40015","msg":"abnormal"}')],
    "okx": [
        (503, b'{"code":"50001","msg":"unavailable"}'),
        (400, b'{"code":"50013","msg":"busy"}'),
    ],
}


@pytest.mark.parametrize(
    ("venue", "status", "body"),
    [
        (venue, status, body)
        for venue in VENUES
        for status, body in [
            *((status, PAGE) for status in (401, 403, 407, 418, 429, 451, 500, 502, 503, 504, 511)),
            *AWAY[venue],
        ]
    ],
)
def test_what_passes_by_itself_is_neither_a_wrong_key_nor_a_wrong_account(venue: str, status: int, body: bytes) -> None:
    with answering(status, body) as url, connected(a_config(venue, rest_url=url)) as calls:
        checked = check_start([calls], acts=True, allow_withdrawal=False)
    assert checked.unfit == []
    assert list(checked.unreached) == [venue]


def looked_again(config: VenueConfig) -> AccountVerdict:
    answers: queue.SimpleQueue[AccountVerdict] = queue.SimpleQueue()
    with connected(config) as calls:
        look_again(calls, answers.put, acts=True, allow_withdrawal=False)
        return answers.get(timeout=20)


@pytest.mark.parametrize("venue", VENUES)
def test_an_account_that_answers_later_is_fit_or_it_is_said_what_is_wrong(venue: str) -> None:
    with simulated(venue) as simulation:
        fit = looked_again(config_of(simulation))
        hedged = looked_again(config_of(simulation, hedge=True))
    away = looked_again(a_config(venue, rest_url=f"http://127.0.0.1:{silent_port()}"))
    assert fit == AccountVerdict(reached=True)
    assert hedged.reached
    assert hedged.why.startswith(f"{venue}: position mode")
    assert not away.reached
    assert away.why


def test_a_unified_bitget_account_is_told_apart_from_a_wrong_key() -> None:
    with simulated("bitget") as simulation:
        server = WireServer(BitgetWire(simulation.exchange, Keys(), unified=True), simulation.exchange)
        server.start()
        try:
            checks = looked_at(a_config("bitget", rest_url=server.rest_url))
        finally:
            server.stop()
    assert not_fine(checks) == {"account type": Finding.WRONG}
    assert "classic" in checks["account type"].what_to_do


def test_a_venue_that_is_silent_holds_up_no_start() -> None:
    with ExitStack() as running:
        listening = running.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        silent = running.enter_context(connected(a_config("okx", rest_url=url)))
        hedged = running.enter_context(simulated("bybit", hedge=True))
        other = running.enter_context(connected(config_of(hedged)))
        assert check_start([silent], acts=True, allow_withdrawal=False, wait_s=0.2).unfit == []
        checked = check_start([silent, other], acts=True, allow_withdrawal=False, wait_s=2.0)
        (unfit,) = checked.unfit
        assert checked.unreached == {"okx": "could not be read: no answer within 2 s"}
        assert unfit.venue == "bybit"
        assert unfit.text.startswith("bybit: position mode")


@pytest.mark.parametrize("venue", ["bitget", "okx"])
def test_a_passphrase_that_was_forgotten_is_a_wrong_key(venue: str) -> None:
    checks = looked_at(a_config(venue, rest_url=f"http://127.0.0.1:{silent_port()}", api_passphrase=""))
    assert checks["key"].finding is Finding.WRONG


def test_every_reason_not_to_use_a_venue_is_told_at_once() -> None:
    with ExitStack() as running:
        hedged = running.enter_context(simulated("okx", hedge=True))
        drained = running.enter_context(simulated("bybit", keys=Keys(may_withdraw=True)))
        locked = running.enter_context(simulated("bitget"))
        configs = (
            config_of(hedged),
            config_of(drained),
            config_of(locked, api_key="OTHER"),
        )
        venues = [running.enter_context(connected(config)) for config in configs]
        found = {unfit.venue: unfit for unfit in check_start(venues, acts=True, allow_withdrawal=False).unfit}
        assert {venue: unfit.key_refused for venue, unfit in found.items()} == {
            "okx": False,
            "bybit": False,
            "bitget": True,
        }
        assert "okx: position mode" in found[Venue("okx")].text
        assert "bybit: withdrawal" in found[Venue("bybit")].text
        assert "bitget: key" in found[Venue("bitget")].text
        (watching,) = check_start(venues[1:], acts=False, allow_withdrawal=False).unfit
        assert (watching.venue, watching.key_refused) == ("bitget", True)
