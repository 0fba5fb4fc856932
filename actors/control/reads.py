"""Commands that only look: read from the kernel's cells, and so also answered while everything is stuck."""

from dataclasses import dataclass
from typing import Any, Final

from actors.control.cockpit import Asked, Cockpit
from actors.control.registry import Command, Run
from actors.control.shown import message_line, shown
from actors.kernel import ActorInfo, Handled, Notice, TreeNode
from messages.shell import ArgumentKind, ArgumentSpec, CommandRefusedError, CommandSpec

STATE_TIMEOUT_S: Final = 0.25
TOP_ROWS: Final = 20
MAX_WINDOW_S: Final = 60.0
FIRST_WINDOW_S: Final = 1.0
"""Who asks for rates and has not looked before waits so long for them."""
MAX_TRACED: Final = 10_000
TRACE_LOOK_S: Final = 0.05
SORT_KEYS: Final = ("mailbox", "handled", "rate", "restarts", "crashes", "busy", "dead", "path")

PATH: Final = ArgumentSpec(
    name="path", kind=ArgumentKind.PATH, positional=True, required=True, summary="the actor's address"
)
LIMIT: Final = ArgumentSpec(name="limit", kind=ArgumentKind.NUMBER, summary="how many rows", default=str(TOP_ROWS))


# --- the tree ---------------------------------------------------------------------------------------------------------


def _node(node: TreeNode) -> dict[str, object]:
    return {
        "path": node.path,
        "kind": node.kind,
        "state": node.state,
        "children": [_node(child) for child in node.children],
    }


def tree(cockpit: Cockpit, asked: Asked) -> object:
    """Groups and actors, from the root or from ``path`` down."""
    wanted = asked.text("path").strip("/")
    root = cockpit.system.tree()
    if not wanted:
        return _node(root)
    found = _find(root, wanted)
    if found is None:
        raise CommandRefusedError("no_such_actor", f"nothing at {wanted} in the tree")
    return _node(found)


def _find(node: TreeNode, path: str) -> TreeNode | None:
    if node.path.strip("/") == path:
        return node
    return next((found for child in node.children if (found := _find(child, path)) is not None), None)


def ps(cockpit: Cockpit, asked: Asked) -> object:
    """All addresses, with their state."""
    wanted = asked.text("filter")
    return [
        {"path": load.path, "state": load.state}
        for load in sorted(cockpit.system.loads(), key=lambda load: load.path)
        if wanted in load.path
    ]


# --- top --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    handled: dict[str, int]


class Top:
    """Counts, and rates since the same client looked last, or over a window."""

    def __init__(self) -> None:
        self._last: dict[int, _Sample] = {}

    def __call__(self, cockpit: Cockpit, asked: Asked) -> object:
        """The rows at the top by one of :data:`SORT_KEYS`."""
        session = asked.session
        unknown = asked.text("by") == "rate" and id(session) not in self._last
        window_s = min(asked.number("window", FIRST_WINDOW_S if unknown else 0), MAX_WINDOW_S)
        if window_s:
            before = self._sample(cockpit, asked.text("filter"))[1]
            if not session.waited(window_s):
                return {"rows": [], "actors": 0}
        else:
            before = self._last.get(id(session), _Sample(0.0, {}))
        rows, now = self._sample(cockpit, asked.text("filter"))
        if len(self._last) > MAX_TRACED:
            self._last.clear()
        self._last[id(session)] = now
        passed_s = now.at_s - before.at_s
        for row in rows:
            handled_before = before.handled.get(row["path"])
            known = handled_before is not None and passed_s > 0
            row["rate"] = round((row["handled"] - (handled_before or 0)) / passed_s, 1) if known else 0.0
        key = asked.text("by") or "mailbox"
        rows.sort(key=lambda row: (row[key] if key == "path" else -row[key], row["path"]))
        told = cockpit.system.conservation()
        return {
            "rows": rows[: int(asked.number("limit", TOP_ROWS)) or len(rows)],
            "actors": len(rows),
            "window_s": round(passed_s, 3) if before.handled else None,
            "told": told.told,
            "handled": told.handled,
            "dead_lettered": told.dead_lettered,
            "queued": told.queued,
            "incidents": len(cockpit.system.incidents()),
        }

    @staticmethod
    def _sample(cockpit: Cockpit, wanted: str) -> tuple[list[dict[str, Any]], _Sample]:
        rows: list[dict[str, Any]] = [
            {
                "path": load.path,
                "state": load.state,
                "mailbox": load.depth,
                "handled": load.handled,
                "dead": load.dead_lettered,
                "restarts": load.restarts,
                "crashes": load.crashes,
                "busy": round(load.busy_s, 3),
                "in_flight": load.in_flight,
            }
            for load in cockpit.system.loads()
            if wanted in load.path
        ]
        handled = {row["path"]: row["handled"] for row in rows}
        return rows, _Sample(cockpit.system.runtime.monotonic_s(), handled)


