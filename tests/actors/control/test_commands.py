"""The shell's commands over the real actors in virtual time: what they show is so, and what they do happens."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import select

from actors.control.all_commands import all_commands
from actors.control.cockpit import Cockpit
from actors.control.registry import Registry
from actors.status import StatusReader, VenueBook
from adapters.simulator.profiles import PAPER
from messages.settings import Mode
from messages.shell import ArgumentKind, CommandRefusedError, Confirmation, Role
from messages.values import Side
from persistence import tables
from tests.scenarios.stage import a_world, open_a, open_quantity, stops_of
from tests.scenarios.world import World

POSITION = "position/paper/BTCUSDT"


class Someone:
    """A client of the shell, in a role."""

    def __init__(self, role: Role = Role.ADMIN) -> None:
        self.role = role
        self.sent: list[Any] = []
        self.has_left = False
        self.waited_s = 0.0
        self.meanwhile: Callable[[], None] = lambda: None

    def send(self, event: object) -> None:
        self.sent.append(event)

    def waited(self, seconds: float) -> bool:
        self.waited_s += seconds
        self.meanwhile()
        return not self.has_left


class Seat:
    """The cockpit of a world's living process."""

    def __init__(self, world: World, *, mode: Mode = Mode.PAPER) -> None:
        self.world = world
        assert world.process is not None
        process = world.process
        self.stopped = False
        status = StatusReader(
            system=process.system, journal=process.journal, mode=mode, account="main", started_ms=world.time.now_ms()
        )
        self.cockpit = Cockpit(
            system=process.system,
            status=lambda: status.read(now_ms=world.time.now_ms(), book=VenueBook()),
            mode=mode,
            account="main",
            owner_epoch=1,
            now_ms=world.time.now_ms,
            stop=self._stop,
        )
        process.system.subscribe(self.cockpit.notices)
        self.registry: Registry = all_commands()

    def _stop(self) -> None:
        self.stopped = True

    def ask(self, command: str, arguments: Mapping[str, Any] | None = None, role: Role = Role.ADMIN) -> Any:
        return self.registry.run(self.cockpit, Someone(role), command, arguments or {})


@pytest.fixture
def seat() -> Seat:
    world = a_world(PAPER)
    open_a(Side.LONG, world)
    return Seat(world)


def refused(seat: Seat, command: str, arguments: Mapping[str, Any], role: Role = Role.ADMIN) -> CommandRefusedError:
    with pytest.raises(CommandRefusedError) as caught:
        seat.ask(command, arguments, role)
    return caught.value


# --- looking ----------------------------------------------------------------------------------------------------------


def test_the_tree_has_every_actor_and_a_part_of_it_can_be_asked_for(seat: Seat) -> None:
    whole = seat.ask("tree")
    assert whole["path"] == "/"
    assert [child["path"] for child in seat.ask("tree", {"path": "position/paper"})["children"]] == [POSITION]
    assert refused(seat, "tree", {"path": "nowhere"}).code == "no_such_actor"


def test_every_address_is_listed_with_its_state(seat: Seat) -> None:
    assert {"path": POSITION, "state": "running"} in seat.ask("ps")
    assert [row["path"] for row in seat.ask("ps", {"filter": "BTC"})] == [POSITION]


def test_top_sorts_by_what_is_asked_and_counts_what_the_system_counts(seat: Seat) -> None:
    top = seat.ask("top", {"by": "handled", "limit": 3})
    counts = [row["handled"] for row in top["rows"]]
    assert len(counts) == 3
    assert counts == sorted(counts, reverse=True)
    assert top["told"] == top["handled"] + top["dead_lettered"] + top["queued"] == seat.world.conservation().told


def test_the_rate_is_what_was_handled_since_the_same_client_looked_last(seat: Seat) -> None:
    someone = Someone()
    first: Any = seat.registry.run(seat.cockpit, someone, "top", {"filter": "market"})
    assert first["rows"][0]["rate"] == 0
    seat.world.run_for(30)
    second: Any = seat.registry.run(seat.cockpit, someone, "top", {"filter": "market"})
    handled = second["rows"][0]["handled"] - first["rows"][0]["handled"]
    assert second["rows"][0]["rate"] == pytest.approx(handled / 30, abs=0.1)


