"""The live page in the terminal: what it shows of a server, and that it stays calm without one."""

from __future__ import annotations

import io
import os
import pty
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from api.monitor import last_lines, main
from api.monitor_page import Snapshot, page, sparkline
from tests.processes import LOOPBACK, free_port

ROOT = Path(__file__).resolve().parents[2]


def shown(snapshot: Snapshot, *log: str, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(page(snapshot, log))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def minute(**counts: Any) -> dict[str, Any]:
    return {"turns": 0, "sessionsStarted": 0, "sessionsEnded": {}, "errors": 0, "p50": None, "p95": None, **counts}


STATUS = {
    "status": "operational",
    "version": "9.8.7",
    "timestamp": "2026-11-20T10:30:00.000Z",
    "system": {"uptime": 93_600},
    "store": {"backend": "redis", "state": "closed", "since": "2026-11-20T08:25:00.000Z"},
    "model": {"provider": "openai", "name": "gpt-test"},
    "turns": {"running": 3, "limit": 64},
}
MEMORY = {
    "redis": {
        "connected": True,
        "activeSessions": 120,
        "activeConversations": 900,
        "usedMemoryBytes": 5_000_000,
        "maxMemoryBytes": 20_000_000,
        "bytesPerSession": 4_100,
    },
    "bound": {"maxBytesPerSession": 262_144},
    "cleanup": {"lastRun": "2026-11-20T10:29:00.000Z"},
}


def test_it_shows_server_sessions_memory_and_ends() -> None:
    minutes = [
        minute(turns=4, sessionsStarted=2, sessionsEnded={"inactivity": 1}),
        minute(turns=8, sessionsStarted=1, sessionsEnded={"inactivity": 2, "duration": 1}, errors=5, p50=900, p95=1800),
    ]
    text = shown(Snapshot("http://here:3000", STATUS, MEMORY, minutes), "a line of the log")

    for words in (
        "operational", "http://here:3000", "9.8.7", "1 d 2 h", "serving for 2 h 5 min", "openai gpt-test",
        "120", "900", "3 of 64", "900 and 1800 ms",
        "5.0 MB", "20.0 MB", "4.1 kB", "262.1 kB",
        "last hour: 12, at most 8 a minute", "▄█",
        "3 started; ended: inactivity 3, duration 1; last cleanup 2026-11-20T10:29:00.000Z",
        "a line of the log",
    ):  # fmt: skip
        assert words in text


def test_an_outage_of_the_store_is_seen() -> None:
    status = {**STATUS, "status": "degraded", "store": {**STATUS["store"], "state": "open"}}  # type: ignore[dict-item]
    local = {"redis": {"connected": False}, "inMemory": {"activeSessions": 7, "bytes": 1_000, "maxBytes": 2_000}}
    text = shown(Snapshot("http://here", status, local, [minute()]))
    assert "degraded" in text
    assert "away for 2 h 5 min" in text
    assert "1.0 kB" in text

    assert "The store can't be asked now." in shown(Snapshot("http://here", status))


def test_what_a_server_or_a_log_says_does_nothing_to_the_terminal() -> None:
    status = {**STATUS, "version": "1\x1b[2J[bold]2"}
    text = shown(Snapshot("http://here", status, MEMORY, []), "evil \x1b]0;title\x07 [/nonsense]")
    assert "\x1b" not in text
    assert "[bold]" in text
    assert "[/nonsense]" in text


@pytest.mark.parametrize(
    ("counts", "line"), [([], ""), ([0, 0], "  "), ([0, 1, 2, 4, 8], " ▁▂▄█"), ([1, 1_000], "▁█"), ([3], "█")]
)
def test_a_sparkline_has_a_full_bar_for_the_most_and_a_blank_for_nothing(counts: list[int], line: str) -> None:
    assert sparkline(counts) == line


def test_the_end_of_a_log_is_read_however_long_it_is(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    assert last_lines(log) == []
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert last_lines(log, 2) == ["line 99998", "line 99999"]


@dataclass(frozen=True)
class Result:
    code: object
    stdout: str
    stderr: str


def once(url: str, *arguments: str) -> Result:
    """What `python -m api.monitor --once` prints and returns."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            code: object = main(["--url", url, "--once", *arguments])
        except SystemExit as end:
            code = end.code
    return Result(code, stdout.getvalue(), stderr.getvalue())


@pytest.fixture
def other_program() -> Iterator[str]:
    """A web server that is not ours: what it replies stands in the path of its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, status, body, *_ = self.path.split("/")
            self.send_response(int(status))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "words"),
    [("/200/hello", "not JSON"), ("/200/[1]", "not JSON"), ("/401/x", "--key-file"), ("/404/x", "HTTP status 404")],
)
def test_what_is_no_server_of_ours_is_said_as_such(other_program: str, path: str, words: str) -> None:
    result = once(other_program + path)
    assert result.code == 1
    assert words in result.stdout


def test_without_a_server_there_is_a_calm_page(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("its last words\n")
    result = once(f"http://{LOOPBACK}:{free_port()}", "--log", str(log))
    assert result.code == 1
    assert result.stderr == ""
    assert "Nothing answers there." in result.stdout
    assert "its last words" in result.stdout


def test_a_server_that_hangs_is_given_up_soon() -> None:
    with socket.create_server((LOOPBACK, 0)) as hanging:
        begun = time.monotonic()
        result = once(f"http://{LOOPBACK}:{hanging.getsockname()[1]}")
    assert "did not answer within 2 s" in result.stdout
    assert time.monotonic() - begun < 15


def test_arguments_that_make_no_sense_are_said_as_such(tmp_path: Path) -> None:
    for url in ("http://[broken", "http://127.0.0.1:port", "127.0.0.1:3000", "ftp://127.0.0.1", ""):
        assert "must be an address such as" in once(url).stderr
    assert "--key-file" in once("http://127.0.0.1:1", "--key-file", str(tmp_path / "none")).stderr


def test_q_ends_the_live_page_and_leaves_the_terminal_as_it_was() -> None:
    try:
        terminal, other_end = pty.openpty()
    except OSError:
        pytest.skip("this system has no pseudo-terminals")
    try:
        command = [sys.executable, "-m", "api.monitor", "--url", f"http://{LOOPBACK}:{free_port()}"]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
        with subprocess.Popen(
            command, cwd=ROOT, stdin=other_end, stdout=other_end, stderr=other_end, env=environment
        ) as process:
            seen = b""
            while b"Nothing answers there." not in seen:
                seen += os.read(terminal, 4_096)
            os.write(terminal, b"xq")
            try:
                assert process.wait(10) == 0
            finally:
                process.kill()
        # The alternate screen was entered, and is left again.
        assert b"\x1b[?1049h" in seen
        assert b"\x1b[?1049l" in os.read(terminal, 65_536)
    finally:
        os.close(terminal)
        os.close(other_end)
