"""What can be checked of a venue before anything is at stake: keys, clock, instruments, account, streams."""

import threading
import time
from collections.abc import Sequence
from typing import Final, Protocol

from adapters.streams.venue_streams import TwoStreams
from adapters.venues.threaded_calls import ThreadedCalls
from messages.checks import Check, Finding
from messages.market import Tick
from messages.orders import FillReport, FundingReport, OrderReport, PositionReport
from messages.values import Symbol, Venue
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchInstruments,
    FetchServerTime,
    InstrumentsReport,
    OrderRejected,
    ReadRequest,
    RejectReason,
    ServerTime,
    VenueAnswer,
)

ANSWER_S: Final = 20.0
STREAM_S: Final = 15.0
OFFSET_WARNING_MS: Final = 250
OFFSET_WRONG_MS: Final = 1_000


class Preflight(Protocol):
    """A venue's own checks: what the key may do, and in which modes the account is."""

    def preflight(self) -> Sequence[Check]:
        """Look; blocks. A check that cannot be made is reported as unknown."""
        ...


def check_venue(calls: ThreadedCalls, streams: TwoStreams) -> list[Check]:
    """Everything about one venue, in the order in which it matters."""
    venue = calls.venue
    checks = [_clock(calls), _instruments(calls), _account(calls)]
    own = getattr(calls.rest, "preflight", None)
    if own is None:
        checks.append(_check(venue, "key", Finding.UNKNOWN, "what the key may do cannot be read here"))
    else:
        checks.extend(own())
    checks.append(_streams(venue, streams))
    return checks


def _ask(calls: ThreadedCalls, request: ReadRequest) -> VenueAnswer | None:
    answered = threading.Event()
    answers: list[VenueAnswer] = []

    def done(answer: VenueAnswer) -> None:
        answers.append(answer)
        answered.set()

    calls.send(request, timeout_s=ANSWER_S, done=done)
    return answers[0] if answered.wait(ANSWER_S + 1.0) else None


def _clock(calls: ThreadedCalls) -> Check:
    before_ms = time.time_ns() // 1_000_000
    answer = _ask(calls, FetchServerTime())
    after_ms = time.time_ns() // 1_000_000
    if not isinstance(answer, ServerTime):
        return _unanswered(calls.venue, "clock", answer)
    offset_ms = answer.server_ms - (before_ms + after_ms) // 2
    text = f"{offset_ms:+d} ms against the venue, measured over {after_ms - before_ms} ms"
    advice = "set this machine's clock: on Linux enable NTP, on Windows: w32tm /resync"
    if abs(offset_ms) > OFFSET_WRONG_MS:
        return _check(calls.venue, "clock", Finding.WRONG, text, advice)
    if abs(offset_ms) > OFFSET_WARNING_MS:
        return _check(calls.venue, "clock", Finding.WARNING, text, advice)
    return _check(calls.venue, "clock", Finding.FINE, text)


def _instruments(calls: ThreadedCalls) -> Check:
    answer = _ask(calls, FetchInstruments())
    if not isinstance(answer, InstrumentsReport):
        return _unanswered(calls.venue, "instruments", answer)
    trading = sum(each.trading for each in answer.instruments)
    return _check(calls.venue, "instruments", Finding.FINE, f"{trading} of {len(answer.instruments)} are traded")


def _account(calls: ThreadedCalls) -> Check:
    answer = _ask(calls, FetchAccount())
    if not isinstance(answer, AccountReport):
        return _unanswered(calls.venue, "account", answer)
    return _check(
        calls.venue,
        "account",
        Finding.FINE,
        f"{answer.balance.equity} USDT, {len(answer.positions)} positions, {len(answer.orders)} orders",
    )


def _unanswered(venue: Venue, name: str, answer: VenueAnswer | None) -> Check:
    if isinstance(answer, OrderRejected) and answer.reason is RejectReason.AUTHENTICATION:
        advice = f"check {venue.upper()}_API_KEY, _API_SECRET and _API_PASSPHRASE, and the key's list of addresses"
        return _check(venue, name, Finding.WRONG, answer.text, advice)
    text = getattr(answer, "text", "no answer")
    return _check(venue, name, Finding.WRONG, text, "check the network, and whether the venue is in maintenance")


class _FirstUp:
    """Hears whether a stream came up."""

    def __init__(self) -> None:
        self.up = threading.Event()
        self.detail = ""

    def on_tick(self, tick: Tick) -> None:
        """Of no interest."""

    def on_order(self, report: OrderReport) -> None:
        """Of no interest."""

    def on_fill(self, fill: FillReport) -> None:
        """Of no interest."""

    def on_position(self, venue: Venue, symbol: Symbol, report: PositionReport | None) -> None:
        """Of no interest."""

    def on_funding(self, payment: FundingReport) -> None:
        """Of no interest."""

    def on_connection(self, *, up: bool, detail: str) -> None:
        """The one thing that is waited for."""
        self.detail = detail
        if up:
            self.up.set()


def _streams(venue: Venue, streams: TwoStreams) -> Check:
    listener = _FirstUp()
    streams.start(listener)
    try:
        if listener.up.wait(STREAM_S):
            return _check(venue, "streams", Finding.FINE, "logged in and subscribed")
        text = listener.detail or f"not up within {STREAM_S:g} s"
        return _check(venue, "streams", Finding.WRONG, text, "check the key, and that WebSocket connections get out")
    finally:
        streams.stop()


def _check(venue: Venue, name: str, finding: Finding, text: str, what_to_do: str = "") -> Check:
    return Check(subject=venue, name=name, finding=finding, text=text, what_to_do=what_to_do)