def test_an_actor_is_known_by_its_counters_and_its_timers(seat: Seat) -> None:
    info = seat.ask("info", {"path": POSITION})
    assert (info["state"], info["epoch"], info["conserved"]) == ("running", 1, True)
    assert [timer["key"] for timer in seat.ask("timers", {"path": POSITION})]
    error = refused(seat, "info", {"path": "position/paper/BTCUSD"})
    assert POSITION in str(error)


def test_a_stream_shows_its_state_and_what_it_watches(seat: Seat) -> None:
    shown = seat.ask("state", {"path": "exchange/paper/stream"})
    assert shown["consistent"] is True
    assert shown["state"]["symbols"] == ["BTCUSDT"]


def test_every_actor_shows_something_of_itself(seat: Seat) -> None:
    silent = {"alert", "signal/source", "monitor/check/paper", "monitor/zombie/paper", "monitor/regime/paper"}
    for row in seat.ask("ps"):
        shown = seat.ask("state", {"path": row["path"]})
        assert bool(shown["state"]) or row["path"] in silent | {"monitor/protection/paper"}, row["path"]
    position = seat.ask("state", {"path": POSITION})["state"]
    assert position["position"]["side"] == "long"
    assert position["trailing"]["phase"]
    assert seat.ask("state", {"path": "risk"})["state"]["open"]


def test_what_waits_can_be_looked_into(seat: Seat) -> None:
    seat.ask("suspend", {"path": "risk", "yes": True})
    seat.world.run_for(1)
    seat.ask("pause-opening", {"why": "a look", "yes": True})
    (waiting,) = seat.ask("peek", {"path": "risk"})["messages"]
    assert waiting == "PauseOpening(why=a look)"
    assert seat.ask("info", {"path": "risk"})["state"] == "suspended"


def test_crashes_and_history_tell_what_happened(seat: Seat) -> None:
    seat.ask("crash", {"path": "risk", "yes": True})
    seat.world.run_for(5)
    (crash,) = seat.ask("crashes", {"path": "risk"})
    assert "asked for it" in crash["error"]
    assert "Traceback" in crash["traceback"]
    noticed = [row["what"] for row in seat.ask("history", {"path": "risk"})]
    assert noticed == ["IncidentOpened", "ActorCrashed", "ActorRestarted"]
    (incident,) = seat.ask("crashes")
    assert incident["paths"] == ["risk"]
    assert seat.ask("info", {"path": "risk"})["epoch"] == 2


def test_waits_names_nobody_in_a_healthy_system(seat: Seat) -> None:
    assert seat.ask("waits") == {"asks": [], "turns": []}


# --- who may do what --------------------------------------------------------------------------------------------------


def test_a_viewer_changes_nothing(seat: Seat) -> None:
    for spec in seat.registry.specs():
        if spec.role is Role.VIEWER:
            continue
        assert refused(seat, spec.name, {}, Role.VIEWER).code == "not_allowed"


def test_what_changes_something_is_asked_for_twice(seat: Seat) -> None:
    needing = {spec.name for spec in seat.registry.specs() if spec.confirmation is not Confirmation.NONE}
    assert {"close", "flatten", "open", "crash", "shutdown", "restart"} <= needing
    assert refused(seat, "shutdown", {}).code == "not_confirmed"
    assert not seat.stopped
    seat.ask("shutdown", {"yes": True})
    assert seat.stopped


def test_with_real_money_the_account_is_typed_back() -> None:
    world = a_world(PAPER)
    open_a(Side.LONG, world)
    live = Seat(world, mode=Mode.PRODUCTION)
    assert refused(live, "close", {"symbol": "BTCUSDT", "yes": True}).code == "not_confirmed"
    assert refused(live, "close", {"symbol": "BTCUSDT", "account": "other"}).code == "not_confirmed"
    live.ask("close", {"symbol": "BTCUSDT", "account": "main"})
    world.run_for(5)
    assert not open_quantity(world)


