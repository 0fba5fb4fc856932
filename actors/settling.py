"""Who asked at the end of the process whether everything is settled, and waits for the answer."""

from actors.kernel import Context, Reply


class Settling:
    """Answers are kept back until nothing is under way any more."""

    def __init__(self) -> None:
        self._waiting: list[Reply] = []

    def asked(self, context: Context) -> None:
        """Keep the answer to the message that is being handled."""
        self._waiting.append(context.defer_reply())

    def answer(self) -> None:
        """Nothing is under way: everybody who waits is told."""
        waiting, self._waiting = self._waiting, []
        for reply in waiting:
            reply.send(None)
