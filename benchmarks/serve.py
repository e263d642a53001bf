"""What a server adds to a slow model, at many clients at once: Parley whole, and beside it a bare FastAPI server.

    .venv/bin/pip install -r benchmarks/requirements.txt
    python -m benchmarks.serve [--clients 50,200,500,1000] [--think 1.0] [--json benchmarks/results/serve.json]

Starts a model that thinks and a Redis, each in a process of its own, and one server after the other with two workers.
Prints chats (or streams) finished per second, the p50 and p95 of what the server added to the model's time, the first
token of a stream, CPU ms of the server per turn, resident memory, and errors. Model, clients and server share the
machine's cores: take the ratios, not the absolutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.load import Load, run
from tests.processes import ChildProcess, free_port, wait_until
from tests.servers import RedisServer

WORKERS = 2


@contextmanager
def process(command: list[str], env: dict[str, str], url: str, folder: Path) -> Iterator[psutil.Process]:
    pairs = [f"{name}={value}" for name, value in {"PATH": os.environ["PATH"], **env}.items()]
    child = ChildProcess(["/usr/bin/env", "-i", *pairs, *command], log=folder / "log", cwd=Path.cwd())
    try:
        wait_until(lambda: answers(url), url, 60)
        yield psutil.Process(child.pid)
    finally:
        child.stop(30)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code < 500
    except httpx.TransportError:
        return False


def cpu_and_memory(root: psutil.Process) -> tuple[float, float]:
    """CPU seconds and resident MB of a server with all its workers."""
    family = [root, *root.children(recursive=True)]
    times = [each.cpu_times() for each in family]
    return sum(t.user + t.system for t in times), sum(each.memory_info().rss for each in family) / 1e6


def servers(
    port: int, model_url: str, redis_url: str, folder: Path
) -> dict[str, tuple[list[str], dict[str, str], str]]:
    """(command, environment, address that answers when it is up) by name."""
    python = sys.executable
    fastapi = [python, "-m", "uvicorn", "benchmarks.bare_fastapi:app", "--port", str(port)]
    parley = {
        "PORT": str(port), "WORKERS": str(WORKERS), "THREADS": "1024", "MODEL": "openai:fake", "RATE_LIMIT": "off",
        "OPENAI_BASE_URL": model_url, "REDIS_URL": redis_url, "DATA_DIR": str(folder / "data"), "LOG_LEVEL": "WARNING",
        "ASSISTANTS": "weather", "MAX_CONVERSATIONS_PER_SESSION": "1000", "WEATHER_SHOWN_TURNS": "10",
    }  # fmt: skip
    return {
        "FastAPI, bare": (
            [*fastapi, "--workers", str(WORKERS), "--log-level", "warning"],
            {"OPENAI_BASE_URL": model_url},
            f"http://127.0.0.1:{port}/docs",
        ),
        "Parley": ([python, "server.py"], parley, f"http://127.0.0.1:{port}/ready"),
    }


def report(name: str, load: Load, think: float, cpu: float, memory: float) -> dict[str, Any]:
    added = sorted((took - think) * 1000 for took in load.took) or [0.0]
    first = sorted(took * 1000 for took in load.first) or [0.0]
    return {
        "server": name,
        "per_second": load.per_second,
        "added_p50_ms": statistics.median(added),
        "added_p95_ms": added[int(0.95 * (len(added) - 1))],
        "first_p50_ms": statistics.median(first),
        "cpu_ms": cpu * 1000 / max(1, len(load.took)),
        "rss_mb": memory,
        "errors": load.errors,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clients", default="50,200,500,1000")
    options.add_argument("--think", type=float, default=1.0)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--streams", action="store_true", help="streams of 50 tokens instead of whole replies")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    console, results = Console(), []
    drip = chosen.think / 50 if chosen.streams else 0.0
    think = 0.0 if chosen.streams else chosen.think
    with TemporaryDirectory() as name, RedisServer(Path(name) / "redis") as redis:
        folder, model_port = Path(name), free_port()
        model = [sys.executable, "-m", "tests.fakes.openai_server", "--port", str(model_port), "--tokens", "50"]
        model += ["--think", str(think), "--drip", str(drip)]
        with process(model, {}, f"http://127.0.0.1:{model_port}/", folder):
            for clients in map(int, chosen.clients.split(",")):
                table = Table(f"{clients} clients", "/s", "added p50/p95 ms", "first ms", "CPU ms", "RSS MB", "errors")
                port = free_port()
                for server, (command, env, up) in servers(
                    port, f"http://127.0.0.1:{model_port}/v1", redis.url(), folder
                ).items():
                    with process(command, env, up, folder) as running:
                        asyncio.run(run(port, 20, 1, stream=chosen.streams))  # warm up
                        before, _ = cpu_and_memory(running)
                        load = asyncio.run(run(port, clients, chosen.rounds, stream=chosen.streams))
                        after, memory = cpu_and_memory(running)
                    row = report(server, load, chosen.think, after - before, memory)
                    results.append({"clients": clients, **row})
                    table.add_row(
                        server,
                        f"{row['per_second']:.0f}",
                        f"{row['added_p50_ms']:.0f} / {row['added_p95_ms']:.0f}",
                        f"{row['first_p50_ms']:.0f}",
                        f"{row['cpu_ms']:.2f}",
                        f"{row['rss_mb']:.0f}",
                        str(row["errors"]),
                    )
                console.print(table)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        machine = {"machine": platform.platform(), "python": platform.python_version(), "at": time.time()}
        chosen.json.write_text(json.dumps({**machine, "results": results}, indent=2))


if __name__ == "__main__":
    main()