@pytest.mark.parametrize(
    ("command", "arguments", "hint"),
    [
        ("tpo", {}, "top"),
        ("top", {"by": "weight"}, "mailbox, handled"),
        ("top", {"limit": "many"}, "a number from 0"),
        ("top", {"limit": -1}, "a number from 0"),
        ("top", {"limit": "nan"}, "a number from 0"),
        ("info", {}, "needs path"),
        ("info", {"path": 3}, "must be a text"),
        ("info", {"path": "x" * 5_000}, "must be a text"),
        ("info", {"way": "x"}, "no argument 'way'"),
        ("redeliver", {"number": 1, "force": "yes", "yes": True}, "is a flag"),
        ("redeliver", {"number": 99, "yes": True}, "dead lists"),
        ("close", {"symbol": "XRPUSDT", "yes": True}, "no open position XRPUSDT"),
        ("explain", {"position": "x"}, "holdfast explain"),
        ("reload", {"yes": True}, "restart it"),
        ("state", {"path": "journal/x"}, "journal"),
    ],
)
def test_what_is_asked_wrongly_is_refused_with_what_is_right(
    seat: Seat, command: str, arguments: Mapping[str, Any], hint: str
) -> None:
    assert hint in str(refused(seat, command, arguments))


def test_every_command_that_changes_something_is_on_record_first(seat: Seat) -> None:
    seat.ask("pause-opening", {"why": "holidays", "yes": True}, Role.OPERATOR)
    seat.world.run_for(1)
    with seat.world.store.reading() as connection:
        rows = connection.execute(select(tables.events.c.text).where(tables.events.c.kind == "operator_command"))
        assert [row.text for row in rows] == ["operator: pause-opening why=holidays"]


def test_every_command_has_an_example_that_its_arguments_allow(seat: Seat) -> None:
    for spec in seat.registry.specs():
        first, *words = spec.example.split()
        assert first == spec.name
        assert spec.summary
        options = {word.removeprefix("--") for word in words if word.startswith("--")}
        assert options <= {argument.name for argument in spec.arguments}
        for argument in spec.arguments:
            assert argument.summary
            assert bool(argument.choices) == (argument.kind is ArgumentKind.CHOICE)


# --- trading ----------------------------------------------------------------------------------------------------------


def test_positions_and_orders_are_those_of_the_venue(seat: Seat) -> None:
    (row,) = seat.ask("positions")
    assert (row["symbol"], row["side"], row["protected"]) == ("BTCUSDT", "long", True)
    stop = next(order for order in seat.ask("orders") if order["order"] == "stop")
    assert stop["trigger_price"] == str(stops_of(seat.world)[0].trigger_price)
    assert seat.ask("positions", {"symbol": "ethusdt"}) == []
    assert list(seat.ask("status")["positions"]) == seat.ask("positions")


def test_a_position_is_opened_through_every_check() -> None:
    world = a_world(PAPER)
    seat = Seat(world)
    seat.ask("open", {"symbol": "btcusdt", "side": "short", "yes": True})
    world.run_for(5)
    assert open_quantity(world)
    assert len(stops_of(world)) == 1
    assert list(world.fates().values()) == ["accepted"]
    seat.ask("pause-opening", {"yes": True})
    seat.ask("open", {"symbol": "BTCUSDT", "side": "long", "yes": True})
    world.run_for(5)
    assert sorted(world.fates().values()) == ["accepted", "rejected"]


def test_a_symbol_is_closed_and_nothing_of_it_is_left(seat: Seat) -> None:
    assert seat.ask("close", {"symbol": "BTCUSDT", "yes": True}) == {"closing": ["paper/BTCUSDT"]}
    seat.world.run_for(5)
    assert not open_quantity(seat.world)
    assert seat.world.account().orders == ()


