"""Where settings come from: the command line above the environment above ``.env`` above the defaults.

Every problem is told at once, in the words of the person who set the value: what it is and what is allowed. The value
of a secret is never told.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import platformdirs
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from adapters.allowed_values import allowed_values
from adapters.env_file import EnvFileError, EnvLine, read_env_file
from messages.settings import PAPER, RULE_BROKEN, TOPICS, Settings, VenueAccess
from messages.values import Venue

REAL_VENUES = (Venue("bitget"), Venue("binance"), Venue("bybit"), Venue("okx"))
WITH_PASSPHRASE = frozenset({Venue("bitget"), Venue("okx")})
"""Venues whose keys have a third part."""
DATA_DIR_NAME = "HOLDFAST_HOME"
ENV_FILE = ".env"
HUNDRED_PERCENT = 100

_OWN_NAMES = {
    "data_dir": DATA_DIR_NAME,
    "mode": "HOLDFAST_MODE",
    "account": "HOLDFAST_ACCOUNT",
    "venues": "HOLDFAST_VENUES",
    "allow_withdrawal_keys": "HOLDFAST_ALLOW_WITHDRAWAL_KEYS",
}
_FOR_TESTS = frozenset({"HOLDFAST_DATA", "HOLDFAST_FACTS"})
NOT_YET_USED = frozenset(
    {
        "AGED_ACCELERATION_FACTOR",
        "AGED_CHECK_INTERVAL_MINUTES",
        "AGED_GRACE_PERIOD_HOURS",
        "AGED_LOSS_STEP_PERCENT",
        "AGED_MAX_LOSS_PERCENT",
        "GUARD_MODE",
        "MAX_POSITION_AGE_HOURS",
        "SCALING_ENABLED",
        "SELFCHECK_AT",
        "ZOMBIE_SCOPE",
        "ZOMBIE_THRESHOLD",
    }
)
"""Names of the specification that belong to parts which are still to come."""


class Source(StrEnum):
    """Where a value came from, the strongest first."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    ENV_FILE = ".env"
    DEFAULT = "default"