# --- one actor --------------------------------------------------------------------------------------------------------


def _info(info: ActorInfo) -> dict[str, object]:
    told = info.conservation
    return {
        "path": info.path,
        "state": info.state,
        "epoch": info.epoch,
        "restarts": info.restarts,
        "uptime_s": round(info.uptime_s, 3) if info.uptime_s is not None else None,
        "restart_in_s": round(info.restart_in_s, 3) if info.restart_in_s is not None else None,
        "mailbox": info.depth,
        "lanes": info.depth_by_lane,
        "in_flight": info.in_flight,
        "holds": list(info.holds),
        "told": told.told,
        "handled": told.handled,
        "dead_lettered": told.dead_lettered,
        "queued": told.queued,
        "conserved": told.holds,
        "crashes": info.crashes,
        "last_error": info.last_error,
        "dispatcher": info.dispatcher,
        "restart": info.restart,
        "watchers": list(info.watchers),
        "waits_for": info.waits_for,
    }


def info(cockpit: Cockpit, asked: Asked) -> object:
    """Everything the kernel knows of one actor."""
    return _info(cockpit.system.info(cockpit.ref(asked.text("path")).path))


def state(cockpit: Cockpit, asked: Asked) -> object:
    """What the actor shows of itself."""
    path = cockpit.ref(asked.text("path")).path
    try:
        described, consistent = cockpit.system.described(path, timeout_s=STATE_TIMEOUT_S)
    except LookupError as error:
        raise CommandRefusedError("no_state", str(error)) from error
    return {"path": path, "consistent": consistent, "state": shown(described)}


def peek(cockpit: Cockpit, asked: Asked) -> object:
    """The messages that wait, next first."""
    path = cockpit.ref(asked.text("path")).path
    waiting = cockpit.system.peek(path, limit=int(asked.number("limit", TOP_ROWS)))
    return {"path": path, "lanes": _info(cockpit.system.info(path))["lanes"], "messages": [*map(message_line, waiting)]}


def stack(cockpit: Cockpit, asked: Asked) -> object:
    """Where the actor's thread is."""
    path = cockpit.ref(asked.text("path")).path
    return {"path": path, "in_flight": cockpit.system.info(path).in_flight, "stack": cockpit.system.stack(path)}


def crashes(cockpit: Cockpit, asked: Asked) -> object:
    """The last crashes of one actor, or the incidents of all."""
    if not asked.text("path"):
        return [
            {
                "fingerprint": incident.fingerprint,
                "error": shown(incident.error),
                "crashes": incident.crashes,
                "first_at_ms": incident.first_at_ms,
                "paths": sorted(incident.paths),
            }
            for incident in cockpit.system.incidents()
        ]
    return [
        {
            "at_ms": record.at_ms,
            "epoch": record.epoch,
            "error": shown(record.error),
            "phase": record.phase,
            "message": record.message,
            "attempts": record.attempts,
            "uptime_s": round(record.uptime_s, 3),
            "traceback": record.traceback,
        }
        for record in cockpit.system.crashes(cockpit.ref(asked.text("path")).path)
    ]


def dead(cockpit: Cockpit, asked: Asked) -> object:
    """The last messages that nobody handled, newest last; ``number`` is what redeliver takes."""
    wanted = asked.text("filter")
    letters = [letter for letter in cockpit.system.dead_letters() if wanted in letter.path]
    return [
        {
            "number": letter.number,
            "at_ms": letter.at_ms,
            "path": letter.path,
            "reason": letter.reason,
            "age_s": round(letter.age_s, 3),
            "sender": letter.sender,
            "count": letter.count,
            "message": message_line(letter.message),
        }
        for letter in letters[-int(asked.number("limit", TOP_ROWS)) :]
    ]


def history(cockpit: Cockpit, asked: Asked) -> object:
    """What the kernel noticed of one actor, oldest first."""
    path = cockpit.ref(asked.text("path")).path
    return [
        {"at_ms": notice.at_ms, "what": type(notice).__name__, "detail": _detail(notice)}
        for notice in cockpit.notices.of(path)
    ]


def _detail(notice: Notice) -> str:
    fields = shown(notice)
    told = {"path", "at_ms"}
    items = fields.items() if isinstance(fields, dict) else ()
    return ", ".join(f"{name}={value}" for name, value in items if name not in told and value is not None)


def timers(cockpit: Cockpit, asked: Asked) -> object:
    """The pending timers of one actor, soonest first."""
    path = cockpit.ref(asked.text("path")).path
    return [{"key": timer.key, "due_in_s": round(timer.due_in_s, 3)} for timer in cockpit.system.timers(path)]


