"""A forecast as a table for people, and as a document for programs."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table

from memory.capacity.forecast import PARTS, Forecast

MB = 1e6
HEADROOM = 1.25
"""What ``maxmemory`` is to have beside the forecast: texts are longer on some days, and users more."""

COPY = 1.5
"""What the machine is to have of that: fragmentation, and pages copied while Redis rewrites its file."""


def megabytes(number: float) -> str:
    return f"{number / MB:,.1f}" if number < 10 * MB else f"{number / MB:,.0f}"


def tables(told: Forecast) -> Group:
    """The parts of memory at the fullest minute, then what to ask for."""
    at, total = told.peak, float(told.bytes[told.peak])
    parts = [part for part in PARTS if any(each.parts[part].any() for each in told.assistants)]
    title = f"MB of Redis at {clock(at)}, the fullest minute of a day"
    memory = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    for name in ("", "users", "live", *parts, "all", "%"):
        memory.add_column(name, justify="right" if name else "left", no_wrap=True)
    for each in told.assistants:
        own = float(each.bytes[at])
        memory.add_row(
            each.mix.name,
            f"{each.users:,}",
            f"{each.day.live[at]:,.0f}",
            *(megabytes(float(each.parts[part][at])) for part in parts),
            megabytes(own),
            f"{100 * own / total:.0f}",
        )
    memory.add_section()
    for name, size in told.shared.items():
        memory.add_row(name, *[""] * (2 + len(parts)), megabytes(size), f"{100 * size / total:.0f}")
    memory.add_section()
    live = sum(float(each.day.live[at]) for each in told.assistants)
    memory.add_row("used_memory", f"{told.workload.users:,}", f"{live:,.0f}", *[""] * len(parts), megabytes(total), "")

    needs = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    load, each_turn = told.load, told.workload.model_seconds
    needs.add_row("maxmemory", f"{megabytes(HEADROOM * total)} MB (a quarter more than the forecast)")
    needs.add_row("memory of its machine", f"{megabytes(COPY * HEADROOM * total)} MB (it copies pages while it saves)")
    needs.add_row("turns", f"{load.turns:,.1f} a second at the busiest; {load.running:,.0f} run at once")
    needs.add_row("round trips to Redis", f"{load.round_trips:,.0f} a second, {100 * load.redis_cpu:.1f} % of one core")
    needs.add_row(
        "workers",
        f"{load.workers:,}, by {load.bound}: {told.costs.threads} threads and {told.costs.chat_ms:g} ms of CPU a turn "
        f"of {each_turn:g} s, {told.costs.busy:.0%} used",
    )
    return Group(memory, "", needs)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def document(told: Forecast) -> dict[str, Any]:
    """Bytes at the fullest minute, and the load in the busiest quarter of an hour."""
    at = told.peak
    return {
        "users": told.workload.users,
        "at": clock(at),
        "usedMemory": round(float(told.bytes[at])),
        "maxmemory": round(HEADROOM * float(told.bytes[at])),
        "assistants": {
            each.mix.name: {
                "users": each.users,
                "live": round(float(each.day.live[at])),
                **{part: round(float(size[at])) for part, size in each.parts.items()},
            }
            for each in told.assistants
        },
        "shared": {name: round(size) for name, size in told.shared.items()},
        "turnsPerSecond": round(told.load.turns, 2),
        "runningTurns": round(told.load.running, 1),
        "roundTripsPerSecond": round(told.load.round_trips, 1),
        "redisCpu": round(told.load.redis_cpu, 4),
        "workers": told.load.workers,
        "measuredRatio": round(told.costs.ratio, 4),
    }
