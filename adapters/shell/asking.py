"""One command, asked and shown: what ``holdfast shell -c`` and the interactive shell have in common."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console

from adapters.shell.client import NobodyThereError, RefusedError, ShellClient
from adapters.shell.keys import ShellKeysError
from adapters.shell.line import Line, WrongLineError, parse_line, usage
from adapters.shell.render import render, said
from adapters.shell.wire import NotAllowedError, WireError
from messages.shell import CommandSpec, Confirmation, Role

FINE: Final = 0
FOUND_SOMETHING: Final = 1
WRONG_USAGE: Final = 2
OUT_OF_REACH: Final = 3
WRONG_CODES: Final = frozenset({"no_such_command", "wrong_argument", "not_confirmed", "not_allowed"})
"""Refusals that are about what was asked; the others are about what was found."""
EXTRA_S: Final = 30.0


def commands_of(client: ShellClient) -> list[CommandSpec]:
    """What the process can be asked."""
    return msgspec.convert(client.ask("commands"), list[CommandSpec])


def patience_of(line: Line) -> float:
    """How long the answer to ``line`` may take, seconds: what it is asked to take, and some more."""
    asked = (line.arguments.get(name, 0) for name in ("seconds", "window"))
    try:
        return EXTRA_S + sum(float(str(each)) for each in asked)
    except ValueError:
        return EXTRA_S


def ask_once(data_dir: Path, text: str, *, role: Role, as_json: bool, console: Console) -> int:
    """Ask one command and print the answer; gives the exit code for scripts.

    0 fine, 1 it found something or could not be done, 2 it was asked wrongly, 3 nobody answers.
    """
    try:
        with ShellClient(data_dir, role) as client:
            specs = commands_of(client)
            words = text.split()
            if words and words[0] == "help":
                console.print(help_text(specs, words[1] if len(words) > 1 else ""))
                return FINE
            line = parse_line(text, specs)
            as_json = as_json or line.as_json
            show = json_printer(console) if as_json else _event_printer(console)
            result = client.ask(line.spec.name, line.arguments, timeout_s=patience_of(line), on_event=show)
    except (WrongLineError, RefusedError) as error:
        return _refused(error, as_json=as_json, console=console)
    except (NobodyThereError, ShellKeysError, NotAllowedError, WireError) as error:
        Console(stderr=True, highlight=False).print(str(error), markup=False, soft_wrap=True)
        return OUT_OF_REACH
    if as_json:
        json_printer(console)(result)
    else:
        console.print(render(line.spec.name, result))
    return FOUND_SOMETHING if isinstance(result, dict) and result.get("fine") is False else FINE


def _refused(error: WrongLineError | RefusedError, *, as_json: bool, console: Console) -> int:
    code = error.code if isinstance(error, RefusedError) else "wrong_line"
    if as_json:
        json_printer(console)({"error": {"code": code, "text": str(error)}})
    Console(stderr=True, highlight=False).print(str(error), markup=False, soft_wrap=True)
    return WRONG_USAGE if isinstance(error, WrongLineError) or code in WRONG_CODES else FOUND_SOMETHING


def json_printer(console: Console) -> Callable[[Any], None]:
    """What prints an answer as it is, a line each, whatever the width of the terminal."""

    def show(value: Any) -> None:
        console.file.write(msgspec.json.encode(value).decode() + "\n")
        console.file.flush()

    return show


def _event_printer(console: Console) -> Callable[[Any], None]:
    def show(event: Any) -> None:
        line = "  ".join(said(name, value) for name, value in event.items()) if isinstance(event, dict) else str(event)
        console.print(line, markup=False, highlight=False)

    return show


def help_text(specs: Sequence[CommandSpec], name: str) -> str:
    """All commands by group, or one with its arguments and an example.

    Raises:
        WrongLineError: There is no such command.
    """
    if name:
        spec = parse_line(name, specs).spec
        lines = [f"{usage(spec)}", f"  {spec.summary}; needs the role {spec.role}"]
        lines += [
            f"  {argument.name:<10} {argument.summary}"
            + (f" ({', '.join(argument.choices)})" if argument.choices else "")
            + (f", {argument.default} if not given" if argument.default else "")
            for argument in spec.arguments
        ]
        if spec.confirmation is not Confirmation.NONE:
            lines.append("  --yes      confirms it; with real money --account NAME does")
        return "\n".join([*lines, f"  example: {spec.example}"])
    lines = []
    for group in dict.fromkeys(spec.group for spec in specs):
        lines.append(group)
        lines += [f"  {spec.name:<17} {spec.summary}" for spec in specs if spec.group == group]
    return "\n".join(
        [
            *lines,
            "help COMMAND tells what it takes; --json shows an answer as data; exit leaves, and the process goes on",
        ]
    )
