"""The laws of the house, read from the source itself: who may import whom, and what may not be in which room."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

Findings: TypeAlias = Iterator[tuple[int, str]]
"""Line and what is wrong there."""
Law: TypeAlias = Callable[["Source"], Findings]

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("actors", "adapters", "messages", "persistence", "rules")
MODULES = (
    "supervisor.py",
    "holdfast.py",
    "run_check.py",
    "run_parts.py",
    "run_replay.py",
    "run_settings.py",
    "run_shell.py",
    "run_venues.py",
)

EVERY_ROOM = {"actors", "actors/kernel", "adapters", "messages", "persistence", "rules"}
MAY_IMPORT = {
    "messages": {"messages"},
    "rules": {"messages", "rules"},
    "actors/kernel": {"actors/kernel", "messages.delivery"},
    "actors": {"actors", "actors/kernel", "messages", "rules"},
    "adapters": {"adapters", "messages"},
    "persistence": {"messages", "persistence"},
    "run_parts.py": EVERY_ROOM,
    "run_venues.py": {"run_parts.py", *EVERY_ROOM},
    "run_check.py": {"run_parts.py", "run_venues.py", *EVERY_ROOM},
    "run_replay.py": {"run_parts.py", *EVERY_ROOM},
    "run_settings.py": {"run_parts.py", *EVERY_ROOM},
    "run_shell.py": {"run_parts.py", *EVERY_ROOM},
    "supervisor.py": {
        "run_check.py",
        "run_parts.py",
        "run_replay.py",
        "run_settings.py",
        "run_shell.py",
        "run_venues.py",
        *EVERY_ROOM,
    },
    "holdfast.py": {"run_check.py", "run_parts.py", "run_settings.py", "run_venues.py", "supervisor.py", *EVERY_ROOM},
}
NO_CLOCK_NO_CHANCE = {"asyncio", "random", "secrets", "threading", "time", "uuid"}
NO_OUTSIDE_WORLD = {"io", "logging", "loguru", "os", "pathlib", "requests", "socket", "sqlite3", "subprocess", "sys"}
FORBIDDEN_FILE_NAMES = {"utils.py", "util.py", "helpers.py", "helper.py", "manager.py", "base.py", "common.py"}
VENUE_NAMES = re.compile(r"(?i)(?<![a-z])(bybit|bitget|okx|binance)(?![a-z])")
HEADINGS = ("**Owns", "**Accepts", "**Sends", "**On crash")
LONGEST_FILE = 500
FILE_WANTS_SPLITTING = 400


@dataclass(frozen=True, slots=True)
class Source:
    """A file of ours: its place below the project's root, and its text."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return parsed(self.text)

    @property
    def home(self) -> str:
        return "actors/kernel" if self.name.startswith("actors/kernel/") else self.name.split("/", maxsplit=1)[0]


@cache
def parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def source(path: Path) -> Source:
    return Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def sources(*rooms: str) -> list[Source]:
    return [
        source(path) for room in rooms for path in sorted((ROOT / room).rglob("*.py")) if "versions" not in path.parts
    ]


def shipped() -> list[Source]:
    return [*sources(*PACKAGES), *(source(ROOT / name) for name in MODULES if (ROOT / name).exists())]


def name_of(each: Source) -> str:
    return each.name


def room_of(module: str) -> str | None:
    """The room of an imported module of ours, or ``None`` for somebody else's."""
    first, *rest = module.split(".")
    if f"{first}.py" in MODULES:
        return f"{first}.py"
    if first not in PACKAGES:
        return None
    return "actors/kernel" if first == "actors" and rest[:1] == ["kernel"] else first


