"""A server that gives prepared answers and writes down what it was asked, and the recorded facts."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapters.simulator.wire.dialect import Keys
from adapters.venues.binance import BinanceRest
from adapters.venues.binance_client import BinanceClient
from adapters.venues.binance_reports import BINANCE
from adapters.venues.rest import VenueConfig

ROOT = Path(__file__).resolve().parents[3]
MODES = {"feeTier": 0, "canTrade": True, "dualSidePosition": False, "multiAssetsMargin": False, "tradeGroupId": -1}
"""The account's modes, as the venue's documentation has them: they are not among the recorded answers."""
CHANGES_EACH_TIME = {"timestamp", "signature"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request; ``params`` from the query or the body, in their order, without the time and the signature."""

    method: str
    path: str
    params: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An answer; ``body`` is sent as it is when it is text. ``silent`` never answers."""

    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False


Answering = Callable[[Asked], Prepared]


def asked_of(method: str, path: str, query: str, body: str) -> Asked:
    params = dict(parse_qsl(query + body, keep_blank_values=True))
    return Asked(
        method=method, path=path, params={name: text for name, text in params.items() if name not in CHANGES_EACH_TIME}
    )


class PreparedServer:
    """The server, and what it was asked."""

    def __init__(self, answering: Answering) -> None:
        self.asked: list[Asked] = []
        self._over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536  # one packet an answer: in two, each would wait for an acknowledgement

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                url = urlsplit(self.path)
                asked = asked_of(self.command, url.path, url.query, body)
                server.asked.append(asked)
                prepared = answering(asked)
                if prepared.silent:
                    server.wait_for_the_end()
                    return
                text = prepared.body if isinstance(prepared.body, str) else json.dumps(prepared.body)
                data = text.encode()
                self.send_response(prepared.status)
                for name, value in {**prepared.headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self) -> None:
                self.do_GET()

            def do_PUT(self) -> None:
                self.do_GET()

            def do_DELETE(self) -> None:
                self.do_GET()

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

    def wait_for_the_end(self) -> None:
        self._over.wait(5.0)

    def stop(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def config_for(url: str, *, hedge: bool = False, timeout_ms: int = 2_000) -> VenueConfig:
    keys = Keys()
    return VenueConfig(
        venue=BINANCE,
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        rest_url=url,
        hedge=hedge,
        timeout_ms=timeout_ms,
    )


@contextmanager
def prepared_client(
    answering: Answering, *, hedge: bool = False, timeout_ms: int = 2_000
) -> Iterator[tuple[BinanceClient, PreparedServer]]:
    """Our client, connected to prepared answers."""
    server = PreparedServer(answering)
    server.start()
    client = BinanceRest(config_for(server.url, hedge=hedge, timeout_ms=timeout_ms)).client()
    try:
        yield client, server
    finally:
        client.close()
        server.stop()


def always(body: object, status: int = 200, **headers: str) -> Answering:
    return lambda asked: Prepared(body=body, status=status, headers=headers)


def refusing(code: int, text: str = "no", status: int = 400) -> Answering:
    return always({"code": code, "msg": text}, status)


def facts(name: str) -> Any:
    """A file of recorded facts; the test is skipped where there are none."""
    path = Path(os.environ.get("HOLDFAST_FACTS", ROOT.parent / "shared" / "venues")) / name
    if not path.is_file():
        pytest.skip(f"no recorded facts at {path}")
    return json.loads(path.read_text(encoding="utf-8"))
