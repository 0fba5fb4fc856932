"""Who may talk to the process, and what rude clients can do: nothing."""

import pickle
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.shell.client import NobodyThereError, RefusedError, ShellClient
from adapters.shell.keys import KEYS_FILE, ShellKeysError, make_keys
from adapters.shell.server import MAX_CLIENTS, Patience, Session, ShellServer
from adapters.shell.wire import MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, NotAllowedError, WireError, introduce
from messages.shell import CommandRefusedError, Role

PATIENCE_S = 10.0
SHORT = Patience(handshake_s=1.0, send_s=1.0)


class Commands:
    """What the tests can ask for."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.over = threading.Event()

    def __call__(self, session: Session, command: str, arguments: Mapping[str, Any]) -> object:
        match command:
            case "echo":
                return {"role": session.role, **arguments}
            case "count":
                for number in range(3):
                    session.send(number)
                return "counted"
            case "trace":
                self.running.set()
                try:
                    while session.waited(0.0001):
                        session.send("still here")
                finally:
                    self.over.set()
                return "over"
            case "fail":
                raise ZeroDivisionError("a mistake of ours")
            case "big":
                return "x" * (MAX_ANSWER_BYTES + 1)
        raise CommandRefusedError("unknown_command", f"no command {command}")


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def server(tmp_path: Path, commands: Commands) -> Iterator[ShellServer]:
    server = ShellServer(data_dir=tmp_path, keys=make_keys(tmp_path), handler=commands, patience=SHORT)
    server.start()
    yield server
    server.stop()


def is_well(tmp_path: Path) -> bool:
    with ShellClient(tmp_path, Role.VIEWER) as client:
        return bool(client.ask("echo", {"n": 1}) == {"role": "viewer", "n": 1})


def becomes(condition: Callable[[], bool]) -> bool:
    """Whether it comes true in time, looked at between waits on an event that never comes."""
    never = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if condition():
            return True
        never.wait(0.01)
    return False


def test_a_client_with_the_key_is_answered_in_its_role(server: ShellServer, tmp_path: Path) -> None:
    for role in Role:
        with ShellClient(tmp_path, role) as client:
            assert client.ask("echo", {"a": [1, "two"]}) == {"role": role, "a": [1, "two"]}
    assert server.address


@pytest.mark.usefixtures("server")
def test_events_come_before_the_answer(tmp_path: Path) -> None:
    events: list[object] = []
    with ShellClient(tmp_path, Role.VIEWER) as client:
        assert client.ask("count", on_event=events.append) == "counted"
    assert events == [0, 1, 2]


@pytest.mark.usefixtures("server")
def test_a_refused_or_failing_command_ends_neither_the_session_nor_the_server(tmp_path: Path) -> None:
    with ShellClient(tmp_path, Role.VIEWER) as client:
        with pytest.raises(RefusedError, match="no command dance"):
            client.ask("dance")
        with pytest.raises(RefusedError, match="a mistake of ours"):
            client.ask("fail")
        with pytest.raises(RefusedError, match="ask for less"):
            client.ask("big")
        assert client.ask("echo") == {"role": "viewer"}


def test_keys_are_for_their_owner_only_and_stay_the_same(tmp_path: Path) -> None:
    first = make_keys(tmp_path)
    assert make_keys(tmp_path) == first
    assert len(set(first.values())) == len(Role)
    assert (tmp_path / KEYS_FILE).stat().st_mode & 0o077 == 0


def test_damaged_keys_are_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / KEYS_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ShellKeysError, match="delete the file"):
        make_keys(tmp_path)


def test_without_a_process_the_client_says_what_to_start(tmp_path: Path) -> None:
    make_keys(tmp_path)
    with pytest.raises(NobodyThereError, match="start holdfast run"):
        ShellClient(tmp_path, Role.VIEWER)


def test_the_socket_is_for_its_owner_only(server: ShellServer) -> None:
    assert Path(server.address).stat().st_mode & 0o077 == 0


def test_a_data_directory_with_a_long_name_has_a_shell_too(tmp_path: Path, commands: Commands) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    server = ShellServer(data_dir=long, keys=make_keys(long), handler=commands)
    server.start()
    try:
        assert is_well(long)
    finally:
        server.stop()


def test_what_a_killed_process_left_does_not_keep_the_next_one_out(tmp_path: Path, commands: Commands) -> None:
    keys = make_keys(tmp_path)
    Path(ShellServer(data_dir=tmp_path, keys=keys, handler=commands).address).touch()
    server = ShellServer(data_dir=tmp_path, keys=keys, handler=commands)
    server.start()
    try:
        assert is_well(tmp_path)
    finally:
        server.stop()


# --- hostile clients --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("server")
def test_a_client_with_another_key_is_refused(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    make_keys(other)
    ours = (tmp_path / KEYS_FILE).read_text(encoding="utf-8")
    (tmp_path / KEYS_FILE).write_text((other / KEYS_FILE).read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(NotAllowedError, match="key was not accepted"):
        ShellClient(tmp_path, Role.ADMIN)
    (tmp_path / KEYS_FILE).write_text(ours, encoding="utf-8")
    assert is_well(tmp_path)


@pytest.mark.usefixtures("server")
def test_the_key_of_a_role_is_no_key_for_a_higher_one(tmp_path: Path) -> None:
    held = msgspec.json.decode((tmp_path / KEYS_FILE).read_bytes())
    (tmp_path / KEYS_FILE).write_bytes(msgspec.json.encode({**held, "admin": held["viewer"]}))
    with pytest.raises(NotAllowedError, match="key was not accepted"):
        ShellClient(tmp_path, Role.ADMIN)


def handshake_of(address: str, say: bytes) -> dict[str, Any]:
    """The server's answer to ``say``, after its greeting."""
    with Client(address) as connection:
        connection.recv_bytes()
        connection.send_bytes(say)
        if not connection.poll(PATIENCE_S):
            return {}
        try:
            answer: dict[str, Any] = msgspec.json.decode(connection.recv_bytes())
        except (EOFError, OSError):
            return {}
        return answer


