"""A live page in the terminal on one server: `python -m api.monitor --url http://127.0.0.1:3000`.

It only reads (status, memory, the last hour, the log) and never holds on to a server that does not answer.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console, Group, RenderableType
from rich.filesize import decimal
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

EVERY = 2.0
TIMEOUT = 2.0
MINUTES = 60
LOG_LINES = 8
LOG_TAIL_BYTES = 16_384
BARS = " ▁▂▃▄▅▆▇█"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the server said at one moment; ``trouble`` is a sentence for a person where it said nothing."""

    url: str
    status: Json = field(default_factory=dict)
    memory: Json = field(default_factory=dict)
    minutes: Sequence[Json] = ()
    trouble: str | None = None


def look(client: httpx.Client) -> Snapshot:
    """Ask the server once; at most `TIMEOUT` seconds are lost on one that hangs."""
    url = str(client.base_url)
    try:
        status, memory, series = (
            _get(client, path) for path in ("/system/status", "/system/memory", f"/system/series?minutes={MINUTES}")
        )
    except httpx.HTTPStatusError as error:
        return Snapshot(url, trouble=_refusal(error.response.status_code))
    except httpx.TimeoutException:
        return Snapshot(url, trouble=f"It did not answer within {TIMEOUT:g} s.")
    except httpx.TransportError:
        return Snapshot(url, trouble="Nothing answers there.")
    except ValueError:
        return Snapshot(url, trouble="Something else answers there: its replies are not JSON.")
    return Snapshot(url, status, memory, series.get("minutes", ()))


def _get(client: httpx.Client, path: str) -> Json:
    reply = client.get(path).raise_for_status().json()
    if not isinstance(reply, dict):
        raise ValueError(f"{path} is no object")
    return reply


def _refusal(status: int) -> str:
    if status in (401, 403):
        return "It wants an administrator's key: --key-file FILE."
    return f"It answers with HTTP status {status}."


def page(snapshot: Snapshot, log: Sequence[str] = ()) -> RenderableType:
    """The whole page; as wide as the terminal."""
    if snapshot.trouble is not None:
        away = Text.assemble(
            f"No word from {snapshot.url}\n{snapshot.trouble}\n\n",
            ("This page goes on asking. `./process-manager.sh start` starts a server here.", "dim"),
        )
        return Group(Panel(Padding(away, 1), title="Parley", border_style="yellow"), _log(log))
    top = Table.grid(expand=True, padding=(0, 1))
    for _ in range(3):
        top.add_column(ratio=1)
    top.add_row(_server(snapshot), _sessions(snapshot), _memory(snapshot.memory))
    return Group(top, _turns(snapshot.minutes), _ends(snapshot), _log(log))


def _server(snapshot: Snapshot) -> Panel:
    status = snapshot.status
    well = status.get("status") == "operational"
    store = status.get("store", {})
    model = status.get("model", {})
    facts = {
        "address": snapshot.url,
        "store": _words(store.get("backend"), store.get("state")),
        "since": _words(store.get("since")),
        "model": _words(model.get("provider"), model.get("name")),
        "version": _words(status.get("version")),
        "up for": _uptime(status.get("system", {}).get("uptime")),
    }
    title = Text(_words(status.get("status"), otherwise="unknown"), "bold green" if well else "bold yellow")
    return Panel(_facts(facts), title=title, border_style="green" if well else "yellow")


def _sessions(snapshot: Snapshot) -> Panel:
    held = snapshot.memory.get("redis") or snapshot.memory.get("inMemory") or {}
    now: Json = snapshot.minutes[-1] if snapshot.minutes else {}
    facts = {
        "active": _words(held.get("activeSessions"), otherwise="0"),
        "turns in them": _words(held.get("activeConversations"), otherwise="0"),
        "turns this minute": _words(now.get("turns"), otherwise="0"),
        "errors, last hour": str(sum(int(minute.get("errors") or 0) for minute in snapshot.minutes)),
        "half within": _words(now.get("p50"), "ms") if now.get("p50") is not None else "",
        "95 % within": _words(now.get("p95"), "ms") if now.get("p95") is not None else "",
    }
    return Panel(_facts(facts), title="Sessions")


def _memory(memory: Json) -> Panel:
    """Memory against its bound, where there is one."""
    redis, local = memory.get("redis") or {}, memory.get("inMemory") or {}
    used = int(redis.get("usedMemoryBytes") or local.get("bytes") or 0)
    most = int(redis.get("maxMemoryBytes") or local.get("maxBytes") or 0)
    bound = memory.get("bound", {}).get("maxBytesPerSession")
    facts = {
        "used": decimal(used),
        "at most": decimal(most) if most else "no limit is set",
        "a session": decimal(int(redis["bytesPerSession"])) if redis.get("bytesPerSession") else "",
        "a session at most": decimal(int(bound)) if bound else "",
    }
    parts: list[RenderableType] = [_facts(facts)]
    if most:
        parts += [Text(), ProgressBar(total=most, completed=min(used, most))]
    return Panel(Group(*parts), title="Memory")


def _turns(minutes: Sequence[Json]) -> Panel:
    counts = [int(minute.get("turns") or 0) for minute in minutes]
    line = Text(sparkline(counts), "cyan", no_wrap=True, overflow="crop")
    return Panel(line, title=f"Turns a minute, last hour: {sum(counts)}, at most {max(counts, default=0)} a minute")


def _ends(snapshot: Snapshot) -> Panel:
    ended: Counter[str] = Counter()
    started = 0
    for minute in snapshot.minutes:
        ended.update({str(reason): int(count) for reason, count in (minute.get("ended") or {}).items()})
        started += int(minute.get("started") or 0)
    words = [f"{reason} {count}" for reason, count in ended.most_common() if count]
    cleanup = snapshot.memory.get("cleanup", {})
    line = (
        f"{started} started; ended: {', '.join(words) or 'none'}; last cleanup {_words(cleanup.get('lastRun')) or '-'}"
    )
    return Panel(Text(_printable(line)), title="Sessions begun and ended, last hour")


def _log(lines: Sequence[str]) -> RenderableType:
    if not lines:
        return Text()
    body = Text("\n".join(_printable(line) for line in lines), "dim", no_wrap=True, overflow="ellipsis")
    return Panel(body, title="Log")


def _facts(facts: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 1))
    for name, value in facts.items():
        if value:
            table.add_row(Text(name, "dim", no_wrap=True), Text(_printable(value), overflow="fold"))
    return table


def _words(*values: object, otherwise: str = "") -> str:
    """The values that are there, side by side."""
    return " ".join(str(value) for value in values if value is not None) or otherwise


def _uptime(seconds: object) -> str:
    if not isinstance(seconds, (int, float)):
        return _words(seconds)
    minutes, _ = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"


def sparkline(counts: Sequence[int]) -> str:
    """One character a count; the largest is a full bar, and only 0 is blank."""
    most = max(counts, default=0)
    steps = len(BARS) - 1
    return "".join(BARS[-(-count * steps // most)] if most else BARS[0] for count in counts)


def _printable(text: str) -> str:
    """Text that can do nothing to the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


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


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of ``--once`` is 1 where the server is away."""
    parser = argparse.ArgumentParser(prog="python -m api.monitor", description="A live page on one server.")
    parser.add_argument("--url", default="http://127.0.0.1:3000", help="the server (default: %(default)s)")
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
