"""From a line that somebody typed to a command and its arguments, by what the process says it takes."""

import difflib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from messages.shell import ArgumentKind, ArgumentSpec, CommandSpec

SUGGESTIONS: Final = 3
JSON: Final = "json"
ALWAYS: Final = (JSON, "yes", "account")
"""Every command takes them: how its answer is shown, and how it is confirmed; help shows the latter where needed."""


class WrongLineError(Exception):
    """The line is not a command; the text says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command that can be sent; ``as_json`` when its answer is wanted as it is."""

    spec: CommandSpec
    arguments: Mapping[str, object]
    as_json: bool = False


def parse_line(text: str, specs: Sequence[CommandSpec]) -> Line:
    """The command that ``text`` names, with its arguments.

    Raises:
        WrongLineError: There is no such command, or it does not take this.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise WrongLineError(f"a quote is open: {error}") from error
    if not words:
        raise WrongLineError("nothing was asked for: help lists the commands")
    known = {spec.name: spec for spec in specs}
    spec = known.get(words[0])
    if spec is None:
        near = difflib.get_close_matches(words[0], known, n=SUGGESTIONS)
        hint = f": do you mean {' or '.join(near)}?" if near else ": help lists them all"
        raise WrongLineError(f"no command {words[0]!r}{hint}")
    arguments = _arguments(spec, words[1:])
    as_json = arguments.pop(JSON, False) is True
    return Line(spec=spec, arguments=arguments, as_json=as_json)


def _arguments(spec: CommandSpec, words: Sequence[str]) -> dict[str, object]:
    options = {argument.name: argument for argument in spec.arguments if not argument.positional}
    places = [argument for argument in spec.arguments if argument.positional]
    given: dict[str, object] = {}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            if not places:
                raise WrongLineError(f"{spec.name} does not take {word!r}: as in {spec.example}")
            given[places.pop(0).name] = word
        elif name in {"yes", JSON} or (name in options and options[name].kind is ArgumentKind.FLAG):
            given[name] = True
        elif name in options or name == "account":
            if not equals and not waiting:
                raise WrongLineError(f"--{name} needs a value: as in {spec.example}")
            given[name] = value if equals else waiting.pop(0)
        else:
            takes = ", ".join(f"--{each}" for each in (*options, *ALWAYS))
            raise WrongLineError(f"{spec.name} does not take --{name}: it takes {takes}")
    return given


def usage(spec: CommandSpec) -> str:
    """How the command is written."""
    return " ".join((spec.name, *(_usage_of(argument) for argument in spec.arguments)))


def _usage_of(argument: ArgumentSpec) -> str:
    value = "|".join(argument.choices) if argument.choices else argument.name.upper()
    if argument.positional:
        return value if argument.required else f"[{value}]"
    return f"[--{argument.name}]" if argument.kind is ArgumentKind.FLAG else f"[--{argument.name} {value}]"
