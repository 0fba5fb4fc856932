"""``holdfast config`` and ``holdfast init`` as a person has them."""

import os
import stat
import sys

import pytest

from tests.process.installation import Installation

if sys.platform != "win32":
    from tests.process.typed_terminal import ENTER, TypedTerminal

SECRET = "hush 'hush' #1"  # noqa: S105 - made up here


def test_config_tells_each_value_with_its_source_and_never_a_secret(installation: Installation) -> None:
    (installation.directory / ".env").write_text(
        f"\nPOSITION_SIZE_USD=150\nBYBIT_API_KEY=abc\nBYBIT_API_SECRET={SECRET}\nPOSITON_MODE=x\n", encoding="utf-8"
    )
    done = installation.run("config", "--json", "--mode", "paper", LEVERAGE="5")
    assert done.code == 0, done.err
    views = {view["name"]: view for view in done.json()}
    assert views["POSITION_SIZE_USD"] | {"name": ""} == {
        "name": "", "value": "150", "default": "200", "source": ".env", "line": 2,
    }  # fmt: skip
    assert (views["LEVERAGE"]["value"], views["LEVERAGE"]["source"]) == ("5", "environment")
    assert views["HOLDFAST_MODE"]["source"] == "command line"
    assert (views["TP2_PERCENT"]["source"], views["TP2_PERCENT"]["line"]) == ("default", None)
    assert views["BYBIT_API_SECRET"]["value"] == "set"
    assert "hush" not in done.out
    assert "did you mean POSITION_MODE?" in done.err


def test_config_for_people_says_where_what_was_set_came_from(installation: Installation) -> None:
    (installation.directory / ".env").write_text("POSITION_SIZE_USD=150\n", encoding="utf-8")
    lines = {line.split()[0]: line for line in installation.run("config").out.splitlines()}
    assert lines["POSITION_SIZE_USD"].endswith(".env, line 1 (default: 200)")
    assert lines["LEVERAGE"].split() == ["LEVERAGE", "3"]


def test_config_of_wrong_settings_tells_what_is_allowed(installation: Installation) -> None:
    done = installation.run("config", LEVERAGE="0")
    assert done.code == 2
    assert "LEVERAGE is '0' (environment): allowed is" in done.err


def test_init_writes_a_file_that_a_run_starts_on_and_only_its_owner_reads(installation: Installation) -> None:
    done = installation.run(
        "init", "--mode", "shadow", "--venue", "bybit", "--size", "75", "--key", f"bybit=k3y,{SECRET}"
    )
    assert done.code == 0, done.err
    path = installation.directory / ".env"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    views = {view["name"]: view["value"] for view in installation.run("config", "--json").json()}
    assert views["HOLDFAST_MODE"] == "shadow"
    assert (views["HOLDFAST_VENUES"], views["POSITION_SIZE_USD"]) == ("bybit", "75")
    assert views["BYBIT_API_KEY"] == views["BYBIT_API_SECRET"] == "set"
    assert "hush" not in done.out + done.err


def test_init_without_a_terminal_does_not_overwrite_unless_it_is_told_to(installation: Installation) -> None:
    path = installation.directory / ".env"
    path.write_text("LEVERAGE=2\n", encoding="utf-8")
    refused = installation.run("init")
    assert (refused.code, path.read_text(encoding="utf-8")) == (2, "LEVERAGE=2\n")
    assert "--force" in refused.err
    assert installation.run("init", "--force").code == 0
    assert "HOLDFAST_MODE=paper" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--size", "0"), "POSITION_SIZE_USD is '0'"),
        (("--mode", "production", "--venue", "okx"), "OKX_API_KEY is missing"),
        (("--key", "mtgox=a,b"), "--key for mtgox: allowed is"),
        (("--key", "okx=a"), "--key for okx: allowed is"),
        (("--file", "nowhere/.env"), "cannot be written"),
    ],
)
def test_init_writes_nothing_that_a_run_would_refuse(
    installation: Installation, arguments: tuple[str, ...], told: str
) -> None:
    done = installation.run("init", *arguments)
    assert done.code == 2
    assert told in done.err
    assert [path.name for path in installation.directory.iterdir() if ".env" in path.name] == []


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_init_asks_on_a_terminal_and_does_not_show_what_is_secret(installation: Installation) -> None:
    path = installation.directory / ".env"
    path.write_text("LEVERAGE=2\n", encoding="utf-8")
    with TypedTerminal(installation, "init") as terminal:
        for asked, answer in (
            ("Overwrite it?", "y"),
            ("Mode:", "shadow"),
            ("Venues,", "okx"),
            ("POSITION_SIZE_USD)", ""),
            ("OKX_API_KEY", "k3y"),
            ("OKX_API_SECRET", "very-secret"),
            ("OKX_API_PASSPHRASE", "very-secret-too"),
        ):
            terminal.until(asked)
            terminal.press(f"{answer}{ENTER}")
        screen = "".join(terminal.until("is written"))
    assert "k3y" in screen
    assert "very-secret" not in screen
    written = path.read_text(encoding="utf-8").splitlines()
    assert {"OKX_API_PASSPHRASE=very-secret-too", "POSITION_SIZE_USD=200", "HOLDFAST_MODE=shadow"} <= set(written)
    assert "LEVERAGE=2" not in written
