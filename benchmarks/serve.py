"""What a server adds to a slow model with many clients at once: Parley whole, Parley without its Redis, bare FastAPI.

    python -m benchmarks.serve [--clients 50,200,500,1000,2000] [--seconds 15] [--only chats] [--quick]

Two workers each. Parley runs as in production: Granian, sessions in Redis (append-only file, synced each second), the
journal; and once more with its Redis killed, serving from memory and journal. The bare server (``bare_fastapi.py``)
keeps nothing. All of them are up during the whole run and are asked in turns. The model answers a chat after 1 s; a
stream brings 50 tokens within 1 s. Clients, model, Redis and servers share the machine: told is what of it the clients
and the model took, and how late the model was.
"""

from __future__ import annotations

import math
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
import psutil
import uvloop

from benchmarks import drawing, load
from benchmarks.results import ROOT, Results, Table, about, arguments, number, percentile, publish
from tests.app import ParleyServer
from tests.processes import LOOPBACK, ChildProcess, free_port, wait_until
from tests.servers import RedisServer

NAME: Final = "serve"
WORKERS: Final = 2
KINDS: Final = {"chats": False, "streams": True}
THINK: Final = 1.0
"""Seconds before an answer, and from the first to the last token of a stream."""

ROUNDS: Final = 3

TOKENS: Final = 50
# As deploy/ has it.
REDIS_OPTIONS: Final = ("--appendfsync", "everysec", "--maxmemory-policy", "noeviction")

PARLEY: Final = "Parley"
DEGRADED: Final = "Parley, Redis away"
BARE: Final = "FastAPI, bare"


@dataclass(frozen=True, slots=True)
class Server:
    """One of those that are asked, with the process that all of its others descend from."""

    name: str
    port: int
    process: psutil.Process
    redis: psutil.Process | None = None

    def family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@dataclass(slots=True)
class Meter:
    """CPU seconds of processes from ``begin`` to ``end``."""

    processes: dict[str, Sequence[psutil.Process]]
    spent: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def begin(self) -> None:
        self.spent = {name: -cpu_of(each) for name, each in self.processes.items()}
        self.seconds = -time.perf_counter()

    def end(self) -> None:
        self.seconds += time.perf_counter()
        for name, each in self.processes.items():
            self.spent[name] += cpu_of(each)


def cpu_of(processes: Iterable[psutil.Process]) -> float:
    """User and system seconds, as /proc tells them."""
    return sum(times.user + times.system for times in (each.cpu_times() for each in processes))


def resident(processes: Iterable[psutil.Process]) -> float:
    """MB; what processes share is counted for each."""
    return float(sum(each.memory_info().rss for each in processes)) / 1e6


@contextmanager
def child(
    command: Sequence[str], env: dict[str, str], ready: Callable[[], bool], log: Path
) -> Iterator[psutil.Process]:
    """A process with this environment and nothing else of ours, once it is ready."""
    pairs = [f"{name}={value}" for name, value in {"PATH": "/usr/bin:/bin", **env}.items()]
    process = ChildProcess(["/usr/bin/env", "-i", *pairs, *command], log=log, cwd=ROOT)
    try:
        wait_until(ready, " ".join(command), 60)
        yield psutil.Process(process.pid)
    finally:
        process.stop(30)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextmanager
