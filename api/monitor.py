"""A live page in the terminal on one server: `python -m api.monitor --url http://127.0.0.1:3000`.

It only reads (status, memory, the last hour, the log) and never holds on to a server that does not answer.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.live import Live

from api.monitor_page import Json, Snapshot, page

EVERY = 2.0
TIMEOUT = 2.0
MINUTES = 60
LOG_LINES = 8
LOG_TAIL_BYTES = 16_384


def look(client: httpx.Client) -> Snapshot:
    """Ask the server once. One that hangs costs `TIMEOUT` seconds; then nothing more is asked of it."""
    url = str(client.base_url)
    try:
        status = _get(client, "/system/status")
        memory = _get(client, "/system/memory")
        series = _get(client, f"/system/series?minutes={MINUTES}")
    except httpx.HTTPStatusError as error:
        return Snapshot(url, trouble=_refusal(error.response.status_code))
    except httpx.TimeoutException:
        return Snapshot(url, trouble=f"It did not answer within {TIMEOUT:g} s.")
    except httpx.TransportError:
        return Snapshot(url, trouble="Nothing answers there.")
    except ValueError:
        return Snapshot(url, trouble="Something else answers there: its replies are not JSON.")
    return Snapshot(url, status, memory, series.get("series", ()))


def _get(client: httpx.Client, path: str) -> Json:
    """The reply; nothing where the server cannot tell at the moment (503: its store is away)."""
    reply = client.get(path)
    if reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return {}
    found = reply.raise_for_status().json()
    if not isinstance(found, dict):
        raise ValueError(f"{path} is no object")
    return found


def _refusal(status: int) -> str:
    if status in (401, 403):
        return "It wants an administrator's key: --key-file FILE."
    return f"It answers with HTTP status {status}."


def last_lines(log: Path | None, lines: int = LOG_LINES) -> list[str]:
    """The end of a log file; nothing where there is none (yet)."""
    if log is None:
        return []
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


@contextmanager
def single_keys() -> Iterator[bool]:
    """Whether keys can be read one by one, without Enter; the terminal is as before afterwards."""
    if not sys.stdin.isatty():
        yield False
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield True
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def wants_to_quit(seconds: float, keys: bool) -> bool:
    """Wait so long for a q."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if not keys:
            time.sleep(left)
        elif select.select([sys.stdin], [], [], left)[0]:
            key = os.read(sys.stdin.fileno(), 1)
            if key in (b"q", b"Q", b""):
                return True
    return False


def watch(client: httpx.Client, log: Path | None, console: Console) -> None:
    """Show the page until q or Ctrl-C."""
    with single_keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(page(look(client), last_lines(log)), refresh=True)
            if wants_to_quit(EVERY, keys):
                return


def address(text: str) -> str:
    """An http address, for argparse."""
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be an address such as http://127.0.0.1:3000, got {text!r}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of ``--once`` is 1 where the server is away."""
    parser = argparse.ArgumentParser(prog="python -m api.monitor", description="A live page on one server.")
    parser.add_argument(
        "--url", type=address, default="http://127.0.0.1:3000", help="the server (default: %(default)s)"
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="a log whose newest lines are shown too")
    parser.add_argument(
        "--key-file", type=Path, metavar="FILE", help="has an administrator's API key, where AUTH is on"
    )
    parser.add_argument("--once", action="store_true", help="print the page once")
    options = parser.parse_args(arguments)
    try:
        key = options.key_file.read_text().strip() if options.key_file else ""
    except OSError as error:
        parser.error(f"--key-file: {error.strerror}: {options.key_file}")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    console = Console()
    with httpx.Client(base_url=options.url, headers=headers, timeout=TIMEOUT, trust_env=False) as client:
        if options.once or not console.is_terminal:
            snapshot = look(client)
            console.print(page(snapshot, last_lines(options.log)))
            return int(snapshot.trouble is not None)
        with suppress(KeyboardInterrupt):
            watch(client, options.log, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
