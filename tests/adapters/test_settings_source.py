import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from adapters.allowed_values import allowed_values
from adapters.settings_source import (
    NOT_YET_USED,
    LoadedSettings,
    SettingsError,
    Source,
    load_settings,
    secret_values,
    shown_settings,
)
from messages.settings import EntryType, Mode, Settings, VenueAccess
from messages.values import Venue

HIDDEN = "k3y-that-nobody-may-see"


def load(
    tmp_path: Path,
    *,
    env: str | bytes = "",
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> LoadedSettings:
    env_file = tmp_path / ".env"
    env_file.write_bytes(env.encode() if isinstance(env, str) else env)
    return load_settings(env_file=env_file, environ=environ or {}, overrides=overrides)


def problems(tmp_path: Path, env: str | bytes) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, env=env)
    return caught.value.problems


def test_without_any_source_the_defaults_are_those_of_the_specification(tmp_path: Path) -> None:
    settings = load(tmp_path).settings
    assert settings.mode is Mode.PAPER
    assert settings.position_size_usd == Decimal(200)
    assert settings.max_exposure_usd == Decimal(30000)
    assert settings.trailing_callback_percent == Decimal("0.5")
    assert settings.tp_split == (Decimal(50), Decimal(50))
    assert settings.wave_check_minutes == (6, 20, 35, 50)
    assert settings.db_port == 5433


def test_the_command_line_outranks_the_environment_and_that_the_env_file(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        env="LEVERAGE=1\nMAX_POSITIONS=1\nTP1_PERCENT=1",
        environ={"LEVERAGE": "2", "MAX_POSITIONS": "2"},
        overrides={"leverage": 3, "max_positions": None},
    )
    assert (loaded.settings.leverage, loaded.settings.max_positions) == (3, 2)
    assert loaded.settings.tp1_percent == Decimal(1)
    assert loaded.source_of("LEVERAGE") is Source.COMMAND_LINE
    assert loaded.source_of("MAX_POSITIONS") is Source.ENVIRONMENT
    assert loaded.source_of("TP1_PERCENT") is Source.ENV_FILE
    assert loaded.source_of("TP2_PERCENT") is Source.DEFAULT


def test_an_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    loaded = load(tmp_path, env="LEVERAGE=\nDB_HOST=", environ={"MAX_POSITIONS": ""})
    assert (loaded.settings.leverage, loaded.settings.db_host, loaded.settings.max_positions) == (3, None, 10)


def test_money_and_percents_keep_every_digit(tmp_path: Path) -> None:
    settings = load(tmp_path, env="POSITION_SIZE_USD=199.99\nCOMMISSION_PERCENT=0.055").settings
    assert (settings.position_size_usd, settings.commission_percent) == (Decimal("199.99"), Decimal("0.055"))


def test_symbols_are_understood_in_any_spelling(tmp_path: Path) -> None:
    settings = load(tmp_path, env="STOPLIST_SYMBOLS=BTC/USDT:USDT, eth-usdt ,SOLUSDT").settings
    assert settings.stoplist_symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def test_words_may_be_written_in_any_case(tmp_path: Path) -> None:
    settings = load(tmp_path, env="ENTRY_TYPE=Limit\nlog_level=debug").settings
    assert (settings.entry_type, settings.log_level) == (EntryType.LIMIT, "DEBUG")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-with-mark", "utf-16-be-with-mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_an_env_file_loads_as_any_windows_editor_saves_it(tmp_path: Path, encoding: str, newline: str) -> None:
    text = newline.join(("# Größe", "LEVERAGE=7", 'SIGNAL_WS_TOKEN="a b#c"', ""))
    if encoding.endswith("-with-mark"):
        content = ("\ufeff" + text).encode(encoding.removesuffix("-with-mark"))
    else:
        content = text.encode(encoding)
    settings = load(tmp_path, env=content).settings
    assert settings.leverage == 7
    assert settings.signal_ws_token is not None
    assert settings.signal_ws_token.get_secret_value() == "a b#c"


@pytest.mark.parametrize("content", ["LEVERAGE=7\n".encode("utf-16-le"), b"A=1\nB=\xe4\xff\n"])
def test_an_env_file_that_is_no_utf8_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (problem,) = problems(tmp_path, content)
    assert "save it again with the encoding UTF-8" in problem


