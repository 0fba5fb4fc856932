"""The live view of ``top``: what is on it, and what each key does. Draws text; knows nothing of the terminal.

Keys: s sort key, r back to the mailbox, / filter, t tree, space pause, up and down choose, enter looks into an actor,
tab is its next page, escape or q back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.shell.render import BAD, render, said, text_of

SORT_KEYS: Final = ("mailbox", "rate", "handled", "busy", "restarts", "crashes", "dead", "path")
PAGES: Final = ("info", "peek", "state", "stack", "crashes", "timers", "history")
TITLES: Final = {"peek": "mailbox"}
COLUMNS: Final = (
    ("mailbox", "box", 5),
    ("rate", "rate", 7),
    ("handled", "handled", 9),
    ("busy", "busy", 6),
    ("restarts", "rest", 5),
    ("crashes", "crash", 6),
    ("dead", "dead", 5),
)
"""Field, title and width: with the state they leave 27 of 80 columns for the address."""
STATE_WIDTH: Final = 9
MIN_PATH: Final = 20
HEAD_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line of the screen, and how it is to be coloured."""

    text: str
    style: str = ""


@dataclass(slots=True)
class TopScreen:
    """What the viewer has chosen, and the last answers.

    Attributes:
        typing: The filter while it is being typed; ``None`` otherwise.
        looking_into: The actor whose pages are shown; empty in the list.
    """

    account: str = ""
    by: str = "mailbox"
    wanted: str = ""
    typing: str | None = None
    paused: bool = False
    shows_tree: bool = False
    chosen: int = 0
    looking_into: str = ""
    page: str = PAGES[0]
    top: Mapping[str, Any] = field(default_factory=dict)
    answer: Any = None
    trouble: str = ""
    over: bool = False

    # --- what to ask for ----------------------------------------------------------------------------------------------

    def question(self) -> tuple[str, dict[str, object]]:
        """The command whose answer the screen shows next."""
        if self.looking_into:
            return self.page, {"path": self.looking_into}
        if self.shows_tree:
            return "tree", {}
        return "top", {"by": self.by, "filter": self.wanted, "limit": 0}

    def take(self, question: tuple[str, Mapping[str, object]], answer: Any) -> None:
        """An answer came; one to a question that is not asked any more is of no use."""
        if question[0] != self.question()[0]:
            return
        self.trouble = ""
        if question[0] == "top":
            self.top = answer
            self.chosen = max(min(self.chosen, len(self._rows()) - 1), 0)
        else:
            self.answer = answer

    # --- keys ---------------------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """What ``key`` does: a character, or ``up``, ``down``, ``enter``, ``tab``, ``escape``, ``backspace``."""
        if self.typing is not None:
            self._type(key)
            return
        match key:
            case "q" | "escape":
                self._back()
            case " ":
                self.paused = not self.paused
            case "tab" if self.looking_into:
                self.page = PAGES[(PAGES.index(self.page) + 1) % len(PAGES)]
                self.answer = None
            case _ if not self.looking_into:
                self._press_in_list(key)

    def _press_in_list(self, key: str) -> None:
        match key:
            case "s":
                self.by = SORT_KEYS[(SORT_KEYS.index(self.by) + 1) % len(SORT_KEYS)]
            case "r":
                self.by = SORT_KEYS[0]
            case "t":
                self.shows_tree = not self.shows_tree
                self.answer = None
            case "/":
                self.typing = self.wanted
            case "up":
                self.chosen = max(self.chosen - 1, 0)
            case "down":
                self.chosen = min(self.chosen + 1, max(len(self._rows()) - 1, 0))
            case "enter" if self._rows() and not self.shows_tree:
                self.looking_into = str(self._rows()[self.chosen]["path"])
                self.page, self.answer = PAGES[0], None

    def _type(self, key: str) -> None:
        typed = self.typing or ""
        match key:
            case "enter":
                self.wanted, self.typing, self.chosen = typed, None, 0
            case "escape":
                self.typing = None
            case "backspace":
                self.typing = typed[:-1]
            case _ if len(key) == 1:
                self.typing = typed + key

    def _back(self) -> None:
        if self.looking_into:
            self.looking_into, self.answer = "", None
        elif self.shows_tree:
            self.shows_tree = False
        elif self.wanted:
            self.wanted = ""
        else:
            self.over = True

    # --- drawing ------------------------------------------------------------------------------------------------------

    def draw(self, width: int, height: int) -> list[Drawn]:
        """The screen, at most ``height`` lines of at most ``width`` columns."""
        lines = [self._head(width), *self._body(width, height - HEAD_LINES)]
        lines = [Drawn(line.text[:width], line.style) for line in lines[: height - 1]]
        return [*lines, Drawn(self._foot()[:width], "reverse")]

    def _head(self, width: int) -> Drawn:
        left = f"{self.top.get('actors', '…')} actors  queued {self.top.get('queued', '…')}"
        left += f"  dead {self.top.get('dead_lettered', '…')}  incidents {self.top.get('incidents', '…')}"
        right = "PAUSED" if self.paused else f"by {self.by}" + (f" /{self.wanted}" if self.wanted else "")
        if self.trouble:
            return Drawn(self.trouble, "bold red")
        return Drawn(f"{left}{right:>{max(width - len(left), len(right) + 2)}}", "bold")

    def _foot(self) -> str:
        if self.typing is not None:
            return f"filter: {self.typing}_   enter takes it, escape does not"
        if self.looking_into:
            pages = " ".join(
                f"[{TITLES.get(page, page)}]" if page == self.page else TITLES.get(page, page) for page in PAGES
            )
            return f"{pages}   tab next, q back"
        return "s sort  / filter  t tree  space pause  enter look into it  q leave"

    def _body(self, width: int, height: int) -> list[Drawn]:
        if self.looking_into or self.shows_tree:
            return self._answered(width)
        path_width = max(width - STATE_WIDTH - sum(columns for *_, columns in COLUMNS) - 1, MIN_PATH)
        titles = "".join(f"{title:>{columns}}" for _, title, columns in COLUMNS)
        lines = [Drawn(f"{'actor':<{path_width}} {'state':<{STATE_WIDTH}}{titles}", "underline")]
        rows = self._rows()
        first = max(0, min(self.chosen - height // 2, len(rows) - height + 1))
        for number, row in enumerate(rows[first : first + max(height - 1, 1)], start=first):
            lines.append(self._row(row, path_width, chosen=number == self.chosen))
        return lines

    def _row(self, row: Mapping[str, Any], path_width: int, *, chosen: bool) -> Drawn:
        path = str(row["path"])
        if len(path) > path_width:
            path = f"…{path[-(path_width - 1) :]}"
        figures = "".join(f"{said(name, row[name]):>{columns}}" for name, _, columns in COLUMNS)
        text = f"{path:<{path_width}} {row['state'][:STATE_WIDTH]:<{STATE_WIDTH}}{figures}"
        if chosen:
            return Drawn(text, "reverse")
        return Drawn(text, "bold red" if row["state"] in BAD else "yellow" if row["crashes"] else "")

    def _answered(self, width: int) -> list[Drawn]:
        what = self.looking_into or "tree"
        if self.answer is None:
            return [Drawn(what, "underline"), Drawn("…")]
        command = self.question()[0]
        text = text_of(render(command, self.answer), width=width)
        return [Drawn(what, "underline"), *(Drawn(line) for line in text.splitlines())]

    def _rows(self) -> Sequence[Mapping[str, Any]]:
        rows = self.top.get("rows", [])
        return rows if isinstance(rows, list) else []
