"""What can be checked of a venue before anything is at stake: keys, clock, instruments, account, streams.

``holdfast doctor`` looks at everything; ``holdfast run`` at the account, and does not run on one that it cannot trade
with. A venue that does not answer is no reason to leave it out: what it holds may need protection once it is back. It
is looked at again until it has answered, and until then nothing is opened there.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

from loguru import logger

from adapters.streams.venue_streams import TwoStreams
from adapters.venues.account_checks import ACCOUNT_TYPE, KEY, POSITION_MODE, WITHDRAWAL, refused_key, unknown
from adapters.venues.threaded_calls import ThreadedCalls
from messages.checks import AccountVerdict, Check, Finding
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
START_S: Final = 5.0
"""How long a start waits for all venues together; one that is silent must not keep the others without protection."""
_STOPPING: Final = frozenset({POSITION_MODE, ACCOUNT_TYPE, WITHDRAWAL})
_LEVELS: Final = {
    Finding.FINE: "INFO",
    Finding.WARNING: "WARNING",
    Finding.UNKNOWN: "WARNING",
    Finding.WRONG: "ERROR",
}


@runtime_checkable
class Preflight(Protocol):
    """A venue's own checks: what the key may do, and in which modes the account is."""

    def preflight(self) -> Sequence[Check]:
        """Look; blocks. A check that cannot be made is reported as unknown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why a run must not use a venue, and what to do; ``key_refused`` when that is all that is known."""

    venue: Venue
    text: str
    key_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCheck:
    """What a start found out about its venues.

    Attributes:
        unfit: Those that it must not use: a person has to mend something.
        unreached: Those of which nothing is known yet, and why: out of reach, in maintenance, rate limited.
    """

    unfit: list[Unfit]
    unreached: dict[Venue, str]


def check_venue(calls: ThreadedCalls, streams: TwoStreams, *, allow_withdrawal: bool) -> list[Check]:
    """Everything about one venue, in the order in which it matters."""
    return [
        _clock(calls),
        _instruments(calls),
        _account(calls),
        *check_account(calls, allow_withdrawal=allow_withdrawal),
        _streams(calls.venue, streams),
    ]


def check_account(calls: ThreadedCalls, *, allow_withdrawal: bool) -> list[Check]:
    """What the key may do and in which modes the account is; blocks.

    ``allow_withdrawal`` makes a warning of a key that may withdraw.
    """
    if not isinstance(calls.rest, Preflight):
        return [unknown(calls.venue, KEY, "this venue cannot be asked")]
    checks = list(calls.rest.preflight())
    return [_allowed(check) for check in checks] if allow_withdrawal else checks


def _allowed(check: Check) -> Check:
    if check.name == WITHDRAWAL and check.finding is Finding.WRONG:
        return replace(check, finding=Finding.WARNING)
    return check


def check_start(
    venues: Sequence[ThreadedCalls], *, acts: bool, allow_withdrawal: bool, wait_s: float = START_S
) -> StartCheck:
    """Look at all accounts at once, log what was found, and say which of them a run must not use, or not yet.

    Args:
        venues: Those that are not simulated in this process.
        acts: Whether orders will be sent: only then does a key that may withdraw matter.
        allow_withdrawal: Whether such a key was allowed by the settings.
        wait_s: The longest that all of it may take; what is not known by then is logged as unknown.
    """
    answers: queue.SimpleQueue[tuple[Venue, list[Check]]] = queue.SimpleQueue()
    for calls in venues:
        threading.Thread(
            target=_check_into,
            args=(answers, calls),
            kwargs={"allow_withdrawal": allow_withdrawal or not acts},
            name=f"{calls.venue}-preflight",
            daemon=True,
        ).start()
    found = _gathered(answers, [calls.venue for calls in venues], wait_s)
    _log(found)
    return StartCheck(
        unfit=[unfit for calls in venues if (unfit := _unfit(calls.venue, found)) is not None],
        unreached={Venue(key.subject): key.text for key in found if key.name == KEY and key.finding is Finding.UNKNOWN},
    )


def look_again(
    calls: ThreadedCalls, done: Callable[[AccountVerdict], None], *, acts: bool, allow_withdrawal: bool
) -> None:
    """Find out on a thread of its own what a start could not about one account; logged once it has answered."""

    def look() -> None:
        done(_verdict(calls.venue, _looked(calls, allow_withdrawal=allow_withdrawal or not acts)))

    threading.Thread(target=look, name=f"{calls.venue}-preflight", daemon=True).start()


def _verdict(venue: Venue, checks: Sequence[Check]) -> AccountVerdict:
    silent = next((check for check in checks if check.name == KEY and check.finding is Finding.UNKNOWN), None)
    if silent is not None:
        return AccountVerdict(reached=False, why=silent.text)
    _log(checks)
    unfit = _unfit(venue, checks)
    return AccountVerdict(reached=True, why="" if unfit is None else unfit.text)


def _log(found: Sequence[Check]) -> None:
    for check in found:
        advice = f"; {check.what_to_do}" if check.what_to_do else ""
        logger.log(_LEVELS[check.finding], "{}: {}: {}{}", check.subject, check.name, check.text, advice)


def _unfit(venue: Venue, found: Sequence[Check]) -> Unfit | None:
    wrong = [check for check in found if check.subject == venue and check.finding is Finding.WRONG]
    refused = [check for check in wrong if check.name == KEY]
    stopping = [check for check in wrong if check.name in _STOPPING]
    if not stopping and not refused:
        return None
    lines = (f"{venue}: {check.name}: {check.text}\n  {check.what_to_do}" for check in (*refused, *stopping))
    return Unfit(venue=venue, text="\n".join(lines), key_refused=not stopping)


def _check_into(
    answers: queue.SimpleQueue[tuple[Venue, list[Check]]], calls: ThreadedCalls, *, allow_withdrawal: bool
) -> None:
    answers.put((calls.venue, _looked(calls, allow_withdrawal=allow_withdrawal)))


def _looked(calls: ThreadedCalls, *, allow_withdrawal: bool) -> list[Check]:
    try:
        return check_account(calls, allow_withdrawal=allow_withdrawal)
    except Exception as error:  # noqa: BLE001 - the thread's one net: a check that fails is an unknown one
        return [unknown(calls.venue, KEY, f"{type(error).__name__}: {error}")]


def _gathered(
    answers: queue.SimpleQueue[tuple[Venue, list[Check]]], venues: Sequence[Venue], wait_s: float
) -> list[Check]:
    """The findings in the order of the venues, those that came in time."""
    until_s = time.monotonic() + wait_s
    found: dict[Venue, list[Check]] = {}
    while len(found) < len(venues):
        try:
            venue, checks = answers.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            break
        found[venue] = checks
    silent = f"no answer within {wait_s:g} s"
    return [check for venue in venues for check in found.get(venue, [unknown(venue, KEY, silent)])]


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
        return replace(refused_key(venue, answer.text), name=name)
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
