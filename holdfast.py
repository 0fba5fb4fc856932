"""The command line: ``holdfast``.

A module of its own, and not a part of ``supervisor``: another package of that name in the environment must not be able
to take the command's place.
"""

import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec
import typer
from rich.console import Console

import supervisor
from adapters.arguments import WrongArgumentError, duration_argument, speed_argument
from adapters.candles import BadRecordingError
from adapters.check_text import check_lines
from adapters.connect import connect
from adapters.console import give_up_broken_streams, render
from adapters.explain_text import explanation_lines
from adapters.instance_lock import DataDirectoryError, InstanceHeldError, holder, running_instances
from adapters.settings_source import LoadedSettings, SettingsError, load_settings
from adapters.shell.asking import ask_once
from adapters.shell.terminal import converse
from adapters.simulator.fault_script import BadFaultScriptError
from adapters.status_file import StatusFileError, read_status
from adapters.stop_flag import StopFlag
from adapters.venues.preflight import check_venue
from messages import __version__
from messages.checks import Check, Finding
from messages.settings import PAPER, Settings
from messages.shell import Role
from messages.status import Health
from persistence.database_url import WrongDatabaseUrl
from persistence.explaining import NoSuchPosition, find_position
from persistence.explaining import explain as explain_position
from persistence.failures import StoreUnavailable
from persistence.migrate import current, head, upgrade
from persistence.opening import records_of, store_of
from persistence.queries import Queries
from persistence.run_totals import unbalanced
from run_check import check as check_account
from run_parts import FINE, FOUND_SOMETHING, OUT_OF_REACH, WRONG_USAGE, CannotRunError, RunOptions
from run_settings import config, init, reload
from run_venues import venue_config

MANY_ROWS: Final = 200

