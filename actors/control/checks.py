"""Commands for scripts: one question each, answered by yes or no, and by what is wrong."""

from collections.abc import Callable
from typing import Final

from actors import addresses
from actors.control.cockpit import Asked, Cockpit
from actors.control.registry import Command
from messages.shell import ArgumentKind, ArgumentSpec, CommandSpec
from messages.status import DatabaseState

DEEP: Final = 1_000
MANY_RESTARTS: Final = 3


def _verdict(findings: list[str]) -> dict[str, object]:
    """What every check answers; the one-shot shell ends with exit code 1 when it is not ``fine``."""
    return {"fine": not findings, "findings": findings}


def check_mailboxes(cockpit: Cockpit, asked: Asked) -> object:
    """Whether any mailbox is deep."""
    most = int(asked.number("most", DEEP))
    deep = [load for load in cockpit.system.loads() if load.depth > most]
    return _verdict([f"{load.path} has {load.depth} messages waiting" for load in deep])


def check_restarts(cockpit: Cockpit, asked: Asked) -> object:
    """Whether any actor restarts again and again, or was given up on."""
    most = int(asked.number("most", MANY_RESTARTS))
    loads = cockpit.system.loads()
    findings = [f"{load.path} is parked" for load in loads if load.state == "parked"]
    findings += [f"{load.path} restarted {load.restarts} times" for load in loads if load.restarts > most]
    return _verdict(findings)


def check_unprotected(cockpit: Cockpit, _asked: Asked) -> object:
    """Whether any position has no stop for its whole size."""
    views = [view for view in cockpit.status().positions if not view.protected]
    return _verdict([f"{view.venue}/{view.symbol} {view.quantity} is not covered by its stops" for view in views])


def check_streams(cockpit: Cockpit, _asked: Asked) -> object:
    """Whether every connection's stream is up and its actors answer."""
    findings = []
    for venue in cockpit.venues():
        path = addresses.exchange(venue, "stream")  # type: ignore[arg-type]  # a name out of an address
        try:
            described, _ = cockpit.system.described(path, timeout_s=1.0)
        except (KeyError, LookupError) as error:
            findings.append(f"{venue}: {error.args[0]}")
            continue
        if described.get("up") is not True:
            findings.append(f"{venue}: the private stream is down: {described.get('detail', 'no word of it yet')}")
    return _verdict(findings)


def check_database(cockpit: Cockpit, _asked: Asked) -> object:
    """Whether records go to the database."""
    state = cockpit.status().database
    return _verdict([] if state is DatabaseState.OK else [f"records do not reach the database: {state}"])


def commands() -> list[Command]:
    """Commands for scripts."""
    most_waiting = ArgumentSpec(name="most", kind=ArgumentKind.NUMBER, summary="how many may wait", default=str(DEEP))
    most_restarts = ArgumentSpec(
        name="most", kind=ArgumentKind.NUMBER, summary="how many are all right", default=str(MANY_RESTARTS)
    )
    several: list[tuple[Callable[[Cockpit, Asked], object], str, str, tuple[ArgumentSpec, ...]]] = [
        (check_mailboxes, "check_mailboxes", "whether any mailbox is deep", (most_waiting,)),
        (
            check_restarts,
            "check_restarts",
            "whether any actor restarts often, or is parked",
            (most_restarts,),
        ),
        (check_unprotected, "check_unprotected", "whether any position lacks a stop for its whole size", ()),
        (check_streams, "check_streams", "whether every venue's stream is up", ()),
        (check_database, "check_database", "whether records go to the database", ()),
    ]
    return [
        Command(spec=CommandSpec(name=name, summary=summary, example=name, group="check", arguments=arguments), run=run)
        for run, name, summary, arguments in several
    ]
