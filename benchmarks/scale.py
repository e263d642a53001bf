"""What grows with the number of live sessions, and what does not.

    python -m benchmarks.scale [--most 1000000] [--quick]

Fills a Redis of its own with 1,000, 10,000, 100,000 and 1,000,000 live sessions of one turn. At each size: p50 of a
turn (and of a PING between the turns), of what the server answers to its operators and users, through its own routes;
bytes of Redis a session; and, for 1,000 sessions that ended besides, the CPU of Redis that sweeping each of them took.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import redis
from flask.testing import FlaskClient

from api import Services, create_app
from benchmarks import drawing
from benchmarks.filling import fill
from benchmarks.results import Results, Table, about, arguments, number, publish
from memory import SessionEngine, SessionPolicy, open_failover_store, open_store
from memory.cleanup import sweep
from tests.app import services_on
from tests.processes import wait_until
from tests.servers import RedisServer

NAME: Final = "scale"
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
ENDING: Final = 1_000
SHORT: Final = SessionPolicy(inactivity=1, durability="memory")
NAMESPACE: Final = "junkjet"
"""An assistant that has analytics."""

ROUTES: Final = {
    "totals": "/system/memory",
    "a user's list": "/sessions/{user}?assistant=junkjet",
    "analytics": "/chatbot/sessions/analytics",
    "an hour's series": "/system/series?minutes=60",
    "a page of 100": "/system/sessions?assistant=junkjet&limit=100",
    "a page, half way": "/system/sessions?assistant=junkjet&limit=100&offset={half}",
}


def p50(work: Callable[[], object], most: int, seconds: float = 3.0) -> float:
    """µs; of so many times, or of as many as fit into the time."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < most and (time.perf_counter() < until or not times):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(times)


def talk(engine: SessionEngine, subject: str) -> None:
    engine.finish_turn(engine.begin_turn(subject, "Weather in London?"), "Cloudy, 9 °C.")


def turns(client: redis.Redis, engine: SessionEngine, somebody: Callable[[], str], rounds: int) -> tuple[float, float]:
    """p50 in µs of a PING and of a turn, one after the other."""
    pings, taken = [], []
    for _ in range(rounds):
        pings.append(p50(client.ping, 1))
        taken.append(p50(lambda: talk(engine, somebody()), 1))
    return statistics.median(pings), statistics.median(taken)