def model(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Its address without a path, and its process."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    command = [sys.executable, "-m", "benchmarks.model", "--port", str(port)]
    command += ["--think", str(THINK), "--tokens", str(TOKENS), "--over", str(THINK)]
    with child(command, {}, lambda: answers(url), folder / "model.log") as process:
        yield url, process


@contextmanager
def bare(model_url: str, folder: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.bare_fastapi:app", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--log-level", "warning"]
    env = {"OPENAI_BASE_URL": f"{model_url}/v1"}
    with child(command, env, lambda: answers(f"http://{LOOPBACK}:{port}/docs"), folder / "bare.log") as process:
        yield Server(BARE, port, process)


@contextmanager
def parley(name: str, model_url: str, most: int, folder: Path, *, cut_off: bool = False) -> Iterator[Server]:
    """As in production. A worker has threads for more than its half of the clients: they are not dealt evenly."""
    folder.mkdir()
    with RedisServer(folder / "redis", options=REDIS_OPTIONS) as redis:
        env = {
            "WORKERS": str(WORKERS), "THREADS": str(max(64, most * 3 // 4)), "REDIS_URL": redis.url(),
            "MODEL": "openai:fake", "OPENAI_BASE_URL": f"{model_url}/v1", "OPENAI_API_KEY": "none",
            "RATE_LIMIT": "120/minute", "LOG_LEVEL": "WARNING",
        }  # fmt: skip
        with ParleyServer(env, folder=folder) as server:
            if cut_off:
                redis.kill()
            yield Server(name, server.port, psutil.Process(server.pid), None if cut_off else psutil.Process(redis.pid))


def asked(
    server: Server, model_url: str, others: dict[str, psutil.Process], kind: str, clients: int, seconds: float
) -> Results:
    """One row: a server with so many clients."""
    meter = Meter(
        {
            "server": server.family(),
            "redis": [server.redis] if server.redis else [],
            **{name: [process] for name, process in others.items()},
        }
    )

    name = f"{kind}-{clients}"
    seen = uvloop.run(
        load.run(
            server.port, clients, seconds,
            stream=KINDS[kind], tokens=TOKENS, name=name, begin=meter.begin, end=meter.end,
        )
    )  # fmt: skip
    late = httpx.get(f"{model_url}/late", trust_env=False).json()
    tokens = len(seen.first) + len(seen.gaps)
    # A stream is counted by its tokens: of a few long ones, more or fewer may happen to end within the time.
    turns = tokens / TOKENS if KINDS[kind] else len(seen.took)
    added = [1_000 * (took - THINK) for took in seen.took]
    row: Results = {
        "server": server.name,
        "kind": kind,
        "clients": clients,
        "ended": len(seen.took),
        "per_second": turns / meter.seconds,
        "added_p50_ms": percentile(added, 0.5),
        "added_p95_ms": percentile(added, 0.95),
        "cpu_ms": 1_000 * meter.spent["server"] / max(1.0, turns),
        "redis_cpu_ms": 1_000 * meter.spent["redis"] / max(1.0, turns),
        "rss_mb": resident(server.family()),
        "errors": seen.errors,
        "reasons": seen.reasons,
        "model_cores": meter.spent["model"] / meter.seconds,
        "clients_cores": meter.spent["clients"] / meter.seconds,
        "model_late_p95_ms": late["p95_ms"],
    }
    if KINDS[kind]:
        row |= {
            "first_p50_ms": 1_000 * percentile(seen.first, 0.5),
            "first_p95_ms": 1_000 * percentile(seen.first, 0.95),
            "gap_p50_ms": 1_000 * percentile(seen.gaps, 0.5),
            "gap_p95_ms": 1_000 * percentile(seen.gaps, 0.95),
            "cpu_us_token": 1e6 * meter.spent["server"] / max(1, tokens),
            "lost": seen.lost,
        }
    return row


def measured(counts: Sequence[int], kinds: Sequence[str], seconds: float) -> Results:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # all children have it, too
    results: Results = {"about": about(*PACKAGES), "seconds": seconds, "workers": WORKERS, "rows": []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url, process = stack.enter_context(model(folder))
        others = {"model": process, "clients": psutil.Process()}
        servers = [
            stack.enter_context(bare(url, folder)),
            stack.enter_context(parley(PARLEY, url, max(counts), folder / "whole")),
            stack.enter_context(parley(DEGRADED, url, max(counts), folder / "degraded", cut_off=True)),
        ]
        for kind in KINDS:
            for server in servers:  # warm: imports, connections, scripts
                uvloop.run(load.run(server.port, 20, 1.0, stream=KINDS[kind], tokens=TOKENS, name=f"warm-{kind}"))
        for kind in kinds:
            for clients in counts:
                rounds: list[list[Results]] = [[] for _ in servers]
                for _ in range(ROUNDS):  # in turns: a machine is seldom as fast in one minute as in the next
                    for server, rows in zip(servers, rounds, strict=True):
                        rows.append(asked(server, url, others, kind, clients, seconds / ROUNDS))
                for rows in rounds:
                    row = _middle(rows)
                    results["rows"].append(row)
                    print(f"{kind}, {clients} clients, {row['server']}: {row['per_second']:.0f}/s", flush=True)
    return results


def _middle(rows: Sequence[Results]) -> Results:
    """One row of several rounds: the median of what was measured, the sum of what was counted."""
    middle = dict(rows[0])
    for name, value in rows[0].items():
        if name in ("ended", "errors", "lost"):
            middle[name] = sum(row[name] for row in rows)
        elif isinstance(value, float):
            middle[name] = statistics.median(row[name] for row in rows)
    middle["reasons"] = dict(sum((Counter(row["reasons"]) for row in rows), Counter()))
    return middle


PACKAGES: Final = ("granian", "flask", "fastapi", "uvicorn", "langchain-openai", "langgraph", "openai")


def tables(results: Results) -> Iterable[Table]:
    for kind, stream in KINDS.items():
        rows = [row for row in results["rows"] if row["kind"] == kind]
        if rows:
            yield _table(kind, rows, stream=stream)


def _table(kind: str, rows: Sequence[Results], *, stream: bool) -> Table:
    bare = {row["clients"]: row for row in rows if row["server"] == BARE}
    more = ["first token p50 / p95 ms", "gap p50 / p95 ms", "CPU µs a token", "lost"] if stream else []
    head = [
        *("clients", "server", f"{kind}/s (× bare)", "added p50 / p95 ms", "CPU ms (× bare)", *more),
        *("Redis CPU ms", "RSS MB", "errors"),
    ]
    return Table(head, [_cells(row, bare[row["clients"]], stream=stream) for row in rows], f"**{kind.capitalize()}**")


def _cells(row: Results, bare: Results, *, stream: bool) -> list[str]:
    more = []
    if stream:
        more = [
            f"{row['first_p50_ms']:,.0f} / {row['first_p95_ms']:,.0f}",
            f"{row['gap_p50_ms']:.0f} / {row['gap_p95_ms']:,.0f}",
            number(row["cpu_us_token"]),
            str(row["lost"]),
        ]
    return [
        f"{row['clients']:,}",
        row["server"],
        f"{row['per_second']:,.0f} ({row['per_second'] / max(1e-9, bare['per_second']):.2f})",
        f"{row['added_p50_ms']:,.0f} / {row['added_p95_ms']:,.0f}" if row["ended"] else "none ended",
        f"{row['cpu_ms']:.2f} ({row['cpu_ms'] / max(1e-9, bare['cpu_ms']):.2f})",
        *more,
        f"{row['redis_cpu_ms']:.2f}" if row["redis_cpu_ms"] else "",
        number(row["rss_mb"]),
        str(row["errors"]),
    ]


def notes(results: Results) -> str:
    wrong = [
        f"{row['server']}, {row['clients']} clients, {row['kind']}: {dict(row['reasons'])}"
        for row in results["rows"]
        if row["errors"]
    ]
    most = {name: max(row[name] for row in results["rows"]) for name in ("model_cores", "clients_cores")}
    late = max(row["model_late_p95_ms"] for row in results["rows"])
    return (
        f"In no row did the model take more than {most['model_cores']:.2f} cores, nor the clients more than "
        f"{most['clients_cores']:.2f}; the model was at most {late:.0f} ms late (p95). "
        + ("Errors: " + "; ".join(wrong) + "." if wrong else "")
    )


def draw(results: Results, file: Path) -> None:
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in results["rows"])]
    colors = {PARLEY: drawing.OURS, DEGRADED: drawing.OURS_TOO, BARE: drawing.PEER}
    figure, axes = drawing.panels(len(kinds), 3, width=11)
    for at, kind in enumerate(kinds):
        rows = {(row["server"], row["clients"]): row for row in results["rows"] if row["kind"] == kind}
        counts = sorted({clients for _, clients in rows})
        units = {
            "per_second": f"{kind} a second",
            "added_p50_ms": "added to the model, p50, ms",
            "cpu_ms": "CPU ms each",
        }
        for place, (value, unit) in zip(axes[3 * at :], units.items(), strict=False):
            found = {name: [_drawn(rows[name, count], value) for count in counts] for name in colors}
            drawing.lines(place, counts, found, colors, xlabel="clients", ylabel=unit)
        axes[3 * at].legend()
        axes[3 * at].set_title(kind.capitalize(), loc="left")
    drawing.save(figure, file)


def _drawn(row: Results, value: str) -> float:
    return float(row[value]) if row["ended"] else math.nan


def main() -> None:
    options = arguments(__doc__)
    options.add_argument("--clients", default="50,200,500,1000,2000", help="numbers of clients, comma separated")
    options.add_argument("--seconds", type=float, default=15.0, help="for each server and number, in three rounds (15)")
    options.add_argument("--only", choices=KINDS, help="chats or streams alone")
    chosen = options.parse_args()
    kinds = [chosen.only] if chosen.only else list(KINDS)
    if chosen.quick:
        results = measured([50, 200], kinds, 4.0)
    else:
        results = measured([int(each) for each in chosen.clients.split(",")], kinds, chosen.seconds)
    publish(NAME, results, quick=chosen.quick)


if __name__ == "__main__":
    main()
