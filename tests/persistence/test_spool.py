"""The spool loses nothing it acknowledged, at whatever byte a write ends."""

import errno
import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from messages.journal import Decision
from persistence.fencing import OwnerMark
from persistence.spool import Spool, SpoolUnavailable
from tests.persistence.builders import decision, event, intent, position

ROOT = Path(__file__).resolve().parents[2]
Opened: TypeAlias = Callable[..., Spool]
MARK = OwnerMark(epoch=3, nonce="n", owner_name="test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "main.spool"


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Makes spools as each start of the process would, and closes them afterwards."""
    made: list[Spool] = []

    def make(path: Path, **arguments: Any) -> Spool:
        made.append(Spool(path, **arguments))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


def decisions_in(spool: Spool) -> list[Decision]:
    return [record for _, record in spool.records() if isinstance(record, Decision)]


def test_what_was_appended_is_read_in_order_by_the_next_process(path: Path, opened: Opened) -> None:
    written = [decision(position=position(), intents=(intent(),)), decision(events=(event(),))]
    opened(path).append([MARK, *written])

    spool = opened(path)

    assert (spool.mark, spool.decisions, decisions_in(spool)) == (MARK, 2, written)


def test_a_spool_that_was_never_written_is_empty_and_makes_no_file(path: Path, opened: Opened) -> None:
    spool = opened(path)

    assert (spool.mark, spool.decisions, decisions_in(spool)) == (None, 0, [])
    assert not path.parent.exists()


def test_cut_at_any_byte_it_keeps_every_whole_record_and_takes_more(path: Path, opened: Opened) -> None:
    whole, torn, later = decision(), decision(), decision()
    spool = opened(path)
    spool.append([MARK, whole])
    end = path.stat().st_size
    spool.append([torn])
    spool.close()
    content = path.read_bytes()

    for size in range(end, len(content)):
        path.write_bytes(content[:size])
        reopened = opened(path)
        assert decisions_in(reopened) == [whole], size
        reopened.append([later])
        reopened.close()
        assert decisions_in(opened(path)) == [whole, later], size
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_cut_at_any_byte_of_its_beginning_it_can_be_used_again(path: Path, opened: Opened) -> None:
    opened(path).append([MARK])
    content = path.read_bytes()

    for size in range(len(content)):
        path.write_bytes(content[:size])
        reopened = opened(path)
        assert decisions_in(reopened) == []
        reopened.append([decision()])
        reopened.close()
        assert opened(path).decisions == 1, size


def test_a_changed_byte_ends_what_is_read_and_keeps_the_rest_aside(path: Path, opened: Opened) -> None:
    first, damaged, last = decision(), decision(), decision()
    spool = opened(path)
    spool.append([first])
    end = path.stat().st_size
    spool.append([damaged, last])
    spool.close()
    content = bytearray(path.read_bytes())
    content[end + 20] ^= 0xFF
    path.write_bytes(content)

    reopened = opened(path)
    assert decisions_in(reopened) == [first]
    reopened.append([last])

    assert decisions_in(opened(path)) == [first, last]
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == bytes(content[end:])


def test_a_file_that_is_not_a_spool_is_left_alone(path: Path, opened: Opened) -> None:
    path.parent.mkdir()
    path.write_text("something of somebody else's", encoding="utf-8")

    with pytest.raises(SpoolUnavailable, match="not a spool"):
        opened(path).append([decision()])

    assert path.read_text(encoding="utf-8") == "something of somebody else's"


def test_clearing_forgets_the_decisions_and_keeps_the_owner(path: Path, opened: Opened) -> None:
    spool = opened(path)
    spool.append([MARK, decision(), decision()])

    spool.clear()

    assert (spool.decisions, opened(path).decisions, opened(path).mark) == (0, 0, MARK)
    later = decision()
    spool.append([later])
    assert decisions_in(opened(path)) == [later]


def test_a_deleted_spool_begins_anew(path: Path, opened: Opened) -> None:
    spool = opened(path)
    spool.append([decision()])
    spool.close()
    path.unlink()
    later = decision()

    spool.append([later])

    assert decisions_in(opened(path)) == [later]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_on_a_full_disk_nothing_is_acknowledged_and_nothing_is_lost(path: Path, opened: Opened) -> None:
    first, refused, later = decision(), decision(), decision()
    full = False

    def open_file(wanted: Path) -> io.FileIO:
        return io.FileIO("/dev/full" if full else wanted, "ab")

    spool = opened(path, open_file=open_file)
    spool.append([first])
    spool.close()
    full = True
    with pytest.raises(SpoolUnavailable, match=os.strerror(errno.ENOSPC)):
        spool.append([refused])
    full = False
    spool.append([later])

    assert decisions_in(opened(path)) == [first, later]


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files is set the Unix way")
def test_a_write_that_the_system_cuts_short_leaves_whole_records_only(path: Path, opened: Opened) -> None:
    program = """
        import resource, signal, sys
        from pathlib import Path
        from persistence.spool import Spool, SpoolUnavailable
        from tests.persistence.builders import decision, event

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        spool = Spool(Path(sys.argv[1]))
        kept = 0
        for number in range(100):
            try:
                spool.append([decision(decision_id=str(number), events=(event(text="x" * 300),))])
                kept += 1
            except SpoolUnavailable:
                pass
        print(kept)
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
        timeout=60,
    )

    kept = int(found.stdout)
    assert 0 < kept < 100
    assert [record.decision_id for record in decisions_in(opened(path))] == [str(number) for number in range(kept)]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is sent the Unix way")
def test_killed_at_any_moment_it_has_everything_it_acknowledged(path: Path, opened: Opened) -> None:
    program = """
        import sys
        from pathlib import Path
        from persistence.spool import Spool
        from tests.persistence.builders import decision

        spool = Spool(Path(sys.argv[1]))
        number = 0
        while True:
            spool.append([decision(decision_id=str(number))])
            print(number, flush=True)
            number += 1
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(50)]
        process.kill()
        acknowledged += [int(line) for line in process.stdout.read().split()]

    found = [int(record.decision_id) for record in decisions_in(opened(path))]
    assert found[: len(acknowledged)] == acknowledged
    assert found == list(range(len(found)))


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced on Windows")
def test_a_spool_that_was_replaced_under_its_name_is_not_written_into_the_void(path: Path, opened: Opened) -> None:
    spool = opened(path)
    spool.append([decision(events=(event("a"),))])
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)

    spool.append([decision(events=(event("b"),))])

    assert [found.events[0].kind for found in decisions_in(opened(path))] == ["a", "b"]