def waits(cockpit: Cockpit, _asked: Asked) -> object:
    """Who waits for whom: asks under way, and turns that take long, longest first."""
    loads = cockpit.system.loads()
    asking = [{"path": load.path, "waits_for": load.waits_for} for load in loads if load.waits_for is not None]
    busy = sorted((load for load in loads if load.in_flight is not None), key=lambda load: -load.busy_s)
    turns = [{"path": load.path, "in_flight": load.in_flight, "busy_s": round(load.busy_s, 3)} for load in busy]
    return {"asks": asking, "turns": turns}


def trace(cockpit: Cockpit, asked: Asked) -> object:
    """Tell each message that an actor handles, until so many or so long, or until the client says anything."""
    path = cockpit.ref(asked.text("path")).path
    most = min(int(asked.number("count", 100)) or 100, MAX_TRACED)
    looks = int(min(asked.number("seconds", 10) or 10, MAX_WINDOW_S) / TRACE_LOOK_S)
    seen: list[Handled] = []

    def note(handled: Handled) -> None:
        if len(seen) < most:
            seen.append(handled)

    told = 0
    cockpit.system.trace(path, note)
    try:
        while told < most and looks > 0 and asked.session.waited(TRACE_LOOK_S):
            looks -= 1
            for handled in seen[told:]:
                asked.session.send(
                    {
                        "at_ms": handled.at_ms,
                        "sender": handled.sender,
                        "message": message_line(handled.message),
                        "waited_ms": round(handled.waited_s * 1_000, 3),
                        "took_ms": round(handled.took_s * 1_000, 3),
                        "outcome": handled.outcome,
                    }
                )
                told += 1
    finally:
        cockpit.system.trace(path, None)
    return {"path": path, "messages": told}


def commands() -> list[Command]:
    """Commands that look at actors."""
    see = "see"
    seen_path = ArgumentSpec(name="path", kind=ArgumentKind.PATH, positional=True, summary="from here down")
    wanted = ArgumentSpec(name="filter", summary="only addresses that contain this")
    by = ArgumentSpec(
        name="by", kind=ArgumentKind.CHOICE, choices=SORT_KEYS, summary="what to sort by", default="mailbox"
    )
    window = ArgumentSpec(name="window", kind=ArgumentKind.NUMBER, summary="seconds to measure rates over")
    seconds = ArgumentSpec(name="seconds", kind=ArgumentKind.NUMBER, summary="for how long", default="10")
    count = ArgumentSpec(name="count", kind=ArgumentKind.NUMBER, summary="how many messages", default="100")
    several: list[tuple[Run, str, str, str, tuple[ArgumentSpec, ...], bool]] = [
        (tree, "tree", "groups and actors, and how they are", "tree position/paper", (seen_path,), False),
        (ps, "ps", "all addresses with their state", "ps --filter position", (wanted,), False),
        (
            Top(),
            "top",
            "the actors with most to do: mailbox, messages, restarts, time in the message at hand",
            "top --by rate --window 2",
            (by, window, wanted, LIMIT),
            False,
        ),
        (info, "info", "everything the kernel knows of one actor", "info journal", (PATH,), False),
        (state, "state", "what an actor shows of itself, and whether it could be asked", "state risk", (PATH,), False),
        (peek, "peek", "the messages that wait, next first", "peek journal --limit 5", (PATH, LIMIT), False),
        (stack, "stack", "where an actor's thread is now", "stack journal", (PATH,), False),
        (
            crashes,
            "crashes",
            "the last crashes of an actor with their traceback, or the incidents of all",
            "crashes position/paper/BTCUSDT",
            (ArgumentSpec(name="path", kind=ArgumentKind.PATH, positional=True, summary="the actor's address"),),
            False,
        ),
        (dead, "dead", "messages that nobody handled, newest last", "dead --limit 5", (wanted, LIMIT), False),
        (history, "history", "starts, crashes and restarts of an actor", "history journal", (PATH,), False),
        (timers, "timers", "what an actor will be woken up for", "timers position/paper/BTCUSDT", (PATH,), False),
        (waits, "waits", "who waits for whom, and who has been at one message for long", "waits", (), False),
        (
            trace,
            "trace",
            "each message that an actor handles, as it happens",
            "trace exchange/paper/execution --count 20",
            (PATH, count, seconds),
            True,
        ),
    ]
    return [
        Command(
            spec=CommandSpec(
                name=name, summary=summary, example=example, group=see, arguments=arguments, streams=streams
            ),
            run=run,
        )
        for run, name, summary, example, arguments, streams in several
    ]
