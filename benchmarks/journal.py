"""What it costs to outlast Redis, while Redis is well and while it is away.

    python -m benchmarks.journal [--turns 400] [--folder DIR] [--quick]

Turns of the session engine, without a model: on the Redis store alone, with the failover layer, with the journal on
disk, and with an encrypted one; by one thread, and by eight, whose journal entries are synced together. Contenders take
turns in rounds, so that what else the machine does falls on all of them. ``--folder`` says which disk.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks import drawing
from benchmarks.contenders import SHOWN_20, text
from benchmarks.results import Results, Table, about, arguments, number, percentile, publish
from memory import SessionEngine, SessionStore, open_failover_store, open_store
from tests.servers import RedisServer

NAME: Final = "journal"
ALONE: Final = "Redis alone"
ROUNDS: Final = 4
THREADS: Final = (1, 8)


@contextmanager
def contenders(server: RedisServer, folder: Path) -> Iterator[dict[str, SessionEngine]]:
    with ExitStack() as stack:
        stores: dict[str, SessionStore] = {
            ALONE: open_store(server.url()),
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
        yield {name: SessionEngine(store, SHOWN_20, namespace="bench") for name, store in stores.items()}


def turns(engine: SessionEngine, name: str, count: int, threads: int) -> tuple[list[float], float]:
    """Seconds of each of ``count`` turns in each of so many threads, whose users have 20 turns, and of all together."""
    found: list[float] = []

    def work(worker: int) -> None:
        mine = []
        for at in range(count):
            begun = time.perf_counter()
            engine.finish_turn(engine.begin_turn(f"{name} {worker} {at // 20}", text()), text())
            mine.append(time.perf_counter() - begun)
        found.extend(mine)

    running = [threading.Thread(target=work, args=(worker,)) for worker in range(threads)]
    begun = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return found, time.perf_counter() - begun


def compared(engines: dict[str, SessionEngine], state: str, count: int) -> Iterator[Results]:
    """A row for each contender and number of threads."""
    for threads in THREADS:
        taken: dict[str, list[float]] = {name: [] for name in engines}
        spent = dict.fromkeys(engines, 0.0)
        for part in range(ROUNDS):
            for name, engine in engines.items():
                found, seconds = turns(engine, f"{state} {threads} {part}", count // ROUNDS, threads)
                taken[name] += found
                spent[name] += seconds
        for name, found in taken.items():
            yield {
                "store": name,
                "redis": state,
                "threads": threads,
                "p50_us": 1e6 * statistics.median(found),
                "p95_us": 1e6 * percentile(found, 0.95),
                "per_second": len(found) / spent[name],
            }


def measured(count: int, folder: Path | None) -> Results:
    results: Results = {"about": about(), "turns": count}
    with (
        tempfile.TemporaryDirectory(dir=folder) as name,
        RedisServer(options=("--appendfsync", "everysec")) as server,
        contenders(server, Path(name)) as engines,
    ):
        for engine in engines.values():
            turns(engine, "warm", 20, 1)
        rows = list(compared(engines, "well", count))
        server.kill()
        del engines[ALONE]
        rows += compared(engines, "away", count)
    return results | {"rows": rows}


def tables(results: Results) -> Iterable[Table]:
    rows = results["rows"]
    alone = {row["threads"]: row for row in rows if row["store"] == ALONE}
    head = ["a turn", "Redis is", *(f"{each} thread{'s' * (each > 1)}: {what}" for each in THREADS for what in _WHAT)]
    lines = []
    for one, *more in zip(*([row for row in rows if row["threads"] == each] for each in THREADS), strict=True):
        cells = [cell for row in (one, *more) for cell in _cells(row, alone[row["threads"]])]
        lines.append([one["store"], one["redis"], *cells])
    yield Table(head, lines)


_WHAT: Final = ("p50 / p95 in µs (× Redis alone)", "turns/s")


def _cells(row: Results, alone: Results) -> list[str]:
    times = f"{row['p50_us']:,.0f} / {row['p95_us']:,.0f} ({row['p50_us'] / alone['p50_us']:.2f})"
    return [times, number(row["per_second"])]


def notes(results: Results) -> str:
    return ""


def draw(results: Results, file: Path) -> None:
    figure, axes = drawing.panels(1, 2, width=10, height=2.6)
    for place, threads in zip(axes, THREADS, strict=True):
        rows = [row for row in results["rows"] if row["threads"] == threads]
        values = {f"{row['store']}{', Redis away' * (row['redis'] == 'away')}": row["per_second"] for row in rows}
        colors = [drawing.OURS_TOO if row["redis"] == "away" else drawing.OURS for row in rows]
        drawing.bars(place, values, colors, unit="turns a second")
        place.set_title(f"{threads} thread{'s' * (threads > 1)}")
    axes[1].set_yticklabels([])
    drawing.save(figure, file)


def main() -> None:
    options = arguments(__doc__)
    options.add_argument("--turns", type=int, default=400, help="of each thread (400)")
    options.add_argument("--folder", type=Path, help="where journals are written; a temporary folder where not set")
    chosen = options.parse_args()
    results = measured(80 if chosen.quick else chosen.turns, chosen.folder)
    publish(NAME, results, quick=chosen.quick)


if __name__ == "__main__":
    main()