def test_a_handshake_that_was_overheard_cannot_be_replayed(server: ShellServer, tmp_path: Path) -> None:
    overheard: list[bytes] = []

    class Spy:
        def __init__(self, connection: Connection) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

        def send_bytes(self, frame: bytes) -> None:
            overheard.append(frame)
            self._connection.send_bytes(frame)

    with Client(server.address) as connection:
        introduce(Spy(connection), make_keys(tmp_path), Role.ADMIN, until_s=float("inf"))  # type: ignore[arg-type]
    assert handshake_of(server.address, overheard[0]) == {"refused": "the key was not accepted"}
    assert is_well(tmp_path)


@pytest.mark.parametrize(
    "rubbish",
    [
        pickle.dumps({"role": "admin"}),
        b"",
        b"[]",
        b"[" * 60_000,
        b'{"role": 1, "nonce": null, "proof": {}}',
        b'{"role": "admin", "nonce": "", "proof": "\xc3\xa9"}',
        b"\x00" * 1_000,
    ],
    ids=["pickle", "nothing", "a list", "deep", "wrong types", "not ascii", "zeroes"],
)
def test_rubbish_in_place_of_a_handshake_ends_its_connection_only(
    server: ShellServer, tmp_path: Path, rubbish: bytes
) -> None:
    answer = handshake_of(server.address, rubbish)
    assert answer in ({}, {"refused": "the key was not accepted"})
    assert becomes(lambda: server.clients == 0)
    assert is_well(tmp_path)


def test_a_pickle_that_would_run_code_does_not(server: ShellServer, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return (_plant, (str(tmp_path / "planted"),))

    handshake_of(server.address, pickle.dumps(Payload()))
    assert becomes(lambda: server.clients == 0)
    assert not (tmp_path / "planted").exists()


def _plant(path: str) -> None:
    Path(path).touch()


@pytest.mark.usefixtures("server")
def test_a_message_over_the_cap_ends_its_connection_only(tmp_path: Path) -> None:
    with ShellClient(tmp_path, Role.VIEWER) as client, pytest.raises(WireError, match="ended"):
        client.ask("echo", {"text": "x" * (MAX_REQUEST_BYTES + 1)})
    assert is_well(tmp_path)


def test_a_silent_client_is_cut_off_in_time(server: ShellServer, tmp_path: Path) -> None:
    with Client(server.address) as silent:
        silent.recv_bytes()
        assert silent.poll(PATIENCE_S)
        with pytest.raises((EOFError, OSError)):
            silent.recv_bytes()
    assert becomes(lambda: server.clients == 0)
    assert is_well(tmp_path)


def test_half_a_frame_holds_nobody_up(server: ShellServer, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as half:
        half.settimeout(PATIENCE_S)
        half.connect(server.address)
        half.sendall(b"\x00\x00")
        assert is_well(tmp_path)
        assert becomes(lambda: server.clients == 0)


def test_fifty_connections_at_once_leave_room_again_when_they_go(server: ShellServer, tmp_path: Path) -> None:
    with ExitStack() as crowd:
        for _ in range(50):
            with suppress(OSError):
                crowd.enter_context(Client(server.address))
        assert becomes(lambda: server.clients <= MAX_CLIENTS)
    assert becomes(lambda: server.clients == 0)
    assert is_well(tmp_path)


@pytest.mark.usefixtures("server")
def test_a_client_that_leaves_in_mid_trace_ends_the_trace(tmp_path: Path, commands: Commands) -> None:
    client = ShellClient(tmp_path, Role.VIEWER)
    asking = threading.Thread(target=_ask_and_ignore, args=(client,), daemon=True)
    asking.start()
    assert commands.running.wait(PATIENCE_S)
    client.close()
    assert commands.over.wait(PATIENCE_S)
    asking.join(PATIENCE_S)
    assert is_well(tmp_path)


def _ask_and_ignore(client: ShellClient) -> None:
    with suppress(WireError):
        client.ask("trace", timeout_s=PATIENCE_S)


def test_a_client_that_takes_no_answer_is_cut_off(server: ShellServer, tmp_path: Path, commands: Commands) -> None:
    client = ShellClient(tmp_path, Role.VIEWER)
    client._connection.send_bytes(msgspec.json.encode({"id": 1, "command": "trace"}))
    assert commands.running.wait(PATIENCE_S)
    assert is_well(tmp_path)
    assert becomes(lambda: server.clients == 0)
    client.close()


def test_who_asks_for_the_stop_is_answered_before_it(tmp_path: Path) -> None:
    stopped = threading.Event()
    server: ShellServer

    def stop_server() -> None:
        server.stop()
        stopped.set()

    def stop(_session: Session, _command: str, _arguments: Mapping[str, Any]) -> object:
        threading.Thread(target=stop_server, daemon=True).start()
        # The stop is under way before the answer is.
        assert becomes(server.is_stopping)
        return "stopping"

    server = ShellServer(data_dir=tmp_path, keys=make_keys(tmp_path), handler=stop)
    server.start()
    with ShellClient(tmp_path, Role.ADMIN) as client:
        assert client.ask("shutdown") == "stopping"
    assert stopped.wait(PATIENCE_S)
