"""10,000 wrong settings: each refused with its name, and with what is allowed."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from adapters.settings_source import KNOWN_NAMES, SettingsError, load_settings

FREE = frozenset({"DATABASE_URL", "DB_HOST", "DB_NAME", "DB_PASSWORD", "DB_USER", "HOLDFAST_HOME", "SIGNAL_WS_TOKEN"})
"""Names whose every value may be right, as far as can be told here."""

A_NUMBER = ("MIN_SCORE_WEEK", "MIN_SCORE_MONTH")
PERCENTS = (
    "AGED_LOSS_STEP_PERCENT", "AGED_MAX_LOSS_PERCENT", "BREAKEVEN_AT_PERCENT", "COMMISSION_PERCENT",
    "MAX_SPREAD_PERCENT", "PAPER_VOLATILITY_PERCENT", "STOP_LOSS_PERCENT", "TP1_PERCENT", "TP2_PERCENT",
    "TRAILING_ACTIVATION_PERCENT", "TRAILING_CALLBACK_PERCENT", "TRAILING_EMERGENCY_OVERRIDE_PERCENT",
    "TRAILING_MIN_IMPROVEMENT_PERCENT", "TRAILING_MOMENTUM_PERCENT", "TRAILING_TP1_PROGRESS_PERCENT",
)  # fmt: skip
MONEY = (
    "MAX_EXPOSURE_USD", "MAX_POSITION_SIZE_USD", "MIN_PARTIAL_CLOSE_VALUE_USD", "MIN_POSITION_SIZE_USD",
    "PAPER_WALLET_USD", "POSITION_SIZE_USD", "MAX_POSITION_AGE_HOURS",
)  # fmt: skip
COUNTS = (
    "AGED_CHECK_INTERVAL_MINUTES", "DB_POOL_SIZE", "ENTRY_LIMIT_TIMEOUT_SECONDS", "LEVERAGE", "MAX_POSITIONS",
    "MAX_TRADES_PER_15MIN", "METRICS_PORT", "DB_PORT", "PAUSE_AFTER_CONSECUTIVE_LOSSES", "SIGNAL_BUFFER_SIZE",
    "SIGNAL_WS_RECONNECT_INTERVAL", "SYNC_INTERVAL_SECONDS", "WAVE_CHECK_DURATION_SECONDS", "ZOMBIE_THRESHOLD",
)  # fmt: skip
SWITCHES = ("DEBUG", "SIGNAL_WS_AUTO_RECONNECT", "SCALING_ENABLED", "BYBIT_TESTNET", "HOLDFAST_ALLOW_WITHDRAWAL_KEYS")
CHOICES = (
    "ENTRY_TYPE", "GUARD_MODE", "HOLDFAST_MODE", "LOG_LEVEL", "MARGIN_MODE", "POSITION_MODE", "UNTRACKED",
    "ZOMBIE_SCOPE", "OKX_POSITION_MODE",
)  # fmt: skip
ADDRESSES = ("SIGNAL_WS_URL", "BINANCE_REST_URL", "BINANCE_WS_URL", "BITGET_REST_URL", "OKX_WS_URL")

Wrong = Callable[[random.Random], str]


def a_word(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmopqrsuvwxz€ßé", k=chance.randint(4, 12)))


def no_number(chance: random.Random) -> str:
    return chance.choice(
        [a_word(chance), "NaN", "inf", "-Infinity", "1,5", "0x10", "--1", "1 2", "1e", "½", "5%", "$5", "ten"]
    )


def below_zero(chance: random.Random) -> str:
    return str(-chance.randint(2, 10**9) / 7)


def no_whole_number(chance: random.Random) -> str:
    return f"{chance.randint(0, 99)}.{chance.randint(1, 9)}"


def over(limit: int) -> Wrong:
    return lambda chance: str(limit + chance.randint(1, 10**6))


def shares(chance: random.Random) -> str:
    first, second = chance.randint(1, 99), chance.randint(1, 99)
    if first + second == 100:
        second += 1
    return chance.choice([f"{first},{second}", f"{first}", f"{first},{100 - first},5", "0,100", f"{a_word(chance)},50"])


def minutes(chance: random.Random) -> str:
    return chance.choice(
        [f"6,{chance.randint(60, 99)}", f"-{chance.randint(1, 59)}", a_word(chance), "6;20", ",", "6.5"]
    )


WRONG: Mapping[tuple[str, ...], tuple[Wrong, ...]] = {
    A_NUMBER: (no_number,),
    PERCENTS: (no_number, below_zero, over(100)),
    MONEY: (no_number, below_zero, lambda _: "0"),
    COUNTS: (no_number, below_zero, no_whole_number, lambda _: "0"),
    ("LEVERAGE",): (over(125),),
    ("METRICS_PORT", "DB_PORT"): (over(65_535),),
    ("WAVE_CHECK_DURATION_SECONDS",): (over(900),),
    ("PAPER_LATENCY_MS",): (no_number, below_zero, over(5_000)),
    ("AGED_ACCELERATION_FACTOR",): (no_number, below_zero, over(10), lambda _: "0.99"),
    ("AGED_GRACE_PERIOD_HOURS", "SIGNAL_BUFFER_PERCENT"): (no_number, below_zero),
    ("TRAILING_ACTIVATE_AFTER_MINUTES", "DB_MAX_OVERFLOW", "PAUSE_AFTER_LOSSES_MINUTES"): (no_number, below_zero),
    ("SIGNAL_WS_MAX_RECONNECT_ATTEMPTS",): (no_number, below_zero, no_whole_number),
    ("TRAILING_MIN_UPDATE_INTERVAL_SECONDS", "TRAILING_ALERT_IF_UNPROTECTED_WINDOW_MS"): (no_number, below_zero),
    SWITCHES: (a_word, lambda _: "2", lambda _: "maybe"),
    ("SIZE_FOLLOWS_DAY_RESULT", "DISTANCES_FOLLOW_VOLATILITY", "PARAMETERS_FOLLOW_REGIME"): (a_word,),
    CHOICES: (a_word, lambda _: "1"),
    ADDRESSES: (a_word, lambda _: "ftp://host", lambda _: "ws//host", lambda _: "//host", lambda _: "http:/host"),
    ("TP_SPLIT", "TP_SPLIT_LARGE"): (shares,),
    ("WAVE_CHECK_MINUTES",): (minutes,),
    ("SELFCHECK_AT",): (a_word, lambda _: "24:00", lambda _: "3:00", lambda _: "03:60", lambda _: "3am"),
    ("HOLDFAST_ACCOUNT", "ENVIRONMENT"): (lambda _: "no spaces", lambda _: "x" * 33, lambda _: "a/b", lambda _: "ä"),
    ("HOLDFAST_VENUES",): (a_word, lambda chance: f"paper,{a_word(chance)}"),
    ("PAPER_SYMBOLS",): (lambda _: ",", lambda _: " , "),
}

TOGETHER: tuple[tuple[str, Mapping[str, Wrong]], ...] = (
    ("POSITION_SIZE_USD", {"POSITION_SIZE_USD": over(5_000)}),
    ("POSITION_SIZE_USD", {"MIN_POSITION_SIZE_USD": lambda chance: str(chance.randint(201, 9_999))}),
    ("MAX_EXPOSURE_USD", {"MAX_EXPOSURE_USD": lambda chance: str(chance.randint(1, 199))}),
    ("TP2_PERCENT", {"TP1_PERCENT": lambda chance: str(chance.randint(3, 100))}),
    ("BREAKEVEN_AT_PERCENT", {"COMMISSION_PERCENT": lambda chance: str(chance.randint(1, 100))}),
    ("AGED_LOSS_STEP_PERCENT", {"AGED_LOSS_STEP_PERCENT": lambda chance: str(chance.randint(11, 100))}),
    (
        "TRAILING_EMERGENCY_OVERRIDE_PERCENT",
        {"TRAILING_MIN_IMPROVEMENT_PERCENT": lambda chance: str(chance.randint(2, 100))},
    ),
    ("DB_NAME", {"DB_HOST": a_word, "DB_USER": a_word}),
    ("HOLDFAST_VENUES", {"HOLDFAST_VENUES": lambda chance: chance.choice(["bybit", "okx", "bitget,okx"])}),
    ("BINANCE_API_KEY", {"HOLDFAST_MODE": lambda _: "production", "HOLDFAST_VENUES": lambda _: "binance"}),
)


@pytest.fixture
def no_env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.touch()
    return path


def problems(env_file: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    try:
        load_settings(env_file=env_file, environ=environ)
    except SettingsError as error:
        return error.problems
    return ()


def test_ten_thousand_wrong_values_are_each_refused_with_what_is_allowed(no_env_file: Path) -> None:
    chance = random.Random(7)
    kinds = [(name, wrong) for names, ways in WRONG.items() for name in names for wrong in ways]
    for number in range(9_000):
        name, wrong = kinds[number % len(kinds)]
        value = wrong(chance)
        told = problems(no_env_file, {name: value})
        assert any(line.startswith(name) and "allowed" in line for line in told), (name, value, told)


def test_a_thousand_values_that_do_not_fit_together_are_each_refused(no_env_file: Path) -> None:
    chance = random.Random(8)
    for number in range(1_000):
        name, ways = TOGETHER[number % len(TOGETHER)]
        environ = {each: wrong(chance) for each, wrong in ways.items()}
        told = problems(no_env_file, environ)
        assert any(
            line.startswith(name) and ("allowed" in line or "needs" in line or "needed" in line) for line in told
        ), (
            environ,
            told,
        )


def test_several_wrong_values_are_all_told_at_once(no_env_file: Path) -> None:
    chance = random.Random(9)
    names = sorted({name for names in WRONG for name in names} - {"HOLDFAST_VENUES", "TP_SPLIT", "TP_SPLIT_LARGE"})
    ways = {name: wrong for group, found in WRONG.items() for name in group for wrong in found[:1]}
    for _ in range(200):
        chosen = chance.sample(names, k=chance.randint(2, 6))
        told = problems(no_env_file, {name: ways[name](chance) for name in chosen})
        assert {line.split(" ")[0] for line in told} == set(chosen)


def test_every_setting_is_tried() -> None:
    tried = {name for names in WRONG for name in names} | FREE | {"STOPLIST_SYMBOLS"}
    by_venue = {name for name in KNOWN_NAMES if name.split("_")[0] in {"BINANCE", "BITGET", "BYBIT", "OKX"}}
    assert KNOWN_NAMES - by_venue == tried - by_venue