app = typer.Typer(
    name="holdfast",
    help="Keeps crypto perpetual-futures positions protected.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
db_app = typer.Typer(help="The records: what is in them, whether they add up, and their schema.", no_args_is_help=True)
chaos_app = typer.Typer(help="Campaigns that break things on purpose, by seed.", no_args_is_help=True)
app.add_typer(db_app, name="db")
app.command()(config)
app.command()(init)
app.command()(reload)
app.add_typer(chaos_app, name="chaos")

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where database, spool, logs and lock live.")]
EnvFile = Annotated[Path | None, typer.Option("--env-file", help="Settings, instead of .env in this directory.")]
PositionModeOption = Annotated[
    str | None, typer.Option(help="one-way or hedge, of every account that has no <VENUE>_POSITION_MODE of its own.")
]
Json = Annotated[bool, typer.Option("--json", help="Print for scripts.")]


# --- commands ---------------------------------------------------------------------------------------------------------


@app.command()
def run(
    *,
    data: Annotated[
        list[str] | None, typer.Option(help="Candle file to replay, FILE or SYMBOL=FILE; repeatable.")
    ] = None,
    signals: Annotated[Path | None, typer.Option(help="JSON-lines file of signals.")] = None,
    speed: Annotated[str, typer.Option(help="With --data: times real time, or max.")] = "1",
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this time, such as 10s, 15m, 2h.")] = None,
    seed: Annotated[int, typer.Option(help="Of the paper market and the demo signals.")] = 1,
    mode: Annotated[str | None, typer.Option(help="paper, shadow or production.")] = None,
    venue: Annotated[str | None, typer.Option(help="Venues, separated by commas.")] = None,
    position_mode: PositionModeOption = None,
    force: Annotated[bool, typer.Option("--force", help="End the instance that runs on this data directory.")] = False,
    check_instances: Annotated[
        bool, typer.Option("--check-instances", help="List running instances and stop.")
    ] = False,
    data_dir: DataDir = None,
    env_file: EnvFile = None,
    as_json: Json = False,
) -> None:
    """Open, protect, trail and close positions until stopped; without options on a simulated venue."""
    if check_instances:
        _list_instances(as_json=as_json)
        return
    options = RunOptions(
        data=tuple(data or ()),
        signals=signals,
        speed=speed_argument(speed),
        for_s=None if for_ is None else duration_argument(for_),
        seed=seed,
        as_json=as_json,
        force=force,
    )
    if options.data and signals is None:
        typer.echo("no --signals: the market is replayed, nothing is opened", err=True)
    if signals is not None and not options.data and not signals.exists():
        typer.echo(f"{signals} is not there yet: nothing is opened until it is", err=True)
    wanted = {"data_dir": data_dir, "mode": mode, "venues": venue, "position_mode": position_mode}
    loaded = _load(wanted, env_file)
    report = supervisor.run(options, loaded)
    if as_json:
        _print_json(report)


@app.command()
def status(*, data_dir: DataDir = None, env_file: EnvFile = None, as_json: Json = False) -> None:
    """How the instance on this data directory stands: exit code 0 healthy, 1 not, 3 when none runs."""
    settings = _load({"data_dir": data_dir}, env_file).settings
    try:
        view = read_status(settings.data_dir)
    except StatusFileError as error:
        raise CannotRunError(str(error), OUT_OF_REACH) from error
    if as_json:
        _print_json(view)
    else:
        Console(highlight=False).print(render(view, width=Console().width, max_rows=MANY_ROWS))
    if holder(settings.data_dir) is None:
        raise CannotRunError(f"no instance runs on {settings.data_dir}; this is how the last one stood", OUT_OF_REACH)
    if view.health is not Health.HEALTHY:
        raise typer.Exit(FOUND_SOMETHING)


@app.command()
def doctor(
    *,
    venue: Annotated[str | None, typer.Option(help="Venues, separated by commas.")] = None,
    mode: Annotated[str | None, typer.Option(help="paper, shadow or production.")] = None,
    position_mode: PositionModeOption = None,
    data_dir: DataDir = None,
    env_file: EnvFile = None,
    as_json: Json = False,
) -> None:
    """Check keys, clock, modes, instruments, database and streams, and say what to do: exit code 1 on a finding."""
    wanted = {"data_dir": data_dir, "mode": mode, "venues": venue, "position_mode": position_mode}
    checks = _check_surroundings(_load(wanted, env_file))
    if as_json:
        _print_json(checks)
    else:
        for check in checks:
            typer.echo(f"{check.finding:8} {check.subject:10} {check.name:14} {check.text}")
            if check.what_to_do:
                typer.echo(f"{'':8} {'':10} {'':14} → {check.what_to_do}")
    if any(check.finding is not Finding.FINE for check in checks):
        raise typer.Exit(FOUND_SOMETHING)


@app.command()
def shell(
    *,
    command: Annotated[str | None, typer.Option("-c", help="One command, such as 'top --by rate'; then leave.")] = None,
    role: Annotated[Role, typer.Option(help="What may be done; restart asks for operator, crash for admin.")] = (
        Role.OPERATOR
    ),
    data_dir: DataDir = None,
    env_file: EnvFile = None,
    as_json: Json = False,
) -> None:
    """See and steer the instance on this data directory: exit code 0 fine, 1 found something, 2 wrong, 3 none runs."""
    directory = _load({"data_dir": data_dir}, env_file).settings.data_dir
    console = Console(highlight=False)
    if command is not None:
        raise typer.Exit(ask_once(directory, command, role=role, as_json=as_json, console=console))
    raise typer.Exit(converse(directory, role, console))


@app.command()
def check(
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Mend exactly what is missing, and read it back.")] = False,
    venue: Annotated[str | None, typer.Option(help="Venues, separated by commas.")] = None,
    mode: Annotated[str | None, typer.Option(help="paper, shadow or production.")] = None,
    data_dir: DataDir = None,
    env_file: EnvFile = None,
    as_json: Json = False,
) -> None:
    """Is each position on the venue protected, and no order left over: exit code 1 on a finding, 3 out of reach."""
    settings = _load({"data_dir": data_dir, "mode": mode, "venues": venue}, env_file).settings
    checked = check_account(settings, fix=fix)
    if as_json:
        _print_json(checked)
    else:
        for line in check_lines(checked, fix=fix):
            typer.echo(line)
    if checked.errors:
        raise CannotRunError("\n".join(checked.errors), OUT_OF_REACH)
    if checked.findings:
        raise typer.Exit(FOUND_SOMETHING)


@app.command()
def explain(
    position: Annotated[str, typer.Argument(help="Its id, how that begins, or VENUE/SYMBOL for the last there.")],
    *,
    data_dir: DataDir = None,
    env_file: EnvFile = None,
    as_json: Json = False,
) -> None:
    """Why each order of a position was sent, and what the venue said: exit code 1 when there is no such position."""
    settings = _load({"data_dir": data_dir}, env_file).settings
    records = records_of(settings, data_dir=settings.data_dir)
    try:
        queries = Queries(records)
        story = explain_position(queries, find_position(queries, position))
    except NoSuchPosition as error:
        raise CannotRunError(str(error), FOUND_SOMETHING) from error
    finally:
        records.close()
    if as_json:
        _print_json(story)
    else:
        for line in explanation_lines(story):
            typer.echo(line)


@app.command()
def simulate(
    venue: Annotated[str, typer.Argument(help="binance, bitget, bybit or okx; or signals, for a signal server.")],
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="To listen on, on loopback; 0 takes a free one.")] = 0,
    data: Annotated[
        list[str] | None, typer.Option(help="Candle file to play from now on, FILE or SYMBOL=FILE; repeatable.")
    ] = None,
    faults: Annotated[Path | None, typer.Option(help="JSON file of faults (docs/simulator.md).")] = None,
    ledger: Annotated[Path | None, typer.Option(help="Keep the venue's own book on its client in this file.")] = None,
    state: Annotated[Path | None, typer.Option(help="SQLite file of the exchange, to go on after a restart.")] = None,
    latency_ms: Annotated[int, typer.Option(min=0, help="Longest way in each direction.")] = 20,
    volatility: Annotated[float, typer.Option(min=0.0, help="An hour's movement of made-up prices, in percent.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Of the made-up prices.")] = 1,
    hedge: Annotated[bool, typer.Option("--hedge", help="An account in hedge mode.")] = False,
    file: Annotated[Path | None, typer.Option(help="With signals: JSON-lines file to serve; it may grow.")] = None,
    token: Annotated[str, typer.Option(help="With signals: the token that a client must have.")] = "",
    push: Annotated[bool, typer.Option("--push", help="With signals: send new lines by themselves as well.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="With signals: send each as of the last candle.")] = False,
) -> None:
    """A simulated exchange that speaks a venue's REST and WebSocket dialect; its key is KEY, SECRET, PASS.

    Or a signal server (docs/signals.md): simulate signals --file FILE.
    """
    if venue == "signals":
        _simulate_signals(file, port=port, token=token, push=push, fresh=fresh)
        return
    from adapters.simulator.fault_script import NO_FAULTS, read_fault_script
    from adapters.simulator.wire.serve import serve
    from adapters.simulator.wire.simulation import Simulation, SimulationOptions

    stop = StopFlag()
    stop.install()
    simulation = Simulation(
        SimulationOptions(
            venue=venue,
            port=port,
            data=data or (),
            faults=NO_FAULTS if faults is None else read_fault_script(faults),
            latency_ms=latency_ms,
            volatility_percent=Decimal(str(volatility)),
            seed=seed,
            hedge=hedge,
            state=state,
        )
    )
    try:
        serve(simulation, stop=stop, ledger_file=ledger, say=typer.echo)
    except OSError as error:
        raise CannotRunError(str(error), OUT_OF_REACH) from error


def _simulate_signals(file: Path | None, *, port: int, token: str, push: bool, fresh: bool) -> None:
    from adapters.simulator.signal_server import SignalServer, SignalServerOptions

    if file is None:
        raise WrongArgumentError("--file is missing: allowed is a JSON-lines file of signals")
    if not file.exists():
        typer.echo(f"{file} is not there yet: nothing is served until it is", err=True)
    stop = StopFlag()
    stop.install()
    server = SignalServer(SignalServerOptions(file=file, token=token, port=port, push=push, fresh=fresh))
    try:
        server.start()
    except OSError as error:
        raise CannotRunError(str(error), OUT_OF_REACH) from error
    try:
        typer.echo(f"signals at {server.url}; Ctrl-C stops it")
        while not stop.wait(supervisor.POLL_S):
            pass
    finally:
        server.stop()


def _list_instances(*, as_json: bool) -> None:
    found = running_instances()
    if as_json:
        _print_json(found)
    else:
        for instance in found:
            typer.echo(instance)
        if not found:
            typer.echo("no instance runs on this machine")
    if found:
        raise typer.Exit(FOUND_SOMETHING)


@db_app.command("status")
def db_status(*, data_dir: DataDir = None, env_file: EnvFile = None, as_json: Json = False) -> None:
    """Schema revision, rows a table, and whether positions agree with their fills: exit code 1 when they do not."""
    settings = _load({"data_dir": data_dir}, env_file).settings
    store = store_of(settings, data_dir=settings.data_dir)
    try:
        queries = Queries(store)
        counts, problems = queries.counts(), unbalanced(queries)
        found = {"revision": current(store.url), "head": head(), "rows": counts, "unbalanced": problems}
    finally:
        store.close()
    if as_json:
        _print_json(found)
    else:
        typer.echo(f"revision {found['revision']} (this version's: {found['head']})")
        for table, rows in counts.items():
            typer.echo(f"{table:24}{rows:>10}")
        for problem in problems:
            typer.echo(problem)
    if problems:
        raise typer.Exit(FOUND_SOMETHING)


@db_app.command("upgrade")
def db_upgrade(*, data_dir: DataDir = None, env_file: EnvFile = None) -> None:
    """Bring the schema up to date; ``holdfast run`` does so by itself."""
    settings = _load({"data_dir": data_dir}, env_file).settings
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    typer.echo(f"revision {upgrade(store_of(settings, data_dir=settings.data_dir).url)}")


@chaos_app.command("kernel")
def chaos_kernel(
    *,
    seeds: Annotated[int, typer.Option(help="How many random histories.")] = 1_000,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    as_json: Json = False,
) -> None:
    """Random trees of actors and failures in virtual time, against the kernel's laws: exit code 1 on a breach."""
    from actors.kernel.fuzz import run_fuzz

    report = run_fuzz(range(first, first + seeds), on_progress=None if as_json else _show_progress(seeds))
    if as_json:
        _print_json(report)
    else:
        typer.echo(f"\n{report.runs} runs, {report.crash_points} crash points, {report.violations} violations")
    if report.violations:
        raise typer.Exit(FOUND_SOMETHING)


def _show_progress(seeds: int) -> Callable[[int, int], None]:
    def show(runs: int, violations: int) -> None:
        if runs % 100 == 0 or runs == seeds:
            typer.echo(f"\r{runs}/{seeds} runs, {violations} violations", nl=False)

    return show


# --- what doctor looks at ---------------------------------------------------------------------------------------------


def _check_surroundings(loaded: LoadedSettings) -> list[Check]:
    """What ``holdfast doctor`` looks at: the command itself, settings, data directory, database, venues."""
    settings = loaded.settings
    checks = [_check_command(), *_check_settings(loaded), _check_database(settings)]
    for venue in settings.venues:
        if venue == PAPER:
            checks.append(Check(subject=venue, name="venue", finding=Finding.FINE, text="simulated in the process"))
            continue
        calls, streams = connect(venue_config(venue, settings))
        try:
            checks.extend(check_venue(calls, streams, allow_withdrawal=settings.allow_withdrawal_keys))
        finally:
            calls.close()
    return checks


def _check_command() -> Check:
    """PyPI has a package of the name supervisor: in one environment with ours it may be the one that is found."""
    ours = Path(__file__).resolve().parent == Path(sys.modules["actors"].__file__ or "").resolve().parent.parent
    return Check(
        subject="holdfast",
        name="modules",
        finding=Finding.FINE if ours else Finding.WRONG,
        text=f"version {__version__}, Python {sys.version.split()[0]}",
        what_to_do="" if ours else "install Holdfast into an environment of its own: something shadows its modules",
    )


def _check_settings(loaded: LoadedSettings) -> list[Check]:
    where = f"{loaded.settings.mode} on {', '.join(loaded.settings.venues)}, data in {loaded.settings.data_dir}"
    checks = [Check(subject="holdfast", name="settings", finding=Finding.FINE, text=where)]
    checks.extend(
        Check(subject="holdfast", name="settings", finding=Finding.WARNING, text=text) for text in loaded.warnings
    )
    return checks


def _check_database(settings: Settings) -> Check:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = store_of(settings, data_dir=settings.data_dir)
    try:
        store.open()
    except StoreUnavailable as error:
        return Check(
            subject="database", name="reach", finding=Finding.WRONG, text=error.text, what_to_do=error.what_to_do
        )
    finally:
        store.close()
    return Check(subject="database", name="reach", finding=Finding.FINE, text=f"revision {current(store.url)}")


# --- arguments and errors ---------------------------------------------------------------------------------------------


def _load(overrides: Mapping[str, object], env_file: Path | None) -> LoadedSettings:
    return load_settings(overrides=overrides, env_file=env_file)


def _print_json(value: object) -> None:
    try:
        typer.echo(msgspec.json.encode(value).decode())
    except BrokenPipeError:
        give_up_broken_streams()
    except OSError as error:
        text = f"the result cannot be written to stdout: {error.strerror or error}"
        give_up_broken_streams()
        raise CannotRunError(text, OUT_OF_REACH) from error


def main() -> NoReturn:
    """The ``holdfast`` command: errors as one clear text on stderr, and an exit code that scripts can use."""
    try:
        app()
    except SettingsError as error:
        _fail("\n".join(error.problems), WRONG_USAGE)
    except CannotRunError as error:
        _fail(str(error), error.code)
    except (WrongDatabaseUrl, WrongArgumentError, BadRecordingError, BadFaultScriptError) as error:
        _fail(str(error), WRONG_USAGE)
    except (InstanceHeldError, DataDirectoryError, StoreUnavailable) as error:
        _fail(str(error), OUT_OF_REACH)
    give_up_broken_streams()
    sys.exit(FINE)


def _fail(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
