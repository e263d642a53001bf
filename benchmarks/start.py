"""How long a start takes and what a server holds at rest.

    python -m benchmarks.start [--rounds 5] [--quick]

Without a key and without Redis, one worker: from the start of the process to the first 200 of ``/ready``, and what its
worker holds then; in turns with ``python -c "import langchain.agents, langchain_openai, flask"``, the least that such a
server must import.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil

from benchmarks import drawing
from benchmarks.results import Results, Table, about, arguments, publish
from benchmarks.serve import cpu_of, resident
from tests.app import ParleyServer
from tests.processes import free_port

NAME: Final = "start"
LEAST: Final = "import langchain.agents, langchain_openai, flask"
PARLEY: Final = "Parley, to `/ready`"
IMPORTS: Final = "the imports alone"
_AND_TELL: Final = "; print(open('/proc/self/statm').read().split()[1])"
UNITS: Final = {"wall": "s", "cpu": "s of CPU", "rss": "MB"}


def least() -> Results:
    """Seconds, CPU seconds and resident MB of the imports alone."""
    was = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    told = subprocess.run([sys.executable, "-c", LEAST + _AND_TELL], check=True, capture_output=True, text=True)
    wall = time.perf_counter() - begun
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - was.ru_utime - was.ru_stime
    return {"wall": wall, "cpu": cpu, "rss": int(told.stdout.split()[-1]) * os.sysconf("SC_PAGESIZE") / 1e6}


def ready() -> Results:
    """The same of a start: the CPU is that of all its processes, the memory that of the one that answers."""
    begun = time.perf_counter()
    with ParleyServer({"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0", "LOG_LEVEL": "ERROR"}) as server:
        wall = time.perf_counter() - begun
        main = psutil.Process(server.pid)
        workers = main.children(recursive=True)
        return {"wall": wall, "cpu": cpu_of([main, *workers]), "rss": max(resident([each]) for each in workers)}


def measured(rounds: int) -> Results:
    results: Results = {"about": about("langchain", "langchain-openai", "flask", "granian"), "rounds": rounds}
    taken: dict[str, list[Results]] = {IMPORTS: [], PARLEY: []}
    least()  # what is on disk only is read
    for _ in range(rounds):
        taken[IMPORTS].append(least())
        taken[PARLEY].append(ready())
    return results | {
        "rows": {
            name: {what: statistics.median(each[what] for each in found) for what in UNITS}
            for name, found in taken.items()
        }
    }


def tables(results: Results) -> Iterable[Table]:
    rows = results["rows"]
    ratios = {what: rows[PARLEY][what] / rows[IMPORTS][what] for what in UNITS}
    yield Table(
        ["", "seconds", "CPU seconds", "resident MB, at rest"],
        [
            [IMPORTS, *(_shown(what, value) for what, value in rows[IMPORTS].items())],
            [PARLEY, *(_shown(what, value) for what, value in rows[PARLEY].items())],
            ["ratio", *(f"{ratios[what]:.2f}" for what in UNITS)],
        ],
    )


def _shown(what: str, value: float) -> str:
    return f"{value:.0f}" if what == "rss" else f"{value:.2f}"


def notes(results: Results) -> str:
    return ""


def draw(results: Results, file: Path) -> None:
    figure, axes = drawing.panels(1, 3, width=10, height=1.5)
    for place, (what, unit) in zip(axes, UNITS.items(), strict=True):
        values = {name.replace("`", ""): row[what] for name, row in results["rows"].items()}
        drawing.bars(place, values, [drawing.OTHERS, drawing.OURS], unit=unit)
    for place in axes[1:]:
        place.set_yticklabels([])
    drawing.save(figure, file)


def main() -> None:
    options = arguments(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    publish(NAME, measured(1 if chosen.quick else chosen.rounds), quick=chosen.quick)


if __name__ == "__main__":
    main()
