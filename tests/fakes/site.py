"""A web site on a free port of this machine, whose pages a test writes; it can also be slow, endless or rude.

with Site() as site:
    site.pages["/feed"] = Page(b"<rss>…", "application/rss+xml")
    site.pages["/moved"] = Page(status=302, headers={"Location": site.url("/feed")})
    assert site.asked == ["/feed"]
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes.threaded import ThreadedService


@dataclass(frozen=True, slots=True)
class Page:
    """What is served at a path.

    ``drip`` sends the body byte by byte with that many seconds between them, ``endless`` repeats it until the client
    goes; both leave out its length. ``silent`` keeps even the status line back.
    """

    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    endless: bool = False
    silent: bool = False


class Site(ThreadedService):
    """Serves ``pages`` by path from threads of its own; ``asked`` has the paths,, ``hosts`` the Host headers."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        self.hosts: list[str] = []
        self._tls = tls
        super().__init__(_handler(self))
        self._server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server asks for
            site.asked.append(self.path)
            site.hosts.append(self.headers.get("Host", ""))
            page = site.pages.get(self.path, Page(b"no such page", status=404))
            with suppress(OSError):  # the client may go whenever it likes
                self._serve(page)

        def _serve(self, page: Page) -> None:
            if page.silent:
                site.over.wait(30)
                return
            self.send_response(page.status)
            self.send_header("Content-Type", page.content_type)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if not page.endless and not page.drip and "Content-Length" not in page.headers:
                self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            if page.drip:
                for byte in page.body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(page.drip)
            while page.endless and not site.over.is_set():
                self.wfile.write(page.body)
            self.wfile.write(page.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
            """Keep quiet."""

    return Handler
