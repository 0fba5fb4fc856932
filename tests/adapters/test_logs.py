import io
import logging
import re
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from adapters.log_file import RETRY_AFTER_S, LogFile
from adapters.logs import Logs
from adapters.secrets_filter import SecretsFilter

HIDDEN = "k3y/with+odd=signs\"'"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def stderr() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logs(tmp_path: Path, stderr: io.StringIO) -> Iterator[Logs]:
    configured = Logs(directory=tmp_path / "logs", secrets=[HIDDEN], stderr=stderr)
    yield configured
    configured.close()


def written(logs: Logs) -> str:
    assert logs.file is not None
    assert logs.file.path is not None
    return logs.file.path.read_text(encoding="utf-8")


def test_a_line_has_the_form_that_the_specification_gives(logs: Logs) -> None:
    logger.warning("stop of {} moved", "BTCUSDT")
    line = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - [\w.]*test_logs - WARNING - stop of BTCUSDT moved\n"
    assert re.fullmatch(line, written(logs))


def test_lines_go_to_stderr_as_well_until_a_table_takes_the_terminal(logs: Logs, stderr: io.StringIO) -> None:
    logger.info("one")
    logs.set_console(enabled=False)
    logger.info("two")
    logs.set_console(enabled=True)
    logger.info("three")
    assert [line[-5:].strip(" -") for line in stderr.getvalue().splitlines()] == ["one", "three"]
    assert "two" in written(logs)


def test_what_libraries_log_comes_under_their_own_name(logs: Logs) -> None:
    logging.getLogger("ccxt.base").warning("slow %s", "answer")
    logging.getLogger("ccxt.base").info("chatter")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
    text = written(logs)
    assert " - ccxt.base - WARNING - slow answer\n" in text
    assert " - py.warnings - WARNING - " in text
    assert "chatter" not in text


def test_a_secret_is_not_in_a_message_nor_in_the_traceback_below_it(logs: Logs, stderr: io.StringIO) -> None:
    try:
        raise ValueError(f"refused: {HIDDEN}")
    except ValueError:
        logger.exception("with {}", HIDDEN)
        logging.getLogger("lib").exception("with %s", HIDDEN)
    for text in (written(logs), stderr.getvalue()):
        assert HIDDEN not in text
        assert text.count("ValueError: refused: ***") == 2
        assert text.count("with ***") == 2


def test_a_message_of_several_lines_cannot_pass_for_several_messages(logs: Logs) -> None:
    logger.error("answer: {}", "x\n2026-01-01 12:00:00 - a - INFO - all stops placed")
    assert written(logs).splitlines()[1].startswith("    2026-01-01")


def test_braces_and_tags_in_a_message_are_only_text(logs: Logs) -> None:
    logger.info('{"code": {0}} <red>')
    logging.getLogger("lib").error('{"code": {0}} <red> %s', "{x}")
    assert '{"code": {0}} <red>\n' in written(logs)
    assert '{"code": {0}} <red> {x}\n' in written(logs)


def test_closing_puts_the_standard_librarys_logging_back(tmp_path: Path, stderr: io.StringIO) -> None:
    before = logging.root.handlers[:]
    Logs(directory=tmp_path, stderr=stderr).close()
    assert logging.root.handlers == before


def test_many_threads_write_whole_lines(logs: Logs) -> None:
    def work(name: int) -> None:
        for number in range(50):
            logger.info("{} {}", name, number)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    tails = {line.rsplit(" - ", maxsplit=1)[-1] for line in written(logs).splitlines()}
    assert tails == {f"{name} {number}" for name in range(8) for number in range(50)}


def test_a_full_file_is_followed_by_another_and_only_ten_are_kept(tmp_path: Path) -> None:
    file = LogFile(tmp_path, max_bytes=100)
    for number in range(30):
        file.write(f"{number:03d}" + "x" * 90 + "\n")
    file.close()
    kept = sorted(tmp_path.iterdir())
    assert [path.read_text(encoding="utf-8")[:3] for path in kept] == [f"{number:03d}" for number in range(20, 30)]


