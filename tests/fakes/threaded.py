"""An HTTP server on a free loopback port, with a thread for each connection: what the quick one of ``http.py`` is not
needed for."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.processes import LOOPBACK, Service


class ThreadedService(Service):
    """Served by ``handler``. ``over`` is set when it stops, for those who wait in a handler."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self.over = threading.Event()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.over.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
