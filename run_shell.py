"""The shell's side of a live run: the commands, where they are asked for, and the watchdog beside them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from loguru import logger

from actors.control.all_commands import all_commands
from actors.control.cockpit import Cockpit
from adapters.explain_text import explanation_lines
from adapters.shell.keys import ShellKeysError, make_keys
from adapters.shell.server import Session, ShellServer
from adapters.stop_flag import StopFlag
from adapters.watchdog import Watchdog
from messages.settings import Settings
from messages.status import StatusView
from persistence.explaining import NoSuchPosition, find_position
from persistence.explaining import explain as explain_position
from persistence.queries import Queries
from persistence.store import SqlStore
from run_parts import Run, book_of


@contextmanager
def attached_shell(
    run: Run, settings: Settings, *, owner_epoch: int, stop: StopFlag, reload: Callable[[], list[str]]
) -> Iterator[None]:
    """While this lasts, ``holdfast shell`` in another terminal sees and steers the run.

    A shell that cannot be offered is no reason to leave positions alone: it is said, and the run goes on.
    """
    cockpit = Cockpit(
        system=run.system,
        status=_status_of(run),
        mode=settings.mode,
        account=settings.account,
        owner_epoch=owner_epoch,
        now_ms=run.now_ms,
        stop=stop.set,
        explain=_explainer(run.store),
        reload=reload,
    )
    run.system.subscribe(cockpit.notices)
    registry = all_commands()

    def carry_out(session: Session, command: str, arguments: Mapping[str, Any]) -> object:
        return registry.run(cockpit, session, command, arguments)

    watchdog = Watchdog(settings.data_dir)
    server: ShellServer | None = None
    try:
        watchdog.start()
        server = ShellServer(data_dir=settings.data_dir, keys=make_keys(settings.data_dir), handler=carry_out)
        server.start()
    except (OSError, ShellKeysError) as error:
        logger.error("no shell can be attached to this run: {}", error)
        server = None
    try:
        yield
    finally:
        if server is not None:
            server.stop()
        watchdog.stop()


def _status_of(run: Run) -> Callable[[], StatusView]:
    return lambda: run.status.read(now_ms=run.now_ms(), book=book_of(run.exchange))


def _explainer(store: SqlStore) -> Callable[[str], object]:
    """Why each order was sent, from the records; they are read by whoever asks, beside the one writer."""

    def explain(position: str) -> object:
        queries = Queries(store)
        try:
            story = explain_position(queries, find_position(queries, position))
        except NoSuchPosition as error:
            raise LookupError(str(error)) from error
        return {**msgspec.to_builtins(story), "lines": list(explanation_lines(story))}

    return explain
