"""All commands, by name: who may use one, what it takes, and that whatever changes something is written down first."""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from actors.control.cockpit import Asked, Cockpit, Session
from messages.settings import Mode
from messages.shell import ArgumentKind, ArgumentSpec, CommandRefusedError, CommandSpec, Confirmation, Role

SUGGESTIONS: Final = 3
MAX_TEXT: Final = 4_096
ACCOUNT: Final = "account"
"""The argument in which the account's name is typed back."""
YES: Final = "yes"

Run: TypeAlias = Callable[[Cockpit, Asked], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, and what carries it out: on the client's own thread, never on an actor's."""

    spec: CommandSpec
    run: Run


class Registry:
    """Finds, checks, writes down and runs."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self._commands = {command.spec.name: command for command in commands}

    def specs(self) -> list[CommandSpec]:
        """Every command, in the order in which help shows them."""
        return [command.spec for command in self._commands.values()]

    def run(self, cockpit: Cockpit, session: Session, name: str, arguments: Mapping[str, Any]) -> object:
        """Carry ``name`` out.

        Raises:
            CommandRefusedError: There is no such command, the role or an argument does not fit, or it is not confirmed.
        """
        command = self._commands.get(name)
        if command is None:
            near = difflib.get_close_matches(name, self._commands, n=SUGGESTIONS)
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise CommandRefusedError("no_such_command", f"no command {name[:40]!r}{hint}; help lists them all")
        spec = command.spec
        if not session.role.may(spec.role):
            raise CommandRefusedError(
                "not_allowed", f"{name} needs the role {spec.role}, and you are {session.role}: connect with --role"
            )
        given = {key: value for key, value in arguments.items() if key not in {ACCOUNT, YES}}
        checked = _checked(spec, given)
        _confirmed(spec, arguments, cockpit)
        if spec.role is not Role.VIEWER:
            cockpit.write_down(session, name, checked)
        return command.run(cockpit, Asked(session=session, arguments=checked))


def _checked(spec: CommandSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    known = {argument.name: argument for argument in spec.arguments}
    for name in arguments:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise CommandRefusedError("wrong_argument", f"{spec.name} has no argument {name[:40]!r}: {takes}")
    for argument in spec.arguments:
        if argument.required and not arguments.get(argument.name):
            raise CommandRefusedError("wrong_argument", f"{spec.name} needs {argument.name}, as in: {spec.example}")
    return {name: _value(spec.name, known[name], value) for name, value in arguments.items()}


def _value(command: str, argument: ArgumentSpec, value: object) -> object:
    where = f"{command} {argument.name}"
    match argument.kind:
        case ArgumentKind.FLAG:
            if isinstance(value, bool):
                return value
            raise CommandRefusedError("wrong_argument", f"{where} is a flag: give it or leave it out")
        case ArgumentKind.NUMBER:
            try:
                number = float(str(value))
            except ValueError:
                number = math.nan
            if not math.isfinite(number) or number < 0:
                raise CommandRefusedError(
                    "wrong_argument", f"{where} is {str(value)[:40]!r}: allowed is a number from 0"
                )
            return number
        case ArgumentKind.CHOICE:
            if value not in argument.choices:
                raise CommandRefusedError(
                    "wrong_argument", f"{where} is {str(value)[:40]!r}: allowed are {', '.join(argument.choices)}"
                )
            return value
        case _:
            if not isinstance(value, str) or len(value) > MAX_TEXT:
                raise CommandRefusedError("wrong_argument", f"{where} must be a text of up to {MAX_TEXT} characters")
            return value


def _confirmed(spec: CommandSpec, arguments: Mapping[str, Any], cockpit: Cockpit) -> None:
    live = cockpit.mode is Mode.PRODUCTION
    if spec.confirmation is Confirmation.ACCOUNT and live:
        if arguments.get(ACCOUNT) != cockpit.account:
            raise CommandRefusedError(
                "not_confirmed",
                f"{spec.name} acts on real money: give --account with the account's name, as status shows it",
            )
    elif spec.confirmation is not Confirmation.NONE and arguments.get(YES) is not True:
        raise CommandRefusedError("not_confirmed", f"{spec.name} was not confirmed: give --yes")
