"""The part of the command line that is about settings: what they are, a first ``.env``, others in a living run."""

import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from loguru import logger

from actors.house import House
from actors.policies import LIVE_SETTINGS
from adapters.arguments import WrongArgumentError
from adapters.env_writer import write_env_file
from adapters.instance_lock import holder
from adapters.reload_request import (
    ReloadAnswer,
    SettingChange,
    answer_reload,
    ask_reload,
    take_reload,
)
from adapters.settings_source import (
    ENV_FILE,
    REAL_VENUES,
    WITH_PASSPHRASE,
    LoadedSettings,
    SettingsError,
    changed_settings,
    load_settings,
)
from adapters.settings_text import setting_lines, setting_views
from messages.settings import PAPER, Mode
from run_parts import FOUND_SOMETHING, OUT_OF_REACH, WRONG_USAGE, CannotRunError

KEY_PARTS: Final = ("API_KEY", "API_SECRET", "API_PASSPHRASE")
KEY_AND_SECRET: Final = 2
RELOAD_WAITS_S: Final = 15.0


def config(
    *,
    mode: Annotated[str | None, typer.Option(help="paper, shadow or production.")] = None,
    venue: Annotated[str | None, typer.Option(help="Venues, separated by commas.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where database, spool, logs and lock live.")] = None,
    env_file: Annotated[Path | None, typer.Option(help="Settings, instead of .env in this directory.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print for scripts.")] = False,
) -> None:
    """Every setting as a run would have it, and where it came from; keys and passwords are never shown."""
    loaded = load_settings(overrides={"data_dir": data_dir, "mode": mode, "venues": venue}, env_file=env_file)
    if as_json:
        typer.echo(msgspec.json.encode(setting_views(loaded)).decode())
    else:
        for line in setting_lines(loaded):
            typer.echo(line)
    for warning in loaded.warnings:
        typer.echo(warning, err=True)


@dataclass(slots=True, kw_only=True)
class _Wishes:
    """What a new ``.env`` is to hold; what was not given is asked for, where there is somebody to ask."""

    mode: str | None
    venue: str | None
    size: str | None
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def ask(self) -> None:
        """Ask for what is missing; a secret is not shown while it is typed."""
        self.mode = self.mode or typer.prompt("Mode: paper plays, shadow watches, production acts", default=Mode.PAPER)
        if self.mode != Mode.PAPER and self.venue is None:
            self.venue = typer.prompt(f"Venues, with commas between them ({', '.join(REAL_VENUES)})")
        self.size = self.size or typer.prompt("Size of a position in USD (POSITION_SIZE_USD)", default="200")
        for venue in self.real_venues:
            if venue not in self.keys:
                parts = KEY_PARTS if venue in WITH_PASSPHRASE else KEY_PARTS[:KEY_AND_SECRET]
                self.keys[venue] = tuple(
                    typer.prompt(f"{venue.upper()}_{part}", hide_input=part != KEY_PARTS[0]) for part in parts
                )

    @property
    def real_venues(self) -> list[str]:
        named = (self.venue or PAPER).lower().replace(" ", "").split(",")
        return [venue for venue in named if venue in REAL_VENUES]

    def values(self) -> dict[str, str]:
        """By the names of the settings."""
        values = {"HOLDFAST_MODE": self.mode or Mode.PAPER, "HOLDFAST_VENUES": self.venue or PAPER}
        if self.size is not None:
            values["POSITION_SIZE_USD"] = self.size
        for venue, parts in self.keys.items():
            values |= {f"{venue.upper()}_{part}": value for part, value in zip(KEY_PARTS, parts, strict=False)}
        return values


