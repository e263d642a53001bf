"""What a client may send by the byte: heads that are too large, bodies that never come, lengths that lie.

Each is answered or hung up on, in bounded time, and the server goes on serving everybody else.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.app import ParleyServer
from tests.processes import LOOPBACK, wait_until

SECONDS = 1
"""The server's time for a request to arrive."""
THREADS = 4
BACK = 8.0
"""Seconds in which a connection has to be over, whatever came: generous, the machine may be slow."""

HEAD = b"Host: localhost\r\nConnection: close\r\n"
CHAT = b"POST /chat HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\n"
GET = b"GET /health HTTP/1.1\r\n" + HEAD
SAID = b'{"message": "hello", "userId": "ada"}'


@pytest.fixture(scope="module")
def server() -> Iterator[ParleyServer]:
    with ParleyServer({"REQUEST_TIMEOUT": str(SECONDS), "THREADS": str(THREADS)}) as started:
        yield started


HUNG_UP = 0
"""The status of no answer at all."""


def connected(server: ParleyServer) -> socket.socket:
    return socket.create_connection((LOOPBACK, server.port), timeout=BACK)


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server hangs up. ``TimeoutError`` where it does not."""
    told = b""
    with suppress(ConnectionResetError):  # it hung up on what was still coming
        while piece := connection.recv(65_536):
            told += piece
    return told


def sent(server: ParleyServer, request: bytes) -> bytes:
    with connected(server) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return answer(connection)


def status(told: bytes) -> int:
    return int(told.split(b" ", 2)[1]) if told else HUNG_UP


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def serves(server: ParleyServer) -> bool:
    with server.client(timeout=BACK) as client:
        return client.post("/chat", json={"message": "hello", "userId": "ada"}).status_code == 200


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (GET + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n", 200),
        (GET + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(10_000)) + b"\r\n", 431),
        (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n", 431),
        (b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", 431),
        (b"GET /health?" + b"a" * 65_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", 431),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", 404),
        (b"GET /sessions/%ff%00%2e%2e%2f HTTP/1.1\r\n" + HEAD + b"X-User-Id: \xff\xfe\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n folded: header\r\n\r\n", 400),
        (b"GET /health HTTP/9.9\r\n" + HEAD + b"\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HUNG_UP),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, 400),
    ],
)  # fmt: skip
def test_a_head_beyond_reason_is_refused(server: ParleyServer, head: bytes, expected: int) -> None:
    assert status(sent(server, head)) == expected
    assert serves(server)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"Content-Length: 10\r\n\r\n" + SAID, 400),
        (b"Content-Length: -1\r\n\r\n" + SAID, 400),
        (b"Content-Length: 99999999999999999999999\r\n\r\n" + SAID, 400),
        (b"Content-Length: 9999999999\r\n\r\n" + SAID, 413),
        (b"Content-Length: 37\r\nContent-Length: 6\r\n\r\n" + SAID, 400),
        (b"Transfer-Encoding: chunked\r\n\r\n" + chunked(SAID, b""), 200),
        (b"Transfer-Encoding: chunked\r\n\r\n" + chunked(SAID.ljust(60_000), b" " * 60_000, b""), 413),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + SAID, 400),
        (b"Transfer-Encoding: gzip\r\n\r\n" + SAID, 400),
    ],
)
def test_a_body_that_is_not_as_announced_is_refused(server: ParleyServer, body: bytes, expected: int) -> None:
    assert status(sent(server, CHAT + body)) == expected
    assert serves(server)


def test_a_name_of_somebody_else_is_refused(server: ParleyServer) -> None:
    """DNS rebinding; in full in tests/api/test_hosts.py."""
    for host, path, expected in ((b"evil.example", b"/assistants", 421), (b"evil.example", b"/health", 200)):
        request = b"GET %b HTTP/1.1\r\nHost: %b:%d\r\nConnection: close\r\n\r\n" % (path, host, server.port)
        assert status(sent(server, request)) == expected


def test_who_serves_does_not_say_in_which_version(server: ParleyServer) -> None:
    named = [line for line in sent(server, GET + b"\r\n").lower().splitlines() if line.startswith(b"server:")]

    assert not re.search(rb"\d", b"".join(named))


NEVER = (
    CHAT + b"Content-Length: 100\r\n\r\n{",
    CHAT + b"Content-Length: 100\r\n\r\n",
    CHAT + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(SAID),
    CHAT.replace(b"/chat", b"/v1/chat/completions") + b"Content-Length: 9\r\n\r\n",
    CHAT.replace(b"/chat", b"/api/sessions/import") + b"Content-Length: 1000000\r\n\r\n{",
)
"""Bodies whose end does not come."""


def test_a_body_that_never_comes_is_told_so_and_hung_up_on(server: ParleyServer) -> None:
    begun = time.monotonic()
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(server)) for _ in NEVER]
        for connection, request in zip(connections, NEVER, strict=True):
            connection.sendall(request)
        told = [answer(connection) for connection in connections]

    assert [status(each) for each in told] == [408] * len(NEVER)
    for each, request in zip(told, NEVER, strict=True):
        assert b'"request_timeout"' in each
        assert (b'"type":"invalid_request_error"' in each) == (b"/v1/" in request)
    assert SECONDS <= time.monotonic() - begun < BACK


def test_a_body_that_drips_has_no_longer(server: ParleyServer) -> None:
    with connected(server) as connection:
        connection.sendall(CHAT + b"Content-Length: 100\r\n\r\n")
        connection.settimeout(0.2)
        begun, told = time.monotonic(), b""
        while not told and time.monotonic() - begun < BACK:
            connection.sendall(b" ")
            try:
                told = connection.recv(65_536)
            except TimeoutError:
                continue

    assert status(told) == 408


def test_clients_that_never_finish_hold_no_thread(server: ParleyServer) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(connected(server)) for _ in range(5 * THREADS)]  # 8 threads are there besides
        for number, connection in enumerate(crowd):
            connection.sendall(NEVER[number % len(NEVER)])
        codes = [status(answer(connection)) for connection in crowd]

    assert codes == [408] * len(crowd)
    assert serves(server)


def test_a_neighbour_that_waits_for_its_answer_is_left_in_peace(server: ParleyServer) -> None:
    """A feed from the same address, silent as well, while another's body does not come."""
    with connected(server) as listening:
        listening.sendall(b"GET /system/events HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert status(listening.recv(65_536)) == 200

        assert status(sent(server, NEVER[0])) == 408

        assert serves(server)
        heard = b""
        while b"turn" not in heard:
            heard += (piece := listening.recv(65_536))
            assert piece, "hung up on"


def test_a_head_that_never_ends_is_hung_up_on(server: ParleyServer) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(server)) for _ in range(4)]
        for connection, begun in zip(connections, (b"", b"GET /health HT", GET, CHAT + b"Content-Le"), strict=True):
            connection.sendall(begun)

        assert [answer(connection) for connection in connections] == [b""] * 4


def test_many_silent_connections_are_in_nobodys_way(server: ParleyServer) -> None:
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connected(server))
        begun = time.monotonic()
        assert serves(server)
        assert time.monotonic() - begun < BACK / 2


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(server: ParleyServer) -> None:
    for request in (GET[:20], *NEVER):
        connection = connected(server)
        connection.sendall(request)
        connection.close()

    wait_until(lambda: serves(server), "a server with free threads", BACK)
