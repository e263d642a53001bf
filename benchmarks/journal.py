"""What outlasting Redis costs while Redis is well: a turn on the Redis store alone, with the failover layer, and with
the journal; and a turn while Redis is away.

    python -m benchmarks.journal [--turns 400] [--folder DIR] [--json FILE]

Contenders take turns in rounds, so that what else the machine does falls on all of them. A turn is a claim and a commit
of the session engine, without a model.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from memory import SessionEngine, SessionPolicy, SessionStore, open_failover_store, open_store
from tests.servers import RedisServer

POLICY = SessionPolicy(inactivity=3_600, keep_turns=20)
ROUNDS = 4
REPLY = "Cloudy, 9 degrees, a light wind from the west and some rain towards the evening. " * 3


@contextmanager
def contenders(server: RedisServer, folder: Path) -> Iterator[dict[str, SessionEngine]]:
    with ExitStack() as stack:
        stores: dict[str, SessionStore] = {
            "Redis alone": open_store(server.url()),
            "with the failover layer": open_failover_store(server.url()),
            "with layer and journal": open_failover_store(
                server.url(), durability_of={"bench": "disk"}, journal_dir=folder / "plain"
            ),
            "with an encrypted journal": open_failover_store(
                server.url(), durability_of={"bench": "disk"}, journal_dir=folder / "sealed", journal_key="a key"
            ),
        }
        for store in stores.values():
            stack.callback(store.close_store)
        yield {name: SessionEngine(store, POLICY, namespace="bench") for name, store in stores.items()}


def turn(engine: SessionEngine, user: str) -> float:
    """A whole turn, in seconds."""
    begun = time.perf_counter()
    engine.finish_turn(engine.begin_turn(user, "What is the weather like in London today?"), REPLY)
    return time.perf_counter() - begun


def measure(engine: SessionEngine, name: str, turns: int, threads: int) -> list[float]:
    """``turns`` turns in each of so many threads, each with its own users of 20 turns."""
    found: list[float] = []

    def work(worker: int) -> None:
        mine = [turn(engine, f"{name} {worker} {number // 20}") for number in range(turns)]
        found.extend(mine)

    running = [threading.Thread(target=work, args=(worker,)) for worker in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return found


def report(label: str, found: list[float]) -> dict[str, float]:
    ordered = sorted(1_000 * seconds for seconds in found)
    figures = {"p50": statistics.median(ordered), "p95": ordered[int(0.95 * (len(ordered) - 1))]}
    print(f"{label:<44} p50 {figures['p50']:7.3f} ms   p95 {figures['p95']:7.3f} ms")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=400, help="turns of each thread in a round")
    parser.add_argument("--folder", type=Path, help="where journals are written; a temporary folder where not set")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    arguments = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}

    def compare(engines: dict[str, SessionEngine], label: str, threads: int) -> None:
        found: dict[str, list[float]] = {name: [] for name in engines}
        for number in range(ROUNDS):
            for name, engine in engines.items():
                found[name] += measure(engine, f"{label} {threads} {number}", arguments.turns // ROUNDS, threads)
        for name, seconds in found.items():
            full = f"{threads} thread{'s' * (threads > 1)}, {label}{name}"
            figures[full] = report(full, seconds)

    with (
        tempfile.TemporaryDirectory(dir=arguments.folder) as folder,
        RedisServer() as server,
        contenders(server, Path(folder)) as engines,
    ):
        for engine in engines.values():
            measure(engine, "warm", 20, 1)
        for threads in (1, 8):
            compare(engines, "", threads)
        server.kill()
        del engines["Redis alone"]
        for threads in (1, 8):
            compare(engines, "Redis away, ", threads)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


Main = Callable[[], None]

if __name__ == "__main__":
    main()
