"""What a turn costs: Parley's session engine beside its peers and the limits, in one run.

    python -m benchmarks.turns [--rounds 400] [--seconds 3] [--quick]

Contenders take turns one by one, in a random order, so that a noisy machine is noisy for all of them; and once more
twenty in a row. Told are p50 and p95 with 0, 20 and 200 messages kept, also in PINGs of the same time; round trips,
counted on the wire; turns a second with 8 threads; and the bytes of a session of 20 messages of 100 random letters.
Starts a Redis and, where it is installed, a PostgreSQL of its own.
"""

from __future__ import annotations

import itertools
import random
import statistics
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks import drawing
from benchmarks.contenders import LETTERS, PARLEY, PING, SERVED, Contender, Place, limits, ours
from benchmarks.peers import peers
from benchmarks.results import Results, Table, about, arguments, number, percentile, publish
from tests.processes import LOOPBACK
from tests.proxy import Proxy
from tests.servers import RedisServer
from tests.servers_postgres import PostgresServer

NAME: Final = "turns"
COLUMNS: Final = {"0": (0, 1), "20": (20, 1), "200": (200, 1), "warm": (20, 20)}
"""(messages kept, turns that a contender takes in a row). One turn in a row finds cold caches, as in a server that did
something else before; twenty find warm ones."""

THREADS: Final = 8
SUBJECTS: Final = 20
"""Filled at once, and given a turn each by one contender after the other; ``size / 20`` times before others are."""

MESSAGES: Final = 20
"""Of the sessions whose bytes are told."""

# As deploy/ has it.
REDIS_OPTIONS: Final = ("--appendfsync", "everysec")


class CountingProxy(Proxy):
    """Counts round trips: requests that follow a reply. For one thread at a time."""

    trips = 0
    _asking = False

    def _pass(self, sink: Any, data: bytes, is_reply: bool) -> None:
        if not is_reply and not self._asking:
            self.trips += 1
        self._asking = not is_reply
        super()._pass(sink, data, is_reply)


def made(place: Place, stack: ExitStack) -> tuple[list[Contender], dict[str, str]]:
    """All contenders that are there, and why others are not."""
    missing: dict[str, str] = {}
    return [*limits(place, stack), *ours(place, stack), *peers(place, stack, missing)], missing


