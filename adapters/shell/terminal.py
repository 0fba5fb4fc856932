"""The interactive shell: a line, its command, its answer, again."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory
from rich.console import Console

from adapters.shell.asking import FINE, OUT_OF_REACH, commands_of, help_text, json_printer, patience_of
from adapters.shell.client import NobodyThereError, RefusedError, ShellClient
from adapters.shell.completion import CommandCompleter, LiveNames
from adapters.shell.keys import ShellKeysError
from adapters.shell.line import Line, WrongLineError, parse_line
from adapters.shell.render import render, said
from adapters.shell.top_screen import TopScreen
from adapters.shell.top_view import TopView
from adapters.shell.wire import NotAllowedError, WireError
from messages.settings import Mode
from messages.shell import CommandSpec, Confirmation, Role

HISTORY_FILE: Final = "shell-history"
LEAVE: Final = frozenset({"exit", "quit"})


class ShellTerminal:
    """A person at a terminal, and the process of a data directory."""

    def __init__(self, data_dir: Path, role: Role, console: Console) -> None:
        """Connect.

        Raises:
            NobodyThereError: And the other errors of :class:`ShellClient`.
        """
        self._data_dir = data_dir
        self._role = role
        self._console = console
        self._connect()

    def _connect(self) -> None:
        self._client = ShellClient(self._data_dir, self._role)
        self._specs: Sequence[CommandSpec] = commands_of(self._client)
        standing = self._client.ask("status")
        self._mode, self._account = Mode(standing["mode"]), str(standing["account"])

    def run(self) -> None:
        """Ask for lines until the person leaves."""
        session: PromptSession[str] = PromptSession(
            history=FileHistory(str(self._data_dir / HISTORY_FILE)),
            completer=CommandCompleter(self._specs, LiveNames(self._paths)),
            complete_while_typing=True,
            enable_history_search=False,
        )
        self._say(f"{self._mode} account {self._account}, as {self._role}: help lists the commands, tab completes")
        while True:
            try:
                text = session.prompt(f"{self._mode}/{self._account}> ").strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                break
            if text in LEAVE:
                break
            if text:
                self._do(text)
        self._client.close()

    def _do(self, text: str) -> None:
        try:
            words = text.split()
            if words[0] == "help":
                self._say(help_text(self._specs, words[1] if len(words) > 1 else ""))
            elif words == ["top"]:
                TopView(self._client, TopScreen(account=self._account)).run()
            else:
                self._ask(parse_line(text, self._specs))
        except (WrongLineError, RefusedError) as error:
            self._console.print(str(error), style="red", markup=False)
        except WireError as error:
            self._console.print(f"{error}", style="bold red", markup=False)
            self._come_back()

    def _ask(self, line: Line) -> None:
        arguments = dict(line.arguments)
        if not self._confirm(line, arguments):
            self._say("nothing was done")
            return
        show = json_printer(self._console) if line.as_json else self._show_event
        try:
            answer = self._client.ask(line.spec.name, arguments, timeout_s=patience_of(line), on_event=show)
        except KeyboardInterrupt:
            # What was asked for may still be told: a new connection knows nothing of it.
            self._come_back()
            return
        if line.as_json:
            show(answer)
        else:
            self._console.print(render(line.spec.name, answer))

    def _confirm(self, line: Line, arguments: dict[str, object]) -> bool:
        wanted = line.spec.confirmation
        if wanted is Confirmation.NONE or "yes" in arguments or "account" in arguments:
            return True
        question: PromptSession[str] = PromptSession()
        with suppress(KeyboardInterrupt, EOFError):
            if wanted is Confirmation.ACCOUNT and self._mode is Mode.PRODUCTION:
                typed = question.prompt(f"{line.spec.name} acts on real money; type the account's name: ").strip()
                arguments["account"] = typed
                return bool(typed)
            typed = question.prompt(f"{line.spec.name}: {line.spec.summary}? (yes/no) ").strip().lower()
            arguments["yes"] = True
            return typed in {"y", "yes"}
        return False

    def _come_back(self) -> None:
        self._client.close()
        try:
            self._connect()
            self._say("connected again")
        except (NobodyThereError, NotAllowedError, WireError) as error:
            self._say(f"{error}; exit leaves")

    def _paths(self) -> Sequence[str]:
        try:
            return [str(row["path"]) for row in self._client.ask("ps")]
        except (RefusedError, WireError):
            return ()

    def _show_event(self, event: object) -> None:
        items = event.items() if isinstance(event, dict) else [("", event)]
        self._say("  ".join(said(name, value) for name, value in items))

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


def converse(data_dir: Path, role: Role, console: Console) -> int:
    """Be the shell until the person leaves; gives the exit code."""
    try:
        ShellTerminal(data_dir, role, console).run()
    except (NobodyThereError, ShellKeysError, NotAllowedError, WireError, RefusedError) as error:
        Console(stderr=True, highlight=False).print(str(error), markup=False, soft_wrap=True)
        return OUT_OF_REACH
    return FINE
