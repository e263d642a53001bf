"""What grows with the number of live sessions: ``python -m benchmarks.scale [--most 1000000] [--json FILE]``.

Fills a Redis of its own with 1,000, 10,000, … live sessions of one turn each (at 0.5 to 1 ms a session: ``--most
100000`` keeps it short). At each size: p50 of a PING and of a turn of one of them, of the totals, of a user's list and
of a page of live sessions; bytes of Redis a session; and, for 1,000 sessions that ended besides, the µs of Redis' own
CPU that sweeping each of them took.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
from rich.console import Console
from rich.table import Table

from memory import SessionEngine, SessionPolicy, open_store
from memory.cleanup import sweep
from tests.servers import RedisServer

ENDING = 1_000
LONG = SessionPolicy(inactivity=86_400, durability="memory")
SHORT = SessionPolicy(inactivity=1, durability="memory")


def p50(work: Callable[[], object], rounds: int) -> float:
    """µs."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(times)


def talk(engine: SessionEngine, subject: str) -> None:
    engine.finish_turn(engine.begin_turn(subject, "Weather in London?"), "Cloudy, 9 °C.")


def redis_cpu(client: redis.Redis) -> float:
    """Seconds."""
    spent: dict[str, float] = client.info("cpu")
    return spent["used_cpu_user"] + spent["used_cpu_sys"]


def swept(client: redis.Redis, url: str) -> float:
    """µs of Redis' CPU for each session that ended."""
    engine = SessionEngine(open_store(url), SHORT, namespace="ending")
    for number in range(ENDING):
        talk(engine, f"gone{number}")
    later = engine.store.now() + 10_000
    while engine.store.now() < later - 8_000:  # the last of them is past its second
        time.sleep(0.05)
    before = redis_cpu(client)
    ended = sum(sweep(engine).values())
    if ended < ENDING:
        raise SystemExit(f"{ended} of {ENDING} sessions ended")
    return (redis_cpu(client) - before) * 1e6 / ended


def measure(client: redis.Redis, url: str, engine: SessionEngine, sessions: int) -> dict[str, Any]:
    chance = random.Random(1)

    def somebody() -> str:
        return f"user{chance.randrange(sessions)}"

    return {
        "sessions": sessions,
        "ping_us": p50(client.ping, 500),
        "turn_us": p50(lambda: talk(engine, somebody()), 500),
        "totals_us": p50(lambda: engine.store.totals("scale"), 100),
        "list_us": p50(lambda: engine.list(somebody()), 100),
        "page_us": p50(lambda: engine.live(100), 20),
        "bytes": client.info("memory")["used_memory"] / sessions,
        "sweep_us": swept(client, url),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--most", type=int, default=1_000_000)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        client = redis.Redis.from_url(server.url())
        engine = SessionEngine(open_store(server.url()), LONG, namespace="scale")
        filled, size = 0, 1_000
        while size <= chosen.most:
            for number in range(filled, size):
                talk(engine, f"user{number}")
            rows.append(measure(client, server.url(), engine, size))
            filled, size = size, size * 10
    table = Table("sessions", "PING µs", "turn µs", "totals µs", "list µs", "page µs", "bytes each", "sweep µs each")
    for row in rows:
        table.add_row(f"{row['sessions']:,}", *(f"{value:,.0f}" for name, value in row.items() if name != "sessions"))
    Console().print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        about = {"machine": platform.platform(), "python": platform.python_version(), "at": time.time()}
        chosen.json.write_text(json.dumps({**about, "results": rows}, indent=2))


if __name__ == "__main__":
    main()