def test_a_missing_env_file_that_was_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(env_file=tmp_path / "nowhere.env", environ={})


def test_an_unknown_name_is_warned_about_with_the_nearest_known_one(tmp_path: Path) -> None:
    (warning,) = load(tmp_path, env="\n\nPOSITON_SIZE_USD=5\n").warnings
    assert warning == ".env, line 3: POSITON_SIZE_USD is not a setting; did you mean POSITION_SIZE_USD?"


def test_a_line_that_is_no_setting_is_left_out_with_its_number(tmp_path: Path) -> None:
    loaded = load(tmp_path, env="=====\nLEVERAGE=4\n")
    assert loaded.settings.leverage == 4
    assert loaded.warnings == (".env, line 1: not a setting, left out",)


def test_a_known_name_without_a_readable_value_is_refused_not_left_out(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, 'STOP_LOSS_PERCENT="2\n')
    assert "STOP_LOSS_PERCENT" in problem


def test_a_name_that_is_set_twice_is_warned_about_and_the_last_counts(tmp_path: Path) -> None:
    loaded = load(tmp_path, env="LEVERAGE=4\nLEVERAGE=5\n")
    assert loaded.settings.leverage == 5
    assert "second time" in loaded.warnings[0]


def test_names_of_parts_that_are_still_to_come_are_said_to_be_unused(tmp_path: Path) -> None:
    defaults = {name: value for name, value, _ in shown_settings(load(tmp_path))}
    loaded = load(tmp_path, env="\n".join(f"{name}={defaults[name]}" for name in sorted(NOT_YET_USED)))
    assert len(loaded.warnings) == len(NOT_YET_USED)
    assert all("does not use it yet" in warning for warning in loaded.warnings)


def test_every_problem_is_told_at_once_and_says_what_is_allowed(tmp_path: Path) -> None:
    told = problems(
        tmp_path, "LEVERAGE=x\nENTRY_TYPE=maybe\nBYBIT_TESTNET=perhaps\nWAVE_CHECK_MINUTES=1,99\nTP1_PERCENT=NaN"
    )
    assert sorted(told) == [
        "BYBIT_TESTNET is 'perhaps' (.env): allowed is true or false",
        "ENTRY_TYPE is 'maybe' (.env): allowed is one of market, limit",
        "LEVERAGE is 'x' (.env): allowed is a whole number at least 1 and at most 125",
        "TP1_PERCENT is 'NaN' (.env): allowed is a number more than 0 and at most 100",
        (
            "WAVE_CHECK_MINUTES is '1,99' (.env): allowed is one value or several with commas between them, "
            "each a whole number at least 0 and less than 60"
        ),
    ]


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ("TP_SPLIT=50,40", "TP_SPLIT is 50,40"),
        ("TP1_PERCENT=4", "TP2_PERCENT is 3.0"),
        ("POSITION_SIZE_USD=5", "POSITION_SIZE_USD is 5"),
        ("MAX_EXPOSURE_USD=100", "MAX_EXPOSURE_USD is 100"),
        ("BREAKEVEN_AT_PERCENT=0.1", "BREAKEVEN_AT_PERCENT is 0.1"),
        ("DB_HOST=db", "DB_NAME is missing"),
        ("HOLDFAST_VENUES=bybit", "HOLDFAST_VENUES names bybit"),
        ("HOLDFAST_MODE=production", "HOLDFAST_VENUES names paper"),
        ("HOLDFAST_MODE=production\nHOLDFAST_VENUES=bybit", "BYBIT_API_KEY is missing"),
        (
            "HOLDFAST_MODE=shadow\nHOLDFAST_VENUES=bybt\nBYBT_API_KEY=x",
            "HOLDFAST_VENUES names bybt: allowed are paper,",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(tmp_path: Path, env: str, name: str) -> None:
    assert any(problem.startswith(name) for problem in problems(tmp_path, env))


def test_a_callback_that_is_not_below_the_activation_is_doubted_and_allowed(tmp_path: Path) -> None:
    loaded = load(tmp_path, env="TRAILING_CALLBACK_PERCENT=2")
    assert "TRAILING_CALLBACK_PERCENT (2)" in loaded.warnings[0]


def test_the_keys_of_a_venue_are_found_under_its_name(tmp_path: Path) -> None:
    env = f"HOLDFAST_MODE=production\nHOLDFAST_VENUES=bybit\nBYBIT_API_KEY=k\nBYBIT_API_SECRET={HIDDEN}\n"
    settings = load(tmp_path, env=env + "BYBIT_REST_URL=http://127.0.0.1:9002\nOKX_TESTNET=yes").settings
    (bybit,) = (access for venue, access in settings.access.items() if venue == "bybit")
    assert bybit.api_secret is not None
    assert bybit.api_secret.get_secret_value() == HIDDEN
    assert bybit.rest_url == "http://127.0.0.1:9002"
    assert {venue for venue, access in settings.access.items() if access.testnet} == {"okx"}


@pytest.mark.parametrize("name", ["SIGNAL_WS_TOKEN", "BYBIT_API_SECRET", "DB_PASSWORD"])
def test_a_secret_is_never_shown(tmp_path: Path, name: str) -> None:
    loaded = load(tmp_path, env=f"{name}={HIDDEN}\nDATABASE_URL=postgresql://u:pass-w0rd%40x@h/d")
    shown = {shown_name: value for shown_name, value, _ in shown_settings(loaded)}
    assert shown[name] == shown["DATABASE_URL"] == "set"
    assert HIDDEN not in repr(loaded) + str(shown)
    assert {HIDDEN, "pass-w0rd@x", "pass-w0rd%40x"} <= set(secret_values(loaded.settings))


def test_a_password_inside_a_refused_address_is_not_told(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f"BYBIT_REST_URL=ftp://me:{HIDDEN}@host")
    assert HIDDEN not in problem
    assert "begins with http://" in problem


def test_the_data_directory_is_absolute_wherever_the_process_runs(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"HOLDFAST_HOME": "here"}).settings.data_dir.is_absolute()
    assert load(tmp_path).settings.data_dir.is_absolute()


