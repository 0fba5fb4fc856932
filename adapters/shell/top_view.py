"""The live view on a terminal: keys in, the screen out, and a thread that asks once a second."""

import threading
from typing import Final

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from adapters.shell.client import RefusedError, ShellClient
from adapters.shell.top_screen import TopScreen
from adapters.shell.wire import WireError

ASK_EVERY_S: Final = 1.0
JOIN_S: Final = 2.0
NAMES: Final = {
    Keys.Up: "up",
    Keys.Down: "down",
    Keys.Enter: "enter",
    Keys.Tab: "tab",
    Keys.Escape: "escape",
    Keys.Backspace: "backspace",
}
STYLE: Final = Style.from_dict({"bad": "ansired bold", "doubtful": "ansiyellow"})
STYLES: Final = {"bold red": "class:bad", "yellow": "class:doubtful"}


class TopView:
    """Shows a :class:`TopScreen` until its viewer leaves it."""

    def __init__(
        self, client: ShellClient, screen: TopScreen, *, source: Input | None = None, sink: Output | None = None
    ) -> None:
        self._client = client
        self._screen = screen
        self._lock = threading.Lock()
        self._again = threading.Event()
        self._over = threading.Event()
        self._application: Application[None] = Application(
            layout=Layout(Window(FormattedTextControl(self._text), wrap_lines=False, always_hide_cursor=True)),
            key_bindings=self._keys(),
            full_screen=True,
            style=STYLE,
            input=source,
            output=sink,
        )
        # A lone escape is told from the beginning of an arrow key by what does not follow.
        self._application.ttimeoutlen = 0.05

    def run(self) -> None:
        """Show until the viewer leaves."""
        asking = threading.Thread(target=self._ask, name="shell-top", daemon=True)
        asking.start()
        try:
            self._application.run()
        finally:
            self._over.set()
            self._again.set()
            asking.join(JOIN_S)

    def _keys(self) -> KeyBindings:
        bindings = KeyBindings()

        @bindings.add(Keys.Any)
        def _(event: KeyPressEvent) -> None:
            self._press(event.key_sequence[0].data)

        for key, name in NAMES.items():
            bindings.add(key, eager=key is not Keys.Escape)(self._pressing(name))
        bindings.add(Keys.ControlC)(lambda event: event.app.exit())
        return bindings

    def _pressing(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a handler of prompt_toolkit's own type
        return lambda _event: self._press(name)

    def _press(self, key: str) -> None:
        with self._lock:
            self._screen.press(key)
            over = self._screen.over
        if over:
            self._application.exit()
        else:
            self._again.set()

    def _text(self) -> StyleAndTextTuples:
        size = get_app().output.get_size()
        with self._lock:
            lines = self._screen.draw(size.columns, size.rows)
        return [(STYLES.get(line.style, line.style), f"{line.text:<{size.columns}}\n") for line in lines]

    def _ask(self) -> None:
        while not self._over.is_set():
            with self._lock:
                question, paused = self._screen.question(), self._screen.paused and bool(self._screen.top)
            if not paused or question[0] != "top":
                self._put(question)
            self._application.invalidate()
            self._again.wait(ASK_EVERY_S)
            self._again.clear()

    def _put(self, question: tuple[str, dict[str, object]]) -> None:
        try:
            answer = self._client.ask(*question)
        except RefusedError as error:
            answer = str(error)
            if question[0] == "top":
                with self._lock:
                    self._screen.trouble = answer
                return
        except WireError as error:
            with self._lock:
                self._screen.trouble = f"the process does not answer: {error}"
            return
        with self._lock:
            self._screen.take(question, answer)