class SettingsError(Exception):
    """Settings that cannot be used.

    Attributes:
        problems: One line each: what is wrong and what is allowed.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSettings:
    """Settings, and how they came about.

    Attributes:
        sources: By name (``POSITION_SIZE_USD``); a name that is not here has its default.
        warnings: One line each, for the log: unknown names, lines that could not be read.
        lines: By name, the line of ``env_file`` where a value that came from there stands.
        asked: What they were loaded with, so that they can be loaded again.
    """

    settings: Settings
    sources: Mapping[str, Source]
    lines: Mapping[str, int]
    warnings: tuple[str, ...]
    env_file: Path | None
    asked: tuple[Mapping[str, object], Path | None]

    def again(self) -> "LoadedSettings":
        """The settings as they would be now: the file is read anew, below the same command line.

        Raises:
            SettingsError: With every problem that was found.
        """
        overrides, env_file = self.asked
        return load_settings(overrides=overrides, env_file=env_file)

    def source_of(self, name: str) -> Source:
        """Where the value of the setting ``name`` came from."""
        return self.sources.get(name, Source.DEFAULT)


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """Values by name, the strongest source last."""

    values: dict[str, object] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def take(self, name: str, value: object, source: Source) -> None:
        self.values[name] = value
        self.sources[name] = source


def setting_name(field_name: str) -> str:
    """The name that people use for a field of :class:`Settings`."""
    return _OWN_NAMES.get(field_name, field_name.upper())


_FIELDS = {setting_name(name): name for topic in TOPICS for name in topic.model_fields if name != "access"}
_ACCESS = {f"{venue}_{part}".upper(): (venue, part) for venue in REAL_VENUES for part in VenueAccess.model_fields}
KNOWN_NAMES = frozenset(_FIELDS) | frozenset(_ACCESS)


def load_settings(
    *,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    env_file: Path | None = None,
) -> LoadedSettings:
    """The settings for this process.

    Args:
        overrides: From the command line, by field name; ``None`` values were not given.
        environ: ``os.environ`` when not given.
        env_file: It must exist when given; otherwise ``.env`` in the working directory is read when it is there.

    Raises:
        SettingsError: With every problem that was found.
    """
    gathered = _Gathered()
    if env_file is not None or Path(ENV_FILE).is_file():
        _take_env_file(gathered, env_file or Path(ENV_FILE))
    _take_environment(gathered, os.environ if environ is None else environ)
    for name, value in (overrides or {}).items():
        if value is not None:
            gathered.take(setting_name(name), value, Source.COMMAND_LINE)
    settings = _checked(gathered)
    used = env_file or Path(ENV_FILE)
    return LoadedSettings(
        settings=settings,
        sources=gathered.sources,
        lines=gathered.lines,
        warnings=(*gathered.warnings, *_doubts(settings)),
        env_file=used.resolve() if used.is_file() else None,
        asked=(dict(overrides or {}), env_file),
    )


def default_data_dir() -> Path:
    """Where data is kept when nobody said where: the place that the operating system has for it."""
    return platformdirs.user_data_path("holdfast", appauthor=False)


def secret_values(settings: Settings) -> tuple[str, ...]:
    """Every secret that was set, and the passwords inside addresses: what must never be shown."""
    found: set[str] = set()
    for _, value in _values(settings):
        if isinstance(value, SecretStr):
            found.add(value.get_secret_value())
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if "://" in text:
            found.update(_passwords_in(text))
    return tuple(sorted(secret for secret in found if secret))


def shown_settings(loaded: LoadedSettings) -> tuple[tuple[str, str, Source], ...]:
    """Name, value and source of each setting, fit to be shown: a secret is only ``set`` or ``not set``."""
    return tuple((name, _shown(value), loaded.source_of(name)) for name, value in _values(loaded.settings))


def shown_defaults() -> dict[str, str]:
    """The default of each setting that has a name of its own, as it would be shown."""
    return {
        name: "the system's place for data" if name == DATA_DIR_NAME else _shown(Settings.model_fields[field].default)
        for name, field in _FIELDS.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSetting:
    """A setting that is another one, fit to be shown; ``field_name`` is empty for those of a single venue."""

    name: str
    field_name: str
    before: str
    after: str


def changed_settings(before: Settings, after: Settings) -> list[ChangedSetting]:
    """Every setting in which the two differ."""
    old, new = dict(_values(before)), dict(_values(after))
    return [
        ChangedSetting(
            name=name,
            field_name=_FIELDS.get(name, ""),
            before=_shown(old.get(name)),
            after=_shown(new.get(name)),
        )
        for name in (*old, *(name for name in new if name not in old))
        if old.get(name) != new.get(name)
    ]


def _passwords_in(address: str) -> Iterator[str]:
    try:
        password = urlsplit(address).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)


def _values(settings: Settings) -> Iterator[tuple[str, object]]:
    for name, field_name in _FIELDS.items():
        yield name, getattr(settings, field_name)
    for name, (venue, part) in _ACCESS.items():
        access = settings.access.get(venue)
        if access is not None:
            yield name, getattr(access, part)


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "set"
    if value is None:
        return "not set"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    if isinstance(value, bool):
        return str(value).lower()
    return _without_password(str(value))


def _take_env_file(gathered: _Gathered, path: Path) -> None:
    try:
        lines, unreadable = read_env_file(path)
    except EnvFileError as error:
        raise SettingsError((str(error),)) from error
    for bad in unreadable:
        where = f"{path.name}, line {bad.line_number}"
        if bad.first_word.upper() in KNOWN_NAMES:
            raise SettingsError((f"{where}: {bad.first_word} is not followed by = and one value",))
        gathered.warnings.append(f"{where}: not a setting, left out")
    for line in lines:
        _take_env_line(gathered, line, file_name=path.name)


def _take_env_line(gathered: _Gathered, line: EnvLine, *, file_name: str) -> None:
    name = line.name.upper()
    where = f"{file_name}, line {line.line_number}"
    if name in NOT_YET_USED:
        gathered.warnings.append(f"{where}: {name} is known, but this version does not use it yet")
    if name not in KNOWN_NAMES:
        gathered.warnings.append(f"{where}: {line.name} is not a setting{_nearest(name)}")
    elif line.value.strip():
        if name in gathered.values:
            gathered.warnings.append(f"{where}: {name} is set a second time; this one counts")
        gathered.take(name, line.value, Source.ENV_FILE)
        gathered.lines[name] = line.line_number


def _take_environment(gathered: _Gathered, environ: Mapping[str, str]) -> None:
    for raw_name, value in environ.items():
        name = raw_name.upper()
        if name in KNOWN_NAMES:
            if value.strip():
                gathered.take(name, value, Source.ENVIRONMENT)
        elif name.startswith("HOLDFAST_") and name not in _FOR_TESTS:
            gathered.warnings.append(f"environment: {raw_name} is not a setting{_nearest(name)}")


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, sorted(KNOWN_NAMES), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _checked(gathered: _Gathered) -> Settings:
    wanted: dict[str, Any] = {"data_dir": default_data_dir()}
    access: dict[str, dict[str, object]] = {}
    for name, value in gathered.values.items():
        if name in _ACCESS:
            venue, part = _ACCESS[name]
            access.setdefault(venue, {})[part] = value
        elif name in _FIELDS:
            wanted[_FIELDS[name]] = value
        else:
            raise SettingsError((f"{name} is not a setting{_nearest(name)}",))
    wanted["data_dir"] = Path(wanted["data_dir"]).expanduser().absolute()
    _check_venue_names(str(wanted.get("venues", PAPER)))
    try:
        return Settings.model_validate({**wanted, "access": access})
    except ValidationError as error:
        raise SettingsError(tuple(_problems(error, gathered))) from None


def _check_venue_names(names: str) -> None:
    """Before everything else: a venue that is misspelt has no keys either, and that is not what to complain about."""
    allowed = (PAPER, *REAL_VENUES)
    unknown = [name for name in names.lower().replace(" ", "").split(",") if name and name not in allowed]
    if unknown:
        raise SettingsError((f"{setting_name('venues')} names {', '.join(unknown)}: allowed are {', '.join(allowed)}",))


def _problems(error: ValidationError, gathered: _Gathered) -> Iterator[str]:
    told: set[str] = set()
    for details in error.errors():
        if details["type"] == RULE_BROKEN:
            yield from details["msg"].splitlines()
            continue
        name = _name_of(details)
        if name not in told:
            told.add(name)
            yield f"{name} is {_told_value(name, gathered)}: allowed is {_allowed(name)}"


def _name_of(details: ErrorDetails) -> str:
    match details["loc"]:
        case ("access", str(venue), str(part), *_):
            return f"{venue}_{part}".upper()
        case (str(field_name), *_):
            return setting_name(field_name)
        case _:
            return "a setting"


def _told_value(name: str, gathered: _Gathered) -> str:
    """The value as it was given, with where it came from; a secret stays unsaid."""
    source = gathered.sources.get(name, Source.DEFAULT)
    model, field_name = (VenueAccess, _ACCESS[name][1]) if name in _ACCESS else (Settings, _FIELDS[name])
    if SecretStr in getattr(model.model_fields[field_name].annotation, "__args__", ()):
        return f"not usable ({source})"
    return f"{_without_password(str(gathered.values.get(name)))!r} ({source})"


def _allowed(name: str) -> str:
    if name in _ACCESS:
        return allowed_values(VenueAccess, _ACCESS[name][1])
    return allowed_values(Settings, _FIELDS[name])


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//***@", text)


def _doubts(settings: Settings) -> Iterator[str]:
    """What is allowed and yet hardly meant."""
    if settings.trailing_callback_percent >= settings.trailing_activation_percent:
        yield (
            f"TRAILING_CALLBACK_PERCENT ({settings.trailing_callback_percent}) is not below "
            f"TRAILING_ACTIVATION_PERCENT ({settings.trailing_activation_percent}): "
            f"the stop will not pass the entry price when trailing begins"
        )
    if settings.stop_loss_percent * settings.leverage >= HUNDRED_PERCENT:
        yield (
            f"STOP_LOSS_PERCENT ({settings.stop_loss_percent}) with LEVERAGE {settings.leverage}: the venue would "
            f"liquidate before the stop, so stops are kept closer than that"
        )