@pytest.mark.parametrize("model", [Settings, VenueAccess])
def test_every_rule_about_a_setting_has_words(model: type[BaseModel]) -> None:
    described = {name: allowed_values(model, name) for name in model.model_fields}
    vague = {name for name, words in described.items() if words == "a text"}
    assert not {name for name in vague if '"pattern"' in json.dumps(model.model_json_schema()["properties"][name])}


OLDER_ENV_FILE = """\
# the older system
ENVIRONMENT=production
DEBUG=false
LOG_LEVEL=INFO
BINANCE_API_KEY=abc
BINANCE_API_SECRET=def
BINANCE_TESTNET=false
DB_HOST=localhost
DB_PORT=5433
DB_NAME=fox
DB_USER=fox
DB_PASSWORD=pa$${word}#1
SIGNAL_WS_URL=ws://10.0.0.5:8765
SIGNAL_WS_TOKEN=tok-en
WAVE_CHECK_MINUTES=6,20,35,50
STOPLIST_SYMBOLS=USDCUSDT,BUSDUSDT
POSITION_SIZE_USD=6
MIN_POSITION_SIZE_USD=5
TRAILING_ACTIVATION_PERCENT=2.0
MAX_POSITION_AGE_HOURS=3
export METRICS_PORT=8001
"""


def test_the_env_file_of_the_older_system_loads_unchanged_and_stays_on_paper(tmp_path: Path) -> None:
    settings = load(tmp_path, env=OLDER_ENV_FILE).settings
    assert settings.mode is Mode.PAPER
    assert settings.db_password is not None
    assert settings.db_password.get_secret_value() == "pa$${word}#1"
    assert (settings.metrics_port, settings.position_size_usd) == (8001, Decimal(6))


def test_every_venue_is_in_the_position_mode_of_all_unless_it_has_its_own(tmp_path: Path) -> None:
    settings = load(tmp_path, env="POSITION_MODE=Hedge\nOKX_POSITION_MODE=one-way").settings
    assert [settings.is_hedged(Venue(name)) for name in ("paper", "binance", "okx")] == [True, True, False]
    assert not load(tmp_path).settings.is_hedged(Venue("binance"))
    assert problems(tmp_path, "OKX_POSITION_MODE=both") == (
        "OKX_POSITION_MODE is 'both' (.env): allowed is one of one-way, hedge",
    )
