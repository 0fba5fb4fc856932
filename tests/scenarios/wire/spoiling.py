"""A venue's answers, spoilt on their way: what a venue does that its engine would not."""

import json
from collections.abc import Callable
from typing import Protocol

from adapters.simulator.wire.dialect import HttpResponse

IDS = frozenset({"orderId", "ordId", "algoId", "orderID"})
"""What the venues call the id that they give an order."""


class Spoiler(Protocol):
    """Looks at every REST request of the process."""

    def instead(self, method: str, path: str) -> HttpResponse | None:
        """What is answered without asking the exchange; ``None`` to ask it."""
        ...

    def spoilt(self, method: str, path: str, answer: HttpResponse) -> HttpResponse:
        """What becomes of the exchange's answer."""
        ...


class Refusing:
    """Answers requests of a path by itself: HTTP 200, with an error inside; the first ``times`` of them."""

    def __init__(self, wanted: Callable[[str], bool], body: object, *, times: int) -> None:
        self._wanted = wanted
        self._body = body
        self.left = times

    def instead(self, method: str, path: str) -> HttpResponse | None:
        if method != "POST" or not self._wanted(path) or self.left == 0:
            return None
        self.left -= 1
        return HttpResponse(body=json.dumps(self._body).encode())

    def spoilt(self, method: str, path: str, answer: HttpResponse) -> HttpResponse:
        _ = method, path
        return answer


class Nameless:
    """Takes the venue's id out of the answers to what is created, the first ``times`` of them."""

    def __init__(self, wanted: Callable[[str], bool], *, times: int) -> None:
        self._wanted = wanted
        self.left = times

    def instead(self, method: str, path: str) -> HttpResponse | None:
        _ = method, path
        return None

    def spoilt(self, method: str, path: str, answer: HttpResponse) -> HttpResponse:
        if method != "POST" or not self._wanted(path) or self.left == 0:
            return answer
        self.left -= 1
        return HttpResponse(body=json.dumps(_without_ids(json.loads(answer.body))).encode(), status=answer.status)


def _without_ids(value: object) -> object:
    if isinstance(value, dict):
        return {name: "" if name in IDS else _without_ids(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_ids(each) for each in value]
    return value
