"""What can be typed next: commands, their options, and the names that the living process has now."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from messages.shell import ArgumentKind, ArgumentSpec, CommandSpec

KEPT_S: Final = 2.0
LOCAL: Final = {"help": "the commands, or one of them", "exit": "leave; the process goes on"}


class LiveNames:
    """The process's addresses and symbols, asked for again when they are some seconds old."""

    def __init__(self, ask: Callable[[], Sequence[str]]) -> None:
        self._ask = ask
        self._names: Sequence[str] = ()
        self._asked_s = -KEPT_S

    def __call__(self) -> Sequence[str]:
        """The names as of now."""
        if time.monotonic() - self._asked_s >= KEPT_S:
            self._names = self._ask()
            self._asked_s = time.monotonic()
        return self._names


class CommandCompleter(Completer):
    """Completes a line by what its command takes."""

    def __init__(self, specs: Sequence[CommandSpec], paths: Callable[[], Sequence[str]]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._paths = paths

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002 - as prompt_toolkit calls it
        """The completions of the word before the cursor."""
        words = document.text_before_cursor.split(" ")
        typed, before = words[-1], [word for word in words[:-1] if word]
        for text, meaning in self._choices(before):
            if text.startswith(typed) or (len(typed) > 1 and typed in text and not text.startswith("--")):
                yield Completion(text, start_position=-len(typed), display_meta=meaning)

    def _choices(self, before: Sequence[str]) -> list[tuple[str, str]]:
        if not before:
            return [*((name, spec.summary) for name, spec in self._specs.items()), *LOCAL.items()]
        if before[0] == "help":
            return [(name, spec.summary) for name, spec in self._specs.items()]
        spec = self._specs.get(before[0])
        if spec is None:
            return []
        options = {f"--{argument.name}": argument for argument in spec.arguments if not argument.positional}
        last = options.get(before[-1])
        if last is not None and last.kind is not ArgumentKind.FLAG:
            return self._values(last)
        places = [argument for argument in spec.arguments if argument.positional]
        filled = _positional(before[1:], options)
        here = self._values(places[filled]) if filled < len(places) else []
        choices = [*here, *((name, argument.summary) for name, argument in options.items() if name not in before)]
        return choices if "--json" in before else [*choices, ("--json", "the answer as data")]

    def _values(self, argument: ArgumentSpec) -> list[tuple[str, str]]:
        if argument.choices:
            return [(choice, argument.summary) for choice in argument.choices]
        if argument.kind is ArgumentKind.PATH:
            return [(path, "") for path in self._paths()]
        if argument.kind is ArgumentKind.SYMBOL:
            symbols = {
                path.split("/")[2] for path in self._paths() if path.startswith("position/") and path.count("/") > 1
            }
            return [(symbol, "") for symbol in sorted(symbols)]
        return []


def _positional(words: Sequence[str], options: dict[str, ArgumentSpec]) -> int:
    """How many of ``words`` are values of positional arguments."""
    count, skip = 0, False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("--"):
            argument = options.get(word)
            skip = argument is not None and argument.kind is not ArgumentKind.FLAG
        else:
            count += 1
    return count