def test_flatten_closes_everything_and_opens_nothing_more(seat: Seat) -> None:
    assert seat.ask("flatten", {"yes": True}) == {"closing": ["paper/BTCUSDT"], "opening_paused": True}
    seat.world.run_for(5)
    assert not open_quantity(seat.world)
    seat.world.signal()
    seat.world.run_for(5)
    assert not open_quantity(seat.world)
    seat.ask("resume-opening", {"yes": True})
    seat.world.signal()
    seat.world.run_for(5)
    assert open_quantity(seat.world)


def test_a_stop_taken_away_is_placed_again_when_protect_is_asked_for(seat: Seat) -> None:
    assert seat.ask("protect") == {"verifying": ["paper/BTCUSDT"]}
    assert seat.ask("reconcile") == {"reading": ["paper"]}
    seat.world.run_for(2)
    assert len(stops_of(seat.world)) == 1


def test_nothing_is_opened_on_a_locked_symbol_also_after_a_restart() -> None:
    world = a_world(PAPER)
    seat = Seat(world)
    seat.ask("lock", {"symbol": "btcusdt", "why": "delisting", "yes": True})
    open_a(Side.LONG, world)
    world.kill()
    world.start()
    world.run_for(5)
    open_a(Side.LONG, world)
    assert not open_quantity(world)
    assert set(world.fates().values()) == {"rejected"}
    Seat(world).ask("unlock", {"symbol": "BTCUSDT", "yes": True})
    open_a(Side.LONG, world)
    assert open_quantity(world)


# --- checks for scripts -----------------------------------------------------------------------------------------------


def test_checks_of_a_healthy_process_find_nothing(seat: Seat) -> None:
    checks = [spec.name for spec in seat.registry.specs() if spec.group == "check"]
    assert len(checks) == 5
    for name in checks:
        assert seat.ask(name) == {"fine": True, "findings": []}


def test_a_check_says_what_is_wrong(seat: Seat) -> None:
    seat.ask("crash", {"path": "risk", "yes": True})
    seat.world.run_for(5)
    assert seat.ask("check_restarts", {"most": 0})["findings"] == ["risk restarted 1 times"]
    seat.ask("suspend", {"path": "risk", "yes": True})
    seat.world.run_for(1)
    seat.ask("resume-opening", {"yes": True})
    assert not seat.ask("check_mailboxes", {"most": 0})["fine"]


# --- trace ------------------------------------------------------------------------------------------------------------


def test_a_trace_tells_each_message_and_ends_with_its_time(seat: Seat) -> None:
    someone = Someone()
    someone.meanwhile = lambda: seat.world.run_for(1)
    answer = seat.registry.run(seat.cockpit, someone, "trace", {"path": "exchange/paper/market", "seconds": 2})
    assert answer == {"path": "exchange/paper/market", "messages": len(someone.sent)}
    assert len(someone.sent) >= 40
    assert someone.waited_s == pytest.approx(2)
    assert someone.sent[0]["outcome"] == "handled"
    assert "BTCUSDT" in someone.sent[0]["message"]


def test_rates_over_a_window_are_measured_in_it(seat: Seat) -> None:
    someone = Someone()
    someone.meanwhile = lambda: seat.world.run_for(2)
    top: Any = seat.registry.run(seat.cockpit, someone, "top", {"filter": "market", "window": 2})
    assert (someone.waited_s, top["window_s"]) == (2, 2)
    assert top["rows"][0]["rate"] >= 1


def test_who_asks_for_rates_first_waits_a_second_for_them(seat: Seat) -> None:
    someone = Someone()
    someone.meanwhile = lambda: seat.world.run_for(1)
    top: Any = seat.registry.run(seat.cockpit, someone, "top", {"by": "rate"})
    assert (someone.waited_s, top["window_s"]) == (1, 1)
    assert top["rows"][0]["rate"] >= 1


def test_a_trace_ends_when_its_client_leaves(seat: Seat) -> None:
    someone = Someone()
    someone.has_left = True
    assert seat.registry.run(seat.cockpit, someone, "trace", {"path": "risk"}) == {"path": "risk", "messages": 0}
    assert seat.cockpit.system.kernel.registry.cells["risk"].tracer is None
