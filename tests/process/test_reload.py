"""``holdfast reload``: other settings in a process that lives."""

from tests.process.installation import Installation, Life
from tests.process.signal_writer import SignalWriter

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def an_installation(installation: Installation, *lines: str) -> Installation:
    installation.environment.update(PAPER_SYMBOLS=",".join(SYMBOLS), PAPER_VOLATILITY_PERCENT="0.01")
    (installation.directory / ".env").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return installation


def open_at_least(life: Life, count: int) -> None:
    def enough() -> bool:
        view = life.installation.status()
        return view is not None and len(view.positions) >= count

    life.until(enough, f"{count} positions")


def test_limits_change_while_the_process_lives_and_what_cannot_is_said(installation: Installation) -> None:
    an_installation(installation, "MAX_POSITIONS=1")
    writer = SignalWriter(path=installation.signals, symbols=SYMBOLS)
    with installation.start() as life:
        life.until_running()
        writer.write("BTCUSDT")
        open_at_least(life, 1)
        writer.write("ETHUSDT")
        life.until(lambda: (view := installation.status()) and view.signals_rejected == 1, "a refusal")
        an_installation(installation, "MAX_POSITIONS=2", "LOG_LEVEL=ERROR", "POSITON_SIZE_USD=1")

        done = installation.run("reload", "--json")

        assert done.code == 1, done.err
        answer = done.json()
        assert answer["changes"] == [
            {"name": "MAX_POSITIONS", "before": "1", "after": "2", "live": True},
            {"name": "LOG_LEVEL", "before": "INFO", "after": "ERROR", "live": False},
        ]
        assert "did you mean POSITION_SIZE_USD?" in answer["warnings"][0]
        writer.write("SOLUSDT")
        open_at_least(life, 2)


def test_wrong_settings_change_nothing(installation: Installation) -> None:
    an_installation(installation, "LEVERAGE=2")
    with installation.start() as life:
        life.until_running()
        an_installation(installation, "LEVERAGE=0", "MAX_POSITIONS=5")
        (installation.directory / "empty.env").touch()
        refused = installation.run("reload", "--data-dir", str(installation.data_dir), "--env-file", "empty.env")
        assert refused.code == 2
        assert "LEVERAGE is '0' (.env): allowed is" in refused.err
        an_installation(installation, "LEVERAGE=2")
        done = installation.run("reload")
        assert (done.code, done.out.strip()) == (0, "no setting has changed")


def test_without_an_instance_there_is_nobody_to_ask(installation: Installation) -> None:
    done = installation.run("reload")
    assert done.code == 3
    assert "no instance answers" in done.err
