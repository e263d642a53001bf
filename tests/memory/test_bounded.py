"""A wait for Redis has an end, however its server takes commands and gives replies."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from memory.stores.bounded import BoundedSocket

SECONDS = 0.2
LONG = 10.0
"""Far beyond it, for a machine may stall."""


@pytest.fixture
def ends() -> Iterator[tuple[BoundedSocket, socket.socket]]:
    """Ours, and the server's."""
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    with listener, ours, theirs:
        yield BoundedSocket(ours, SECONDS), theirs


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Does something again and again, every 20 ms, until the test is over."""
    over, threads = threading.Event(), list[threading.Thread]()

    def start(work: Callable[[], object]) -> None:
        def repeat() -> None:
            while not over.wait(SECONDS / 10):
                work()

        threads.append(threading.Thread(target=repeat, daemon=True))
        threads[-1].start()

    yield start
    over.set()
    for thread in threads:
        thread.join(5)


def timed_out(work: Callable[[], object]) -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        work()
    assert SECONDS * 0.9 <= time.monotonic() - begun < LONG


def test_a_command_and_its_reply(ends: tuple[BoundedSocket, socket.socket]) -> None:
    ours, theirs = ends
    for number in (b"1", b"2"):
        ours.sendall(b"PING" + number)
        assert theirs.recv(99) == b"PING" + number
        theirs.sendall(b"PO")
        assert ours.recv(2) == b"PO"
        theirs.sendall(b"NG")
        assert ours.recv(2) == b"NG"


def test_a_large_command_arrives_whole(ends: tuple[BoundedSocket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.settimeout(5)
    command, arrived = bytes(range(256)) * 80_000, bytearray()

    def read() -> None:
        while len(arrived) < len(command):
            arrived.extend(theirs.recv(1 << 20))

    reader = threading.Thread(target=read)
    reader.start()
    ours.sendall(command)
    reader.join(5)

    assert arrived == command


def test_a_server_that_reads_nothing(ends: tuple[BoundedSocket, socket.socket]) -> None:
    ours, _ = ends
    timed_out(lambda: ours.sendall(b"x" * (64 << 20)))


def test_a_server_that_reads_little_by_little(
    ends: tuple[BoundedSocket, socket.socket], meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    ours, theirs = ends
    theirs.settimeout(1)
    meanwhile(lambda: theirs.recv(65_536))
    timed_out(lambda: ours.sendall(b"x" * (64 << 20)))


def test_a_server_that_says_nothing(ends: tuple[BoundedSocket, socket.socket]) -> None:
    ours, _ = ends
    ours.sendall(b"PING")
    timed_out(lambda: ours.recv(99))


def test_a_server_that_replies_little_by_little(
    ends: tuple[BoundedSocket, socket.socket], meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    ours, theirs = ends

    def read() -> None:
        while True:
            ours.recv_into(bytearray(1))

    ours.sendall(b"PING")
    meanwhile(lambda: theirs.sendall(b"."))
    timed_out(read)


def test_what_has_arrived_is_read_even_after_that(ends: tuple[BoundedSocket, socket.socket]) -> None:
    ours, theirs = ends
    ours.sendall(b"PING")
    theirs.sendall(b"PONG")
    assert ours.recv(2) == b"PO"
    ours._deadline = time.monotonic() - 1
    assert ours.recv(2) == b"NG"


def test_a_reader_with_a_time_of_its_own_has_that(ends: tuple[BoundedSocket, socket.socket]) -> None:
    ours, _ = ends
    begun = time.monotonic()
    ours.settimeout(2 * SECONDS)
    with pytest.raises(TimeoutError):
        ours.recv(1)
    assert time.monotonic() - begun >= 1.8 * SECONDS

    ours.settimeout(SECONDS)
    ours.sendall(b"PING")
    timed_out(lambda: ours.recv(1))