def timed(contenders: list[Contender], size: int, rounds: int, in_a_row: int) -> dict[str, list[float]]:
    """µs of each turn with so many messages kept, by contender, each taking some turns in a row when it is on."""
    taken: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    chance = random.Random(size)
    often = max(1, size // 20)
    for batch in range(-(-rounds // (SUBJECTS * often))):
        subjects = [f"{size}-{in_a_row}-{batch}-{each}" for each in range(SUBJECTS)]
        for contender, subject in itertools.product(contenders, subjects):
            contender.fill(subject, size)
        for _, at in itertools.product(range(often), range(0, SUBJECTS, in_a_row)):
            for contender in chance.sample(contenders, len(contenders)):
                for subject in subjects[at : at + in_a_row]:
                    begun = time.perf_counter()
                    contender.turn(subject)
                    taken[contender.name].append((time.perf_counter() - begun) * 1e6)
    return {name: times[:rounds] for name, times in taken.items()}


def at_once(contender: Contender, name: str, seconds: float) -> float:
    """Turns a second with 8 threads; every thread's subjects have 0 to 40 messages."""
    until = time.perf_counter() + seconds
    counts = [0] * THREADS

    def work(worker: int) -> None:
        while time.perf_counter() < until:
            contender.turn(f"{name}-{worker}-{counts[worker] // 20}")
            counts[worker] += 1

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(THREADS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


def round_trips(contender: Contender, proxies: Iterable[CountingProxy], turns: int = 40) -> float:
    """Of a turn; a contender that is made anew for each connects anew, which counts."""
    contender.turn("trips")
    before = sum(proxy.trips for proxy in proxies)
    for _ in range(turns):
        contender.turn("trips")
    return (sum(proxy.trips for proxy in proxies) - before) / turns


def session_bytes(name: str, place: Place, sessions: int) -> float:
    """What a session of 20 messages takes, with every key, row and index entry that belongs to it.

    Of a Redis of its own: what other clients' buffers take would be counted, too.
    """
    with TemporaryDirectory() as folder, RedisServer(Path(folder) / "redis") as server, ExitStack() as stack:
        alone = Place(server.url(), Path(folder), place.postgres_url)
        contender = next(each for each in made(alone, stack)[0] if each.name == name)
        assert contender.held is not None
        for turn in range(10):
            contender.turn(f"warm-{turn}")
        before = contender.held()
        for subject, _ in itertools.product(range(sessions), range(MESSAGES // 2)):
            contender.turn(f"bytes-{subject:06}")
        return (contender.held() - before) / sessions


@contextmanager
def place() -> Iterator[tuple[Place, list[CountingProxy], Place]]:
    """Where to measure, and the same behind proxies that count."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        server = stack.enter_context(RedisServer(folder / "redis", options=REDIS_OPTIONS))
        proxies = [stack.enter_context(CountingProxy(server.port))]
        urls: list[str | None] = [None, None]
        if postgres := _postgres(stack):
            proxies.append(stack.enter_context(CountingProxy(postgres.port)))
            urls = [f"postgresql://postgres@{LOOPBACK}:{port}/postgres" for port in (postgres.port, proxies[1].port)]
        (folder / "counted").mkdir()
        yield (
            Place(server.url(), folder, urls[0]),
            proxies,
            Place(proxies[0].url(1), folder / "counted", urls[1]),
        )


def _postgres(stack: ExitStack) -> PostgresServer | None:
    try:
        return stack.enter_context(PostgresServer())
    except BaseException as error:
        if type(error).__name__ != "Skipped":  # what pytest calls a program that is not installed
            raise
        return None


def measured(rounds: int, seconds: float, sessions: int) -> Results:
    results: Results = {"about": about(*PACKAGES), "rounds": rounds, "contenders": {}}
    rows: dict[str, Results] = results["contenders"]
    with place() as (direct, proxies, counted), ExitStack() as stack:
        contenders, results["missing"] = made(direct, stack)
        for contender, _ in itertools.product(contenders, range(3)):
            contender.turn("warm")
        for label, (size, in_a_row) in COLUMNS.items():
            taken = timed(contenders, size, rounds, in_a_row)
            ping = statistics.median(taken[PING])
            for name, times in taken.items():
                p50 = statistics.median(times)
                told = {"p50_us": p50, "p95_us": percentile(times, 0.95), "pings": p50 / ping}
                rows.setdefault(name, {})[label] = told
        for part in range(3):  # in three parts, so that a bad moment is not one contender's alone
            for contender in contenders:
                rate = at_once(contender, f"at-once-{part}", seconds / 3)
                rows[contender.name].setdefault("per_second", []).append(rate)
        for contender in contenders:
            row = rows[contender.name]
            row["per_second"] = statistics.median(row["per_second"])
            row["alone"] = contender.alone()
        for contender in made(counted, stack)[0]:
            if contender.remote:
                rows[contender.name]["trips"] = round_trips(contender, proxies)
        for contender in contenders:
            if contender.held is not None:
                few = sessions // 5 if "LangGraph" in contender.name else sessions
                each = session_bytes(contender.name, direct, few)
                rows[contender.name] |= {"bytes": each, "times_text": each / (MESSAGES * LETTERS)}
    return results


PACKAGES: Final = (
    *("redis", "langchain-community", "langchain-redis", "langgraph", "langgraph-checkpoint-sqlite"),
    *("langgraph-checkpoint-postgres", "langgraph-checkpoint-redis"),
)


_HEADS: Final = ("0 messages", "20 messages", "200 messages", "20 messages, warm")


def tables(results: Results) -> Iterable[Table]:
    rows = results["contenders"]
    yield Table(
        ["p50 / p95 in µs (p50 in PINGs)", *_HEADS, "× Parley at 20"],
        [
            [
                name,
                *(_times(row[label]) for label in COLUMNS),
                f"{row['20']['p50_us'] / rows[PARLEY]['20']['p50_us']:.2f}",
            ]
            for name, row in rows.items()
        ],
    )
    served = rows[PARLEY]["per_second"]
    yield Table(
        ["", "round trips", f"turns/s, {THREADS} threads", "× Parley", "bytes of a session", "× its text"],
        [
            [
                name,
                f"{row['trips']:.1f}" if "trips" in row else "",
                number(row["per_second"]),
                f"{row['per_second'] / served:.2f}",
                number(row["bytes"]) if "bytes" in row else "",
                f"{row['times_text']:.2f}" if "bytes" in row else "",
            ]
            for name, row in rows.items()
        ],
    )


def _times(told: Results) -> str:
    return f"{told['p50_us']:,.0f} / {told['p95_us']:,.0f} ({told['pings']:.1f})"


def notes(results: Results) -> str:
    told = []
    for reason in sorted(set(results["missing"].values())):
        names = [f"*{name}*" for name, why in results["missing"].items() if why == reason]
        told.append(f"Not available here: {', '.join(names)}: {reason}.")
    if alone := results["contenders"][SERVED]["alone"]:
        told.append(f"{alone} turns of the server's store went without Redis, which was too busy to answer in time.")
    return " ".join(told)


def draw(results: Results, file: Path) -> None:
    rows = results["contenders"]
    names = [name for name in rows if name != PING]
    colors = [
        drawing.OURS if name in (PARLEY, SERVED) else _color(name) for name in names
    ]  # what a reader will use is dark
    figure, (few, many, rates) = drawing.panels(1, 3, width=12, height=4.2)
    for axes, size in ((few, "20"), (many, "200")):
        pings = {name: rows[name][size]["pings"] for name in names}
        drawing.bars(axes, pings, colors, unit="PINGs, p50 (log)", log=True)
        axes.set_title(f"A turn, {size} messages kept")
    drawing.bars(rates, {name: rows[name]["per_second"] for name in names}, colors, unit="turns a second")
    rates.set_title(f"{THREADS} threads of one process")
    for axes in (many, rates):
        axes.set_yticklabels([])
    drawing.save(figure, file)


def _color(name: str) -> str:
    if name.startswith("Parley"):
        return drawing.OURS_TOO
    return drawing.LIMIT if name.startswith("limit") else drawing.OTHERS


def main() -> None:
    options = arguments(__doc__)
    options.add_argument("--rounds", type=int, default=400, help="turns of each contender at each size (400)")
    options.add_argument("--seconds", type=float, default=3.0, help="of 8 threads, for each contender (3)")
    chosen = options.parse_args()
    if chosen.quick:
        results = measured(rounds=40, seconds=0.6, sessions=50)
    else:
        results = measured(chosen.rounds, chosen.seconds, sessions=300)
    publish(NAME, results, quick=chosen.quick)


if __name__ == "__main__":
    main()