def imports(where: Source) -> Findings:
    """Line and full name of everything that is imported, wherever in the file."""
    package = where.name.split("/")[:-1]
    for node in ast.walk(where.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def broken(where: Source, law: Law) -> list[str]:
    return [f"{where.name}:{line} {what}" for line, what in law(where)]


def docstrings(tree: ast.Module) -> set[int]:
    """Ids of the constants that are documentation: strings that stand alone as a statement."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def foreign_imports(where: Source) -> Findings:
    allowed = MAY_IMPORT[where.home]
    for line, module in imports(where):
        room = room_of(module)
        exact = any(module == name or module.startswith(f"{name}.") for name in allowed)
        if room is not None and room not in allowed and not exact:
            yield line, f"imports {module}"


def clocks_and_chance(where: Source) -> Findings:
    return ((line, f"imports {name}") for line, name in imports(where) if name.split(".")[0] in NO_CLOCK_NO_CHANCE)


def outside_world(where: Source) -> Findings:
    return ((line, f"imports {name}") for line, name in imports(where) if name.split(".")[0] in NO_OUTSIDE_WORLD)


def readings_of_the_clock(where: Source) -> Findings:
    for node in ast.walk(where.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
            owner = ast.unparse(node.value)
            if owner.split(".")[-1] in {"datetime", "date"}:
                yield node.lineno, f"reads the clock: {owner}.{node.attr}"


def floats_made(where: Source) -> Findings:
    for node in ast.walk(where.tree):
        match node:
            case ast.Call(func=ast.Name(id="float"), args=arguments):
                # A score is no money: it is compared, never added up.
                if not any("score" in ast.unparse(argument) for argument in arguments):
                    yield node.lineno, "makes a float"


def venue_names(where: Source) -> Findings:
    documentation = docstrings(where.tree)
    for node in ast.walk(where.tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documentation:
                found = text
            case ast.Name(id=found) | ast.Attribute(attr=found) | ast.arg(arg=found) | ast.ClassDef(name=found):
                pass
            case ast.FunctionDef(name=found):
                pass
            case _:
                continue
        if VENUE_NAMES.search(found):
            yield node.lineno, f"names a venue: {found!r}"


def waits_for_ever(where: Source) -> Findings:
    """A thread that waits must not wait for ever; what is awaited holds no thread, and ends with its event loop."""
    awaited = {inner for node in ast.walk(where.tree) if isinstance(node, ast.Await) for inner in ast.walk(node.value)}
    for node in ast.walk(where.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="wait" | "join" | "get" as name), args=[], keywords=[]):
                if node not in awaited:
                    yield node.lineno, f"{name}() without a time-out"


def texts_without_encoding(where: Source) -> Findings:
    for node in ast.walk(where.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="read_text" | "write_text" as name), keywords=keywords):
                binary = False
            case ast.Call(func=ast.Name(id="open" as name), args=arguments, keywords=keywords):
                binary = any(isinstance(each, ast.Constant) and "b" in str(each.value) for each in arguments[1:2])
            case _:
                continue
        if not binary and "encoding" not in {keyword.arg for keyword in keywords}:
            yield node.lineno, f"{name} without encoding"


def actor_modules() -> list[Source]:
    """Files of ``actors/`` in which a class is an actor, by the name of what it is derived from."""
    return [
        each
        for each in sources("actors")
        if each.home == "actors"
        and any(
            isinstance(node, ast.ClassDef) and any(ast.unparse(parent).endswith("Actor") for parent in node.bases)
            for node in each.tree.body
        )
    ]


def missing_headings(where: Source) -> Findings:
    text = ast.get_docstring(where.tree) or ""
    return ((1, f"does not say {heading}") for heading in HEADINGS if heading not in text)


LAWS: tuple[tuple[Law, list[Source]], ...] = (
    (foreign_imports, shipped()),
    (clocks_and_chance, [each for each in sources("actors", "rules") if each.home != "actors/kernel"]),
    (readings_of_the_clock, [each for each in sources("actors", "rules") if each.home != "actors/kernel"]),
    (outside_world, sources("rules")),
    (floats_made, sources("rules", "messages")),
    (venue_names, sources("actors", "rules", "messages", "persistence")),
    (waits_for_ever, shipped()),
    (texts_without_encoding, shipped()),
    (missing_headings, actor_modules()),
)
BREACHES: tuple[tuple[Law, str, str], ...] = (
    (foreign_imports, "rules/x.py", "from actors import position"),
    (foreign_imports, "rules/x.py", "def f():\n    import adapters.logs"),
    (foreign_imports, "adapters/x.py", "from persistence.store import SqlStore"),
    (foreign_imports, "adapters/x.py", "from rules.pnl import apply_fill"),
    (foreign_imports, "persistence/x.py", "from adapters import logs"),
    (foreign_imports, "actors/x.py", "import supervisor"),
    (foreign_imports, "actors/kernel/x.py", "from messages.values import Side"),
    (foreign_imports, "actors/kernel/x.py", "from .. import ports"),
    (foreign_imports, "messages/x.py", "from rules import pnl"),
    (clocks_and_chance, "rules/x.py", "from time import monotonic"),
    (readings_of_the_clock, "rules/x.py", "from datetime import datetime\nx = datetime.now()"),
    (readings_of_the_clock, "actors/x.py", "import datetime\nx = datetime.datetime.now(tz=1)"),
    (outside_world, "rules/x.py", "import logging"),
    (floats_made, "rules/x.py", "x = float('1')"),
    (venue_names, "actors/x.py", "if venue == 'bybit': pass"),
    (venue_names, "rules/x.py", "def binance_stop(): pass"),
    (waits_for_ever, "actors/x.py", "event.wait()"),
    (texts_without_encoding, "persistence/x.py", "open('x')"),
    (texts_without_encoding, "persistence/x.py", "path.read_text()"),
    (missing_headings, "actors/x.py", '"""**Owns** a stop. **Accepts** ticks. **Sends** nothing."""'),
)
KEPT: tuple[tuple[Law, str, str], ...] = (
    (foreign_imports, "rules/x.py", "from decimal import Decimal\nfrom messages.values import Side"),
    (foreign_imports, "actors/kernel/x.py", "from messages.delivery import Lane\nfrom actors.kernel.ref import Ref"),
    (foreign_imports, "actors/x.py", "from rules import pnl\nfrom actors.kernel import Actor"),
    (floats_made, "rules/x.py", "x = float(score_week)"),
    (venue_names, "messages/x.py", '"""The strictest rule is that of okx."""\nx = venue'),
    (waits_for_ever, "actors/x.py", "event.wait(1.0)\nvalues.get('a')\n','.join(words)"),
    (texts_without_encoding, "persistence/x.py", "open('x', 'rb')\nopen('x', encoding='utf-8')"),
)


def cases(table: tuple[tuple[Law, list[Source]], ...]) -> Iterator[tuple[Law, Source]]:
    return ((law, each) for law, where in table for each in where)


@pytest.mark.parametrize(
    ("law", "where"), [pytest.param(*case, id=f"{case[0].__name__}-{case[1].name}") for case in cases(LAWS)]
)
def test_a_file_keeps_the_law_of_its_room(law: Law, where: Source) -> None:
    assert broken(where, law) == []


@pytest.mark.parametrize(("law", "name", "text"), BREACHES)
def test_each_law_sees_what_breaks_it(law: Law, name: str, text: str) -> None:
    assert broken(Source(name, text), law) != []


@pytest.mark.parametrize(("law", "name", "text"), KEPT)
def test_no_law_sees_a_breach_where_there_is_none(law: Law, name: str, text: str) -> None:
    assert broken(Source(name, text), law) == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    names = [each.name for each in [*shipped(), *sources("tests")]]
    assert [name for name in names if name.rsplit("/", maxsplit=1)[-1] in FORBIDDEN_FILE_NAMES] == []


def test_no_file_is_too_long_to_read(record_property: Callable[[str, object], None]) -> None:
    lines = {each.name: len(each.text.splitlines()) for each in shipped()}
    record_property("wants_splitting", {name: count for name, count in lines.items() if count > FILE_WANTS_SPLITTING})
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


def test_every_room_has_its_law_and_is_a_package_that_can_be_installed() -> None:
    assert {each.home for each in shipped()} <= set(MAY_IMPORT)
    assert all((ROOT / package / "__init__.py").is_file() for package in PACKAGES)
