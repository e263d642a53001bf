"""The page that `api.monitor` shows, drawn from what a server said of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

STATES = {"closed": "serving", "open": "away", "reconcile": "catching up"}
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


def page(snapshot: Snapshot, log: Sequence[str] = ()) -> RenderableType:
    """The whole page; as wide as the terminal."""
    if snapshot.trouble is not None:
        away = Text.assemble(
            f"No word from {snapshot.url}\n{snapshot.trouble}\n\n",
            ("This page goes on asking. `./process-manager.sh start` starts a server here.", "dim"),
        )
        return Group(Panel(Padding(away, 1), title="Parley", border_style="yellow"), _log(log))
    top = Table.grid(expand=True)
    for _ in range(3):
        top.add_column(ratio=1)
    top.add_row(_server(snapshot.status), _sessions(snapshot), _memory(snapshot.memory))
    return Group(_headline(snapshot), top, _turns(snapshot.minutes), _ends(snapshot), _log(log))


def _headline(snapshot: Snapshot) -> Text:
    status = _words(snapshot.status.get("status"), otherwise="unknown")
    colour = "bold green" if status == "operational" else "bold yellow"
    return Text.assemble(" ", (_printable(status), colour), f"  {snapshot.url}  ", ("q ends this page", "dim"))


def _server(status: Json) -> Panel:
    store = status.get("store", {})
    model = status.get("model", {})
    facts = {
        "version": _words(status.get("version")),
        "up for": _span(status.get("system", {}).get("uptime")),
        "store": _words(store.get("backend")),
        "": _words(STATES.get(store.get("state"), store.get("state")), _since(status, store)),
        "model": _words(*dict.fromkeys((model.get("provider"), model.get("name")))),
    }
    return Panel(_facts(facts), title="Server")


def _sessions(snapshot: Snapshot) -> Panel:
    held = snapshot.memory.get("inMemory") or snapshot.memory.get("redis") or {}
    turns = snapshot.status.get("turns", {})
    now: Json = snapshot.minutes[-1] if snapshot.minutes else {}
    facts = {
        "active": _words(held.get("activeSessions")),
        "turns held": _words(held.get("activeConversations")),
        "running": _words(turns.get("running"), "of", turns.get("limit")) if turns else "",
        "this minute": _words(now.get("turns")),
        "errors (1 h)": str(sum(int(minute.get("errors") or 0) for minute in snapshot.minutes)),
        "p50, p95": _words(now.get("p50"), "and", now.get("p95"), "ms") if now.get("p50") is not None else "",
    }
    return Panel(_facts(facts), title="Sessions")


def _memory(memory: Json) -> Panel:
    """Memory against its bound, where there is one."""
    redis, local = memory.get("redis") or {}, memory.get("inMemory") or {}
    if not local and not redis.get("connected"):
        return Panel(Text("The store can't be asked now."), title="Memory", border_style="yellow")
    used = int(redis.get("usedMemoryBytes") or local.get("bytes") or 0)
    most = int(redis.get("maxMemoryBytes") or local.get("maxBytes") or 0)
    bound = memory.get("bound", {}).get("maxBytesPerSession")
    facts = {
        "used": decimal(used),
        "bound": decimal(most) if most else "none set",
        "a session": decimal(int(redis["bytesPerSession"])) if redis.get("bytesPerSession") else "",
        "at most": decimal(int(bound)) if bound else "",
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
        ended.update({str(reason): int(count) for reason, count in (minute.get("sessionsEnded") or {}).items()})
        started += int(minute.get("sessionsStarted") or 0)
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


def _span(seconds: object) -> str:
    """``2 h 5 min``; nothing where the seconds are not known."""
    if not isinstance(seconds, (int, float)):
        return ""
    minutes, _ = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _since(status: Json, store: Json) -> str:
    """For how long the store has been in its state, by the server's own clock."""
    try:
        begun, now = (datetime.fromisoformat(str(moment)) for moment in (store.get("since"), status.get("timestamp")))
    except ValueError:
        return ""
    return f"for {_span((now - begun).total_seconds())}"


def sparkline(counts: Sequence[int]) -> str:
    """One character a count; the largest is a full bar, and only 0 is blank."""
    most = max(counts, default=0)
    steps = len(BARS) - 1
    return "".join(BARS[-(-count * steps // most)] if most else BARS[0] for count in counts)


def _printable(text: str) -> str:
    """Text that can do nothing to the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
