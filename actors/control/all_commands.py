"""Every command of the shell, and the one that lists them."""

import msgspec

from actors.control import checks, reads, steering, trading
from actors.control.cockpit import Asked, Cockpit
from actors.control.registry import Command, Registry
from messages.shell import CommandSpec


def all_commands() -> Registry:
    """The registry; one for each process."""
    commands = [*trading.commands(), *reads.commands(), *checks.commands(), *steering.commands()]

    def commands_list(_cockpit: Cockpit, _asked: Asked) -> object:
        return [msgspec.to_builtins(spec) for spec in registry.specs()]

    help_spec = CommandSpec(name="commands", summary="every command, as data", example="commands", group="see")
    registry = Registry([*commands, Command(spec=help_spec, run=commands_list)])
    return registry
