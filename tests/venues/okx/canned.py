"""A server that gives prepared answers and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from adapters.venues.okx import OkxClient, OkxRest
from adapters.venues.rest import VenueConfig
from tests.venues.okx.running import KEYS, VENUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: what it says, without time and signature."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is given back; text is sent as it is, anything else as JSON."""

    body: Any
    status: int = 200


Router = Callable[[Asked], Answer]


@dataclass
class Canned:
    """A client of ours, and what it asked."""

    rest: OkxRest
    client: OkxClient
    asked: list[Asked] = field(default_factory=list)


def success(*rows: Any) -> Answer:
    return Answer(body={"code": "0", "data": list(rows), "msg": ""})


@contextmanager
def canned(route: Router, *, hedge: bool = False) -> Iterator[Canned]:
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # one packet an answer: in two, each would wait for an acknowledgement

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            request = Asked(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                body=json.loads(body) if body else None,
            )
            asked.append(request)
            given = route(request)
            data = (given.body if isinstance(given.body, str) else json.dumps(given.body)).encode()
            self.send_response(given.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer  # noqa: N815 - the names that the library calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Nothing: tests speak by asserting."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
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
    rest = OkxRest(config)
    client = rest.client()
    try:
        yield Canned(rest=rest, client=client, asked=asked)
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join(5.0)
