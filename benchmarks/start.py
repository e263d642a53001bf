"""How long a start takes and what a server holds at rest: ``python -m benchmarks.start [--rounds 3] [--json FILE]``.

Without a key and without Redis. From the process's start to the first 200 of ``/ready``, beside (interleaved)
``python -c "import langchain.agents, langchain_openai, flask"``, which is the least that such a server must import.
Seconds of wall time and of CPU (the start with all its workers), and resident memory a worker.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.serve import answers, cpu_and_memory, process
from tests.processes import free_port

LEAST = "import langchain.agents, langchain_openai, flask"


def least() -> tuple[float, float]:
    """(wall, CPU) seconds of the imports alone."""
    was = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", LEAST], check=True)
    wall = time.perf_counter() - begun
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, now.ru_utime + now.ru_stime - was.ru_utime - was.ru_stime


def ready(folder: Path) -> tuple[float, float, float]:
    """(wall seconds, CPU seconds, resident MB of the worker) of a start with one worker."""
    port = free_port()
    env = {
        "PORT": str(port),
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "DATA_DIR": str(folder / "data"),
        "LOG_LEVEL": "ERROR",
        "PATH": os.environ["PATH"],
    }
    url = f"http://127.0.0.1:{port}/ready"
    begun = time.perf_counter()
    with process([sys.executable, "server.py"], env, url, folder) as running:
        wall = time.perf_counter() - begun
        assert answers(url)
        cpu, _ = cpu_and_memory(running)
        workers: list[psutil.Process] = running.children(recursive=True)
        return wall, cpu, max(each.memory_info().rss for each in workers) / 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    imports: list[tuple[float, float]] = []
    starts: list[tuple[float, float, float]] = []
    with TemporaryDirectory() as name:
        for _ in range(chosen.rounds):
            imports.append(least())
            starts.append(ready(Path(name)))
    wall = [statistics.median(each) for each in zip(*imports, strict=True)]
    start = [statistics.median(each) for each in zip(*starts, strict=True)]
    print(f"imports alone    {wall[0]:6.2f} s   CPU {wall[1]:5.2f} s")
    print(f"start to /ready  {start[0]:6.2f} s   CPU {start[1]:5.2f} s   {start[2]:.0f} MB a worker")
    print(f"ratio            {start[0] / wall[0]:6.2f}     CPU {start[1] / wall[1]:5.2f}")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        about = {"machine": platform.platform(), "python": platform.python_version(), "at": time.time()}
        chosen.json.write_text(json.dumps({**about, "imports": imports, "starts": starts}, indent=2))


if __name__ == "__main__":
    main()
