"""A server that gives prepared answers and remembers what it was asked: what a recording was made with."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from adapters.venues.bitget import BitgetClient, BitgetRest
from adapters.venues.rest import VenueConfig
from tests.venues.bitget.running import KEYS, VENUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is given back; a body that is not text is sent as JSON."""

    body: Any
    status: int = 200

    @property
    def raw(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Router = Callable[[Asked], Answer]


@dataclass
class Canned:
    """The server, and our account and a client of ours on it."""

    rest: BitgetRest
    client: BitgetClient
    asked: list[Asked] = field(default_factory=list)


def success(data: Any) -> Answer:
    return Answer(body={"code": "00000", "msg": "success", "requestTime": 1_700_000_000_000, "data": data})


@contextmanager
def canned(route: Router, *, hedge: bool = False) -> Iterator[Canned]:
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Asked(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                body=self.rfile.read(length).decode(),
            )
            asked.append(request)
            answer = route(request)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.raw)))
            self.end_headers()
            self.wfile.write(answer.raw)

        do_GET = do_POST = answer  # noqa: N815 - the names that the library calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Nothing: tests speak by asserting."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    config = VenueConfig(
        venue=VENUE,
        api_key=KEYS.api_key,
        api_secret=KEYS.api_secret,
        api_passphrase=KEYS.api_passphrase,
        rest_url=f"http://127.0.0.1:{server.server_address[1]}",
        hedge=hedge,
        timeout_ms=2_000,
    )
    rest = BitgetRest(config)
    client = rest.client()
    try:
        yield Canned(rest=rest, client=client, asked=asked)
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
