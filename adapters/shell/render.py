"""Answers of the process as people read them: tables for rows, lines for fields, a tree for the tree."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Final, Literal

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

GOOD: Final = frozenset({"running", "HEALTHY", "fine", "working", "handled", "ok"})
BAD: Final = frozenset(
    {"parked", "down", "suspended", "backoff", "CRITICAL", "crashed", "removed", "ActorParked", "ActorHung"}
)
COLUMNS: Final = {
    "positions": (
        "venue",
        "symbol",
        "side",
        "quantity",
        "entry_price",
        "price",
        "stop_price",
        "protected",
        "unrealized_pnl",
    ),
    "commands": ("name", "role", "summary"),
    "top": ("path", "state", "mailbox", "rate", "handled", "busy", "restarts", "crashes", "dead"),
}
"""What of rows with many fields fits into a terminal; ``--json`` gives everything."""
TITLES: Final = {"entry_price": "entry", "stop_price": "stop", "unrealized_pnl": "pnl", "protected": "safe"}
STATUS_WORDS: Final = {
    "health": "health",
    "mode": "mode",
    "account": "account",
    "now_ms": "at, UTC",
    "started_ms": "running since",
    "equity": "equity, USD",
    "realized_pnl": "realised, USD",
    "unprotected": "unprotected now",
    "unprotected_seconds": "unprotected in all, s",
    "signals_accepted": "signals taken",
    "signals_rejected": "signals refused",
    "signals_stalled": "signals stalled",
    "database": "database",
    "note": "note",
}
"""The status in the words of the table on the screen, in the order in which they matter; the rest is below."""
NEVER_FOLDED: Final = frozenset({"path", "symbol", "state"})
WIDE: Final = frozenset({"traceback", "stack"})
"""Shown below the row that they belong to, as they are."""


def style_of(value: object) -> str:
    """Colour for trouble, and for what is as it should be."""
    if value is False or str(value) in BAD:
        return "bold red"
    return "green" if str(value) in GOOD else ""


def said(name: str, value: object) -> str:
    """One value as a person reads it; ``name`` tells what it measures."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_ms") and isinstance(value, int) and value > 10**12:
        return datetime.fromtimestamp(value / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    if isinstance(value, Mapping):
        return " ".join(f"{key}={said(key, item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(said("", item) for item in value) or "-"
    return str(value)


def render(command: str, result: Any) -> RenderableType:
    """``result`` of ``command``, for a terminal."""
    if command == "tree":
        return _tree(result)
    if command == "status":
        return _status(result)
    if command == "explain":
        return Text("\n".join(result["lines"]))
    if isinstance(result, Mapping) and "fine" in result:
        findings = result["findings"] or ["fine"]
        return Group(*(Text(line, style="green" if result["fine"] else "bold red") for line in findings))
    if isinstance(result, Mapping) and "rows" in result:
        rest = {name: value for name, value in result.items() if name != "rows"}
        return Group(_rows(result["rows"], command), Text(), _fields(rest))
    if isinstance(result, list):
        return _rows(result, command) if result and isinstance(result[0], Mapping) else _lines(result)
    if isinstance(result, Mapping):
        return _fields(result)
    return Text(str(result))


def text_of(renderable: RenderableType, *, width: int, colour: bool = False) -> str:
    """What ``renderable`` looks like in so many columns."""
    colours: Literal["standard"] | None = "standard" if colour else None
    drawn = StringIO()
    console = Console(file=drawn, width=width, force_terminal=colour, color_system=colours, legacy_windows=False)
    console.print(renderable)
    return drawn.getvalue()


def _status(status: Mapping[str, Any]) -> RenderableType:
    """What ``holdfast status`` tells, as fields; one that nobody has a word for yet is shown by its name."""
    lists = {"positions", "components"}
    names = [*(name for name in STATUS_WORDS if name in status), *(name for name in status if name not in STATUS_WORDS)]
    told = {STATUS_WORDS.get(name, name): _said_of_status(name, status[name]) for name in names if name not in lists}
    if not status.get("note"):
        told.pop(STATUS_WORDS["note"], None)
    parts: list[RenderableType] = [_fields(told)]
    for name in ("positions", "components"):
        parts += [Text(f"\n{name}", style="bold"), _rows(status.get(name) or [], name)]
    return Group(*parts)


def _said_of_status(name: str, value: Any) -> Any:
    return said(name, value) if name.endswith("_ms") else value


def _rows(rows: Sequence[Any], kind: str = "") -> RenderableType:
    if not rows:
        return Text("nothing")
    names = COLUMNS.get(kind) or list(dict.fromkeys(name for row in rows for name in row if name not in WIDE))
    table = Table(box=None, pad_edge=False, header_style="bold", collapse_padding=True)
    for name in names:
        number = all(isinstance(row.get(name), int | float) and not name.endswith("_ms") for row in rows)
        justify: Literal["left", "right"] = "right" if number else "left"
        table.add_column(TITLES.get(name, name), justify=justify, overflow="fold", no_wrap=name in NEVER_FOLDED)
    for row in rows:
        table.add_row(*(Text(said(name, row.get(name)), style=style_of(row.get(name))) for name in names))
    wide = [Text(f"\n{row[name].rstrip()}") for row in rows for name in WIDE if row.get(name)]
    return Group(table, *wide)


def _fields(fields: Mapping[str, Any]) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    below: list[RenderableType] = []
    for name, value in fields.items():
        if name in WIDE:
            below.append(Text(f"\n{str(value).rstrip() or 'not in a turn'}"))
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            below.append(Group(Text(f"\n{name}", style="bold"), _rows(value, name)))
        elif isinstance(value, list) and value and len(said(name, value)) > 60:  # noqa: PLR2004 - what fits beside a name
            below.append(Group(Text(f"\n{name}", style="bold"), _lines(value)))
        elif isinstance(value, Mapping) and any(isinstance(item, Mapping | list) for item in value.values()):
            below.append(Group(Text(f"\n{name}", style="bold"), _fields(value)))
        else:
            table.add_row(name, Text(said(name, value), style=style_of(value)))
    return Group(table, *below)


def _lines(values: Sequence[object]) -> RenderableType:
    return Text("\n".join(said("", value) for value in values) or "nothing")


def _tree(node: Mapping[str, Any]) -> Tree:
    tree = Tree(_node(node), guide_style="dim")
    _grow(tree, node)
    return tree


def _grow(tree: Tree, node: Mapping[str, Any]) -> None:
    for child in node["children"]:
        _grow(tree.add(_node(child)), child)


def _node(node: Mapping[str, Any]) -> str:
    style = style_of(node["state"]) or "yellow"
    kind = "" if node["kind"] == "actor" else f" [dim]{node['kind']}[/dim]"
    return f"{escape(node['path'])}{kind} [{style}]{escape(node['state'])}[/{style}]"
