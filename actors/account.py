"""The account on one venue, read in whole.

**Owns** the rhythm of reading a venue's account, its instruments and its clock.
**Accepts** ReadAccountNow (a stream is back, an operator asks), VenueReadDone, and its own timers.
**Sends** InstrumentsRead and AccountSeen to the desk, BalanceRead to the risk actor, VenueRead to the execution actor,
ClockMeasured to the connection monitor.
**On crash** everything is read again.
"""

from collections.abc import Mapping
from typing import Final, assert_never

from actors import addresses
from actors.kernel import Actor, Ref, Terminated
from actors.venue_clock import VenueClock
from messages.connections import ClockMeasured
from messages.positions import VenueRead, VenueReadDone
from messages.supervision import AccountSeen, BalanceRead, Due, InstrumentsRead, ReadAccountNow
from messages.values import Venue
from messages.venue import (
    AccountReport,
    FetchAccount,
    FetchInstruments,
    FetchServerTime,
    InstrumentsReport,
    ReadRequest,
    ServerTime,
)

RETRY_FIRST_S: Final = 0.25
RETRY_CAP_S: Final = 10.0
INSTRUMENTS_EVERY_S: Final = 45.0
"""A new tick, step or suspension is in use within a minute (F15, F21)."""
CLOCK_EVERY_S: Final = 600.0
CLOCK_RETRY_S: Final = 30.0
CLOCK_ROUND_TRIP_MS: Final = 1_000
"""An answer that took longer says too little: the time that it tells may be from any moment in between."""


class AccountActor(Actor):
    """Reads the instruments and the whole account, again and again."""

    def __init__(
        self,
        *,
        venue: Venue,
        execution: Ref,
        desk: Ref,
        risk: Ref,
        connections: Ref,
        clock: VenueClock,
        every_s: float,
    ) -> None:
        """``clock`` is where the measured difference of the venue's clock goes."""
        super().__init__()
        self._connections = connections
        self._clock = clock
        self._venue = venue
        self._execution = execution
        self._desk = desk
        self._risk = risk
        self._balance: BalanceRead | None = None
        self._every_s = every_s
        self._reading: set[str] = set()
        self._retry_s = RETRY_FIRST_S
        self._failed: dict[str, FetchAccount | FetchInstruments] = {}
        self._asked_meanwhile = False

    def on_start(self) -> None:
        self.context.watch(self._execution)
        self.context.watch(self._desk)
        self.context.watch(self._risk)
        self._read_all()

    def on_receive(self, message: ReadAccountNow | VenueReadDone | Due | Terminated) -> None:
        match message:
            case ReadAccountNow():
                self._read_now()
            case VenueReadDone():
                self._on_read(message)
            case Due(what="retry"):
                self._retry()
            case Due(what="instruments"):
                self._read(FetchInstruments(), urgent=False)
            case Due(what="clock"):
                self._read(FetchServerTime(), urgent=False)
            case Due():
                self._read(FetchAccount(), urgent=False)
            case Terminated(path=path) if path == self._risk.path:
                if self._balance is not None:
                    self._risk.tell(self._balance)
            case Terminated(will_restart=will_restart):
                if will_restart:
                    self._reading.clear()
                    self._read_all()
            case _:
                assert_never(message)

    def describe(self) -> Mapping[str, object]:
        """What is being read, what failed and is to be read again, and how often it is read."""
        return {
            "reading": sorted(self._reading),
            "failed": sorted(self._failed),
            "retry_s": self._retry_s,
            "every_s": self._every_s,
            "venue_clock_ahead_ms": self._clock.ahead_ms,
        }

    def _read_all(self) -> None:
        self._read(FetchServerTime(), urgent=False)
        self._read(FetchInstruments(), urgent=True)
        self._read(FetchAccount(), urgent=True)

    def _read_now(self) -> None:
        """A reading that is under way may be older than what it is asked for: another one follows it."""
        self._asked_meanwhile = FetchAccount.__name__ in self._reading
        self._read(FetchAccount(), urgent=True)

    def _read(self, request: ReadRequest, *, urgent: bool) -> None:
        what = type(request).__name__
        if what not in self._reading:
            self._reading.add(what)
            # Before the first reading nobody knows whether everything that is open has its stop.
            protects = self._balance is None
            read = VenueRead(path=self.context.path, request=request, urgent=urgent, protects=protects)
            self._execution.tell(read)

    def _on_read(self, message: VenueReadDone) -> None:
        self._reading.discard(type(message.request).__name__)
        match message.answer:
            case InstrumentsReport(instruments=instruments):
                self._answers_again()
                self._desk.tell(InstrumentsRead(venue=self._venue, instruments=instruments))
                self.context.schedule_once("instruments", INSTRUMENTS_EVERY_S, Due(what="instruments"))
            case AccountReport() as report:
                self._answers_again()
                self._desk.tell(AccountSeen(report=report, asked_ms=message.asked_ms))
                balance = report.balance
                self._balance = BalanceRead(venue=self._venue, equity=balance.equity, available=balance.available)
                self._risk.tell(self._balance)
                self.context.schedule_once("account", self._every_s, Due(what="account"))
                if self._asked_meanwhile:
                    self._read_now()
            case ServerTime(server_ms=server_ms) if self.context.now_ms() - message.asked_ms <= CLOCK_ROUND_TRIP_MS:
                self._measured(server_ms - (message.asked_ms + self.context.now_ms()) // 2)
            case _ if isinstance(message.request, FetchServerTime):
                self.context.schedule_once("clock", CLOCK_RETRY_S, Due(what="clock"))
            case _:
                again = FetchInstruments() if isinstance(message.request, FetchInstruments) else FetchAccount()
                if not self._failed:
                    self.context.schedule_once("retry", self._retry_s, Due(what="retry"))
                    self._retry_s = min(self._retry_s * 2, RETRY_CAP_S)
                self._failed[type(again).__name__] = again

    def _measured(self, ahead_ms: int) -> None:
        self._clock.ahead_ms = ahead_ms
        name = addresses.exchange(self._venue, "clock")
        self._connections.tell(ClockMeasured(name=name, ahead_ms=ahead_ms))
        self.context.schedule_once("clock", CLOCK_EVERY_S, Due(what="clock"))

    def _answers_again(self) -> None:
        """One answer tells that the venue can be read: the other question does not wait for its turn."""
        self._retry_s = RETRY_FIRST_S
        self._retry()

    def _retry(self) -> None:
        self.context.cancel("retry")
        failed, self._failed = self._failed, {}
        for request in failed.values():
            self._read(request, urgent=True)
