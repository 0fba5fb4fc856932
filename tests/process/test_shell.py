"""The shell in a terminal of its own, beside the real process: keys in, screen out, and exit codes for scripts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.process.installation import Installation, Life
from tests.process.test_stopping import CALM, until_a_position

if sys.platform == "win32":
    pytest.skip("a pseudo-terminal needs another interface there", allow_module_level=True)

from tests.process.typed_terminal import DOWN, ENTER, ESCAPE, TAB, WIDTH, TypedTerminal


@contextmanager
def a_run_with_a_position(installation: Installation) -> Iterator[Life]:
    installation.environment.update(CALM)
    with installation.start() as life:
        until_a_position(life)
        yield life


def test_a_session_at_a_terminal(installation: Installation) -> None:
    with a_run_with_a_position(installation), TypedTerminal(installation, "shell") as terminal:
        terminal.ask("positions" + ENTER)
        shown = terminal.until("BTCUSDT")
        assert any("long" in line or "short" in line for line in shown)

        terminal.ask("info position/pa")
        terminal.until(lambda lines: any(line.strip() == "position/paper/BTCUSDT" for line in lines))
        terminal.press(TAB)
        terminal.until("info position/paper/BTCUSDT")
        terminal.press(ENTER)
        terminal.until("conserved")

        terminal.ask("tpo" + ENTER)
        terminal.until("do you mean top?")

        terminal.ask("close BTCUSDT" + ENTER)
        terminal.until("(yes/no)")
        terminal.press("no" + ENTER)
        terminal.until("nothing was done")

        terminal.ask("exit" + ENTER)
        assert terminal.process.wait(timeout=30) == 0
        assert max(map(len, terminal.lines())) <= WIDTH


def test_the_live_view_sorts_filters_and_looks_into_an_actor(installation: Installation) -> None:
    with a_run_with_a_position(installation), TypedTerminal(installation, "shell") as terminal:
        terminal.ask("top" + ENTER)
        terminal.until("by mailbox")
        terminal.until("position/paper/BTCUSDT")
        terminal.press("s")
        terminal.until("by rate")
        terminal.press(" ")
        terminal.until("PAUSED")
        terminal.press(" ")
        terminal.press("/position" + ENTER)
        terminal.until("/position")
        terminal.until(lambda lines: sum("running" in line for line in lines) == 1)
        terminal.press(ENTER)
        terminal.until("[info]")
        terminal.until("conserved")
        for page, sight in (
            ("[mailbox]", "lanes"),
            ("[state]", "consistent"),
            ("[stack]", "in_flight"),
            ("[crashes]", "nothing"),
            ("[timers]", "due_in_s"),
            ("[history]", "nothing"),
        ):
            terminal.press(TAB)
            terminal.until(page)
            terminal.until(sight)
        terminal.press("q")
        terminal.until("s sort")
        terminal.press(DOWN + "t")
        terminal.until("one_for_one")
        terminal.press(ESCAPE)
        terminal.until("s sort")
        terminal.press("q")
        terminal.press("q")
        terminal.ask("exit" + ENTER)
        assert terminal.process.wait(timeout=30) == 0


def test_scripts_get_json_and_exit_codes(installation: Installation) -> None:
    with a_run_with_a_position(installation):
        fine = installation.run("shell", "-c", "check_unprotected", "--json")
        assert (fine.code, fine.json()) == (0, {"fine": True, "findings": []})
        found = installation.run("shell", "-c", "check_mailboxes --most 0", "--json")
        assert found.code in {0, 1}
        wrong = installation.run("shell", "-c", "close", "--json")
        assert wrong.code == 2
        assert "needs symbol" in wrong.err
        refused = installation.run("shell", "--role", "viewer", "-c", "close BTCUSDT --yes", "--json")
        assert (refused.code, refused.json()["error"]["code"]) == (2, "not_allowed")
        listed = installation.run("shell", "-c", "commands --json")
        assert {"name", "role", "summary"} <= listed.json()[0].keys()
        standing = installation.run("shell", "-c", "status")
        assert "realised, USD" in standing.out
        assert "BTCUSDT" in standing.out
        assert "_" not in standing.out, "no name of a field is shown to people"
        told = installation.run("shell", "-c", "explain paper/BTCUSDT")
        assert told.code == 0
        assert "BTCUSDT" in told.out
        (installation.directory / ".env").write_text("POSITION_SIZE_USD=150\n", encoding="utf-8")
        reloaded = installation.run("shell", "-c", "reload --yes", "--json")
        assert reloaded.json() == {"changes": ["POSITION_SIZE_USD: 200 -> 150 (counts now)"]}
        closed = installation.run("shell", "-c", "flatten --yes", "--json")
        assert closed.json() == {"closing": ["paper/BTCUSDT"], "opening_paused": True}


def test_without_a_process_the_shell_says_what_to_start(installation: Installation) -> None:
    alone = installation.run("shell", "-c", "top")
    assert alone.code == 3
    assert "no holdfast runs" in alone.err


def test_a_process_can_be_stopped_from_the_shell(installation: Installation) -> None:
    with a_run_with_a_position(installation) as life:
        asked = installation.run("shell", "--role", "admin", "-c", "shutdown --yes")
        assert asked.code == 0
        assert life.process.wait(timeout=60) == 0
    last = installation.status()
    assert last is not None
    assert last.note == "stopped in order"