def test_a_disk_that_fails_is_told_once_and_the_lines_go_to_stderr(tmp_path: Path) -> None:
    in_the_way = tmp_path / "logs"
    in_the_way.write_text("a file where the directory should be", encoding="utf-8")
    clock, stderr = Clock(), io.StringIO()
    file = LogFile(in_the_way, monotonic_s=clock, fallback=stderr)
    for line in ("one\n", "two\n", "three\n"):
        file.write(line)
        clock.now_s += RETRY_AFTER_S * 0.6
    assert stderr.getvalue().count("cannot write its log") == 1
    assert stderr.getvalue().endswith("one\ntwo\nthree\n")

    in_the_way.unlink()
    clock.now_s += RETRY_AFTER_S
    file.write("four\n")
    assert file.path is not None
    assert file.path.read_text(encoding="utf-8") == "four\n"
    file.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_does_not_reach_who_logs(tmp_path: Path) -> None:
    stderr = io.StringIO()

    class OnFullDevice(LogFile):
        def _begin(self) -> None:
            self._file = Path("/dev/full").open("a", encoding="utf-8")  # noqa: SIM115 - closed by the class under test

    OnFullDevice(tmp_path, fallback=stderr).write("line\n")
    assert "No space left" in stderr.getvalue()
    assert stderr.getvalue().endswith("line\n")


def test_a_stderr_that_is_closed_or_absent_does_not_matter(tmp_path: Path) -> None:
    stderr = io.StringIO()
    stderr.close()
    configured = Logs(directory=tmp_path, stderr=stderr)
    logger.info("still here")
    assert "still here" in written(configured)
    configured.close()


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("GET /fapi/v1/order?symbol=BTCUSDT&signature=abc123&timestamp=1", "abc123"),
        ("{'ACCESS-KEY': 'bg_abc123', 'locale': 'en'}", "bg_abc123"),
        ('{"X-BAPI-SIGN": "abc123", "X-BAPI-TIMESTAMP": "1"}', "abc123"),
        ('{"OK-ACCESS-PASSPHRASE":"abc123"}', "abc123"),
        ("X-MBX-APIKEY: abc123def", "abc123def"),
        ("BYBIT_API_SECRET=abc123", "abc123"),
        ("password = 'abc123'", "abc123"),
        ("Authorization: Bearer abc.123-def", "abc.123-def"),
        ("postgresql://holdfast:abc123@db:5432/x", "abc123"),
        ('{"type":"auth","token":"abc123"}', "abc123"),
        ("https://api.telegram.org/bot123456789:AAabcdefghijklmnopqrstuvwxyz0123456/send", "AAabcdefghijklmn"),
        ("tgram://123456789:AAxyz/42", "AAxyz"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_although_nobody_named_it(text: str, hidden: str) -> None:
    assert hidden not in SecretsFilter()(text)


@pytest.mark.parametrize(
    "text",
    [
        "stop of BTCUSDT moved from 42100.5 to 42417 (id HFabcdefghij0123SL1)",
        '{"clientOid":"HFabcdefghij0123SL1","symbol":"BTCUSDT","size":"0.01"}',
        "fingerprint e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "position/bybit/BTCUSDT restarted after 3 crashes: KeyError: 'price'",
        "2026-01-01 12:00:00",
    ],
)
def test_what_people_need_to_read_stays(text: str) -> None:
    assert SecretsFilter(["abc12", "x"])(text) == text


def test_a_secret_is_hidden_however_it_is_spelt() -> None:
    hide = SecretsFilter(["a b/c+d=e", "a b/c+d=e-and-longer"])
    assert hide("a%20b%2Fc%2Bd%3De a+b%2Fc%2Bd%3De [a b/c+d=e-and-longer]") == "*** *** [***]"


@pytest.mark.parametrize(
    "part", ["a", "key-", "x_secret", "token:", "http://", "http://a", "bearer ", '{"a":"b",', "1"]
)
def test_no_text_takes_long_to_clean(part: str) -> None:
    hide = SecretsFilter(["abcdefgh"])
    short, long = (_seconds(hide, part * times) for times in (2_000, 20_000))
    # Ten times the text may take ten times as long, and thirty on a busy machine; quadratic would be a hundred.
    assert long < max(30 * short, 0.5)


def _seconds(hide: SecretsFilter, text: str) -> float:
    begun = time.perf_counter()
    hide(text)
    return time.perf_counter() - begun