def init(
    *,
    mode: Annotated[str | None, typer.Option(help="paper, shadow or production.")] = None,
    venue: Annotated[str | None, typer.Option(help="Venues, separated by commas.")] = None,
    size: Annotated[str | None, typer.Option(help="POSITION_SIZE_USD.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="VENUE=KEY,SECRET[,PASSPHRASE], or VENUE=- to read them from stdin, a line each; repeatable."
        ),
    ] = None,
    file: Annotated[Path, typer.Option(help="What to write.")] = Path(ENV_FILE),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a first .env: asks on a terminal, takes options elsewhere; only you can read the file."""
    wishes = _Wishes(mode=mode, venue=venue, size=size, keys=dict(map(_key, key or ())))
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    if file.exists() and not force:
        if not asks:
            raise CannotRunError(f"{file} is there already: --force overwrites it", WRONG_USAGE)
        if not typer.confirm(f"{file} is there already. Overwrite it?"):
            raise CannotRunError(f"{file} was left as it is", WRONG_USAGE)
    if asks:
        wishes.ask()
    try:
        write_env_file(file, wishes.values())
    except OSError as error:
        raise CannotRunError(f"{file} cannot be written: {error.strerror or error}", WRONG_USAGE) from error
    typer.echo(f"{file} is written; look at it with holdfast config, check the account with holdfast doctor")


def _key(text: str) -> tuple[str, tuple[str, ...]]:
    venue, _, given = text.partition("=")
    venue = venue.strip().lower()
    parts = tuple(sys.stdin.readline().strip() for _ in KEY_PARTS) if given == "-" else tuple(given.split(","))
    parts = tuple(part for part in parts if part)
    if venue not in REAL_VENUES or not KEY_AND_SECRET <= len(parts) <= len(KEY_PARTS):
        allowed = f"VENUE=KEY,SECRET[,PASSPHRASE], VENUE one of {', '.join(REAL_VENUES)}"
        raise WrongArgumentError(f"--key for {venue or 'no venue'}: allowed is {allowed}")
    return venue, parts


def reload(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Where database, spool, logs and lock live.")] = None,
    env_file: Annotated[Path | None, typer.Option(help="Settings, to find the data directory by.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print for scripts.")] = False,
) -> None:
    """Have the instance on this data directory read its settings again: exit code 1 when something needs a restart."""
    directory = load_settings(overrides={"data_dir": data_dir}, env_file=env_file).settings.data_dir
    answer = None
    if holder(directory) is not None:
        answer = ask_reload(directory, timeout_s=RELOAD_WAITS_S, is_alive=lambda: holder(directory) is not None)
    if answer is None:
        raise CannotRunError(f"no instance answers on {directory}", OUT_OF_REACH)
    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
    if answer.problems:
        raise CannotRunError("\n".join((*answer.problems, "nothing was changed")), WRONG_USAGE)
    if not as_json:
        for change in answer.changes:
            typer.echo(line_of(change))
        if not answer.changes:
            typer.echo("no setting has changed")
    if not all(change.live for change in answer.changes):
        raise typer.Exit(FOUND_SOMETHING)


def line_of(change: SettingChange) -> str:
    """One setting that is another one, for people."""
    when = "counts now" if change.live else "needs a restart"
    return f"{change.name}: {change.before} -> {change.after} ({when})"


@dataclass(slots=True)
class SettingsDesk:
    """Where a running instance takes requests to read its settings again, beside its watch."""

    house: House
    loaded: LoadedSettings
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> None:
        """Answer the request that waits, if any."""
        data_dir = self.loaded.settings.data_dir
        request = take_reload(data_dir)
        if request is not None:
            with self._one_at_a_time:
                answer = self._answer(request.request_id)
            answer_reload(data_dir, answer)

    def reload(self) -> list[str]:
        """Read the settings again now; gives what is another one, a line each.

        Raises:
            ValueError: They are wrong; nothing is changed.
        """
        with self._one_at_a_time:
            answer = self._answer("")
        if answer.problems:
            raise ValueError("; ".join(answer.problems))
        return [line_of(change) for change in answer.changes]

    def _answer(self, request_id: str) -> ReloadAnswer:
        try:
            fresh = self.loaded.again()
        except SettingsError as error:
            return ReloadAnswer(request_id=request_id, problems=error.problems)
        before = self.loaded.settings
        changes = [
            SettingChange(name=each.name, before=each.before, after=each.after, live=each.field_name in LIVE_SETTINGS)
            for each in changed_settings(before, fresh.settings)
        ]
        live = {name: getattr(fresh.settings, name) for name in LIVE_SETTINGS}
        # What needs a restart stays as it runs, so that it is told again the next time.
        settings = before.model_copy(update=live)
        self.loaded = replace(self.loaded, settings=settings)
        for change in changes:
            when = "counts from now on" if change.live else "needs a restart"
            logger.warning("setting {}: {} -> {} ({})", change.name, change.before, change.after, when)
        self.house.change(settings)
        return ReloadAnswer(request_id=request_id, changes=tuple(changes), warnings=fresh.warnings)
