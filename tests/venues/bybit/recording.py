"""A server that gives prepared answers and writes down what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from adapters.simulator.wire.dialect import Keys
from adapters.venues.bybit import BybitClient, BybitRest
from adapters.venues.bybit_rows import BYBIT
from adapters.venues.rest import VenueConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: its parameters from the query or the JSON body."""

    method: str
    path: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An answer; ``body`` is sent as it is when it is text."""

    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Prepared]


def asked_of(method: str, path: str, query: str, body: str) -> Asked:
    fields: dict[str, Any] = dict(parse_qsl(query))
    if body:
        fields.update(json.loads(body))
    return Asked(method=method, path=path, fields=fields)


class Recording:
    """The server, and what it was asked."""

    def __init__(self, answering: Answering) -> None:
        self.asked: list[Asked] = []
        recording = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536  # one packet an answer: in two, each would wait for an acknowledgement

            def do_GET(self) -> None:
                self._answer("")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def _answer(self, body: str) -> None:
                url = urlsplit(self.path)
                asked = asked_of(self.command, url.path, url.query, body)
                recording.asked.append(asked)
                prepared = answering(asked)
                text = prepared.body if isinstance(prepared.body, str) else json.dumps(prepared.body)
                data = text.encode()
                self.send_response(prepared.status)
                for name, value in {**prepared.headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden
                """Not on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def config_for(url: str, *, hedge: bool = False) -> VenueConfig:
    """How to reach ``url`` with keys that a test may know."""
    keys = Keys()
    return VenueConfig(
        venue=BYBIT,
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        rest_url=url,
        hedge=hedge,
        timeout_ms=2_000,
    )


@contextmanager
def recording(answering: Answering, *, hedge: bool = False) -> Iterator[tuple[BybitClient, Recording]]:
    """Our client, connected to prepared answers."""
    server = Recording(answering)
    server.start()
    client = BybitRest(config_for(server.url, hedge=hedge)).client()
    try:
        yield client, server
    finally:
        client.close()
        server.stop()


def success(result: object) -> Prepared:
    """A result in the venue's envelope."""
    return Prepared(body={"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1_700_000_000_000})