def get(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != HTTPStatus.OK:
        raise RuntimeError(f"{answer.status_code} {answer.text[:200]}")


def asked(services: Services, client: FlaskClient, path: Callable[[], str]) -> float | str:
    """p50 in µs, or what went wrong instead: a run of minutes is not given up for it."""
    try:
        found = p50(lambda: get(client, path()), 50)
    except RuntimeError as error:
        return str(error)
    return "Redis answered too late and was taken for gone" if came_back(services) else found


def came_back(services: Services) -> bool:
    """Whether the store had taken Redis for gone; if so, it has it again now."""
    away = services.store.status().degraded
    wait_until(lambda: not services.store.status().degraded, "Redis", 30)
    return away


def fill_in(path: str, somebody: Callable[[], str], half: int) -> str:
    return path.format(user=somebody(), half=half)


def swept(client: redis.Redis, url: str) -> float:
    """µs of Redis' CPU for each session that ended."""
    store = open_store(url)
    engine = SessionEngine(store, SHORT, namespace="ending")
    for gone in range(ENDING):
        talk(engine, f"gone{gone}")
    time.sleep(1.1)  # Redis has its own clock: the last of them is past its second
    before = _cpu(client)
    ended = sum(sweep(engine).values())
    store.close_store()
    if ended < ENDING:
        raise RuntimeError(f"{ended} of {ENDING} sessions ended")
    return (_cpu(client) - before) * 1e6 / ended


def _cpu(client: redis.Redis) -> float:
    """Seconds that Redis itself took."""
    spent: dict[str, float] = client.info("cpu")
    return spent["used_cpu_user"] + spent["used_cpu_sys"]


def row(client: redis.Redis, url: str, services: Services, sessions: int) -> Results:
    chance = random.Random(sessions)
    engine = services.engines[NAMESPACE]
    asking = create_app(services).test_client()

    def somebody() -> str:
        return f"user{chance.randrange(sessions)}"

    ping, turn = turns(client, engine, somebody, 500)
    found: Results = {"sessions": sessions, "ping_us": ping, "turn_us": turn, "routes": {}}
    found["busy"] = came_back(services)
    for name, path in ROUTES.items():
        found["routes"][name] = asked(services, asking, partial(fill_in, path, somebody, sessions // 2))
    found["bytes"] = (client.info("memory")["used_memory"] - client.info("memory")["used_memory_startup"]) / sessions
    found["sweep_us"] = swept(client, url)
    return found


def measured(most: int) -> Results:
    results: Results = {"about": about(), "rows": []}
    with TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        client = redis.Redis.from_url(server.url())
        store = open_failover_store(server.url())
        long = {"SESSION_TIMEOUT": "86400"}
        with services_on(store, NAMESPACE, **long) as services:
            filled = 0
            for size in (size for size in SIZES if size <= most):
                begun = time.perf_counter()
                fill(server.url(), NAMESPACE, filled, size)
                took = time.perf_counter() - begun
                results["rows"].append({**row(client, server.url(), services, size), "fill_s": took})
                print(f"{size:,} sessions, filled in {took:.0f} s", flush=True)
                filled = size
    return results


def tables(results: Results) -> Iterable[Table]:
    rows = results["rows"]
    head = ["live sessions", *(f"{each['sessions']:,}" for each in rows), "grew"]

    def line(name: str, value: Callable[[Results], float]) -> list[str]:
        grew = value(rows[-1]) / value(rows[0])
        return [name, *(_shown(value(each)) for each in rows), "" if math.isnan(grew) else f"{grew:.2f} ×"]

    yield Table(
        head,
        [
            line("PING, µs", lambda each: each["ping_us"]),
            line("a turn, µs", lambda each: each["turn_us"]),
            line("a turn, in PINGs", lambda each: each["turn_us"] / each["ping_us"]),
            line("sweeping an ended session, µs of Redis' CPU", lambda each: each["sweep_us"]),
            *(line(f"{name} (`{path.partition('?')[0]}`), ms", partial(_route, name)) for name, path in ROUTES.items()),
            line("bytes of Redis a session", lambda each: each["bytes"]),
        ],
    )


def _shown(value: float) -> str:
    return "failed" if math.isnan(value) else number(value)


def _route(name: str, row: Results) -> float:
    """Milliseconds; NaN where it failed."""
    found = row["routes"][name]
    return math.nan if isinstance(found, str) else float(found) / 1_000


def notes(results: Results) -> str:
    last = results["rows"][-1]
    told = [f"The last step, to {last['sessions']:,} sessions, was filled in {last['fill_s']:.0f} s."]
    for each in results["rows"]:
        for name, found in each["routes"].items():
            if isinstance(found, str):
                told.append(f"At {each['sessions']:,} sessions, *{name}*: {found}.")
        if each["busy"]:
            told.append(f"At {each['sessions']:,} sessions some turns went without Redis: the machine was too busy.")
    return " ".join(told)


def draw(results: Results, file: Path) -> None:
    rows = results["rows"]
    at = [each["sessions"] for each in rows]
    figure, (kept, asked) = drawing.panels(1, 2, width=11, height=3.6)
    of_turn = {
        "a turn, µs": [each["turn_us"] for each in rows],
        "a PING, µs": [each["ping_us"] for each in rows],
        "a sweep, µs of Redis' CPU a session": [each["sweep_us"] for each in rows],
    }
    colors = dict(zip(of_turn, (drawing.OURS, drawing.LIMIT, drawing.PEER), strict=True))
    drawing.lines(kept, at, of_turn, colors, xlabel="live sessions", ylabel="µs, p50")
    kept.legend()
    of_routes = {name: [_route(name, each) for each in rows] for name in ROUTES}
    drawing.lines(asked, at, of_routes, {}, log=True, xlabel="live sessions", ylabel="ms, p50 (log)")
    asked.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    drawing.save(figure, file)


def main() -> None:
    options = arguments(__doc__)
    options.add_argument("--most", type=int, default=SIZES[-1], help="live sessions at the end (1,000,000)")
    chosen = options.parse_args()
    results = measured(10_000 if chosen.quick else chosen.most)
    publish(NAME, results, quick=chosen.quick)


if __name__ == "__main__":
    main()
