"""A TCP proxy in front of a server: lets through, cuts off, hangs or drips, at a test's command."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from enum import Enum
from typing import Self

from tests.processes import LOOPBACK, Service, free_port


class Mode(Enum):
    THROUGH = "through"
    CUT = "cut"  # connections break and new ones are refused
    HANG = "hang"  # connections are accepted, and nothing comes through either way
    DRIP = "drip"  # replies come one byte at a time


class Proxy(Service):
    """In front of ``port`` on loopback; ``pause`` is between two bytes of a dripping reply (s)."""

    def __init__(self, port: int, *, pause: float = 0.05) -> None:
        self.port = free_port()
        self._target = port
        self._pause = pause
        self._mode = Mode.THROUGH
        self._listener: socket.socket | None = None
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def start(self) -> Self:
        self._listen()
        return self

    def stop(self) -> None:
        self.set(Mode.CUT)

    def url(self, db: int = 0) -> str:
        return f"redis://{LOOPBACK}:{self.port}/{db}"

    def set(self, mode: Mode) -> None:
        """From now on; what was held up by ``HANG`` comes through afterwards."""
        with self._changed:
            before, self._mode = self._mode, mode
            self._changed.notify_all()
        if mode is Mode.CUT:
            self._close()
        elif before is Mode.CUT:
            self._listen()

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, self.port))
        listener.listen(512)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _close(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
            sockets, self._sockets = self._sockets, set()
        for each in (listener, *sockets):
            if each is not None:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection((LOOPBACK, self._target), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
        self._pump(server, client, True)

    def _pump(self, source: socket.socket, sink: socket.socket, is_reply: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._pass(sink, data, is_reply)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        with self._lock:
            self._sockets -= {source, sink}

    def _pass(self, sink: socket.socket, data: bytes, is_reply: bool) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._mode is not Mode.HANG)
        if not (is_reply and self._mode is Mode.DRIP):
            sink.sendall(data)
            return
        for at in range(len(data)):
            if self._mode is not Mode.DRIP:
                sink.sendall(data[at:])
                return
            sink.sendall(data[at : at + 1])
            time.sleep(self._pause)
