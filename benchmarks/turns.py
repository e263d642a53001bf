"""What a turn costs: begin and finish of the session engine against a PING and against peers, in one run.

    python -m benchmarks.turns [--rounds 400] [--json benchmarks/results/turns.json]

Starts a Redis of its own on a free port. A turn is: load what the model is shown, add two messages. Contenders take
turns (interleaved), so that a noisy machine is noisy for all of them. Prints p50 and p95 in µs, the p50 as a multiple
of PING, round trips counted on the wire, and the bytes of a session of 20 messages × 100 bytes of text.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import string
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
from langchain_core.messages import AIMessage, HumanMessage
from rich.console import Console
from rich.table import Table

from memory import SessionEngine, SessionPolicy, open_store
from memory.history import to_messages
from memory.stores.keys import subject_keys
from tests.servers import RedisServer

SIZES = (0, 20, 200)
POLICY = SessionPolicy(inactivity=86_400, keep_turns=500, shown_turns=500, durability="memory")
SHOWN_20 = SessionPolicy(inactivity=86_400, keep_turns=500, shown_turns=10, durability="memory")

Turn = Callable[[str], object]
"""One turn of a subject."""


def text(size: int) -> str:
    """Text that is no template: words of random letters, so that nothing is gained by knowing it."""
    letters = random.choices(string.ascii_lowercase + "     ", k=size)
    return "".join(letters)


def fill(engine: SessionEngine, subject: str, messages: int) -> None:
    for _ in range(messages // 2):
        engine.finish_turn(engine.begin_turn(subject, text(100)), text(100))


def parley(url: str, policy: SessionPolicy, namespace: str, size: int) -> tuple[Turn, Callable[[str], None]]:
    engine = SessionEngine(open_store(url), policy, namespace=f"{namespace}{size}")

    def turn(subject: str) -> None:
        running = engine.begin_turn(subject, "Weather in London? " * 5)
        to_messages(running.history)
        engine.finish_turn(running, "Cloudy, 9 °C. " * 7)

    return turn, lambda subject: fill(engine, subject, size)


def community(url: str, size: int, *, reused: bool) -> tuple[Turn, Callable[[str], None]]:
    from langchain_community.chat_message_histories import RedisChatMessageHistory

    kept: dict[str, Any] = {}

    def history(subject: str) -> Any:
        if not reused:
            return RedisChatMessageHistory(subject, url=url, ttl=86_400)
        if subject not in kept:
            kept[subject] = RedisChatMessageHistory(subject, url=url, ttl=86_400)
        return kept[subject]

    def turn(subject: str) -> None:
        own = history(subject)
        _ = own.messages
        own.add_messages([HumanMessage("Weather in London? " * 5), AIMessage("Cloudy, 9 °C. " * 7)])

    def prepare(subject: str) -> None:
        history(subject).add_messages([HumanMessage(text(100)) for _ in range(size)])

    return turn, prepare


def two_pipelines(client: redis.Redis, size: int) -> tuple[Turn, Callable[[str], None]]:
    """The limit with LangChain's objects: one pipeline to read, one to write, nothing else."""

    def turn(subject: str) -> None:
        with client.pipeline(transaction=False) as pipe:
            pipe.hgetall(f"limit:{subject}")
            pipe.lrange(f"limit:{subject}:turns", 0, -1)
            _, rows = pipe.execute()
        for row in rows:
            human, said = json.loads(row)
            HumanMessage(human), AIMessage(said)  # what building them costs is part of it
        with client.pipeline(transaction=False) as pipe:
            pipe.rpush(f"limit:{subject}:turns", json.dumps(["Weather in London? " * 5, "Cloudy, 9 °C. " * 7]))
            pipe.hset(f"limit:{subject}", mapping={"last": time.time(), "turns": len(rows)})
            pipe.execute()

    def prepare(subject: str) -> None:
        for _ in range(size // 2):
            client.rpush(f"limit:{subject}:turns", json.dumps([text(100), text(100)]))

    return turn, prepare


def langgraph(size: int) -> tuple[Turn, Callable[[str], None]]:
    """LangGraph's in-memory checkpointer under its smallest graph: no network at all."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, MessagesState, StateGraph

    graph: Any = StateGraph(MessagesState)
    graph.add_node("model", lambda _: {"messages": [AIMessage("Cloudy, 9 °C. " * 7)]})
    graph.add_edge(START, "model")
    compiled = graph.compile(checkpointer=InMemorySaver())

    def turn(subject: str) -> None:
        compiled.invoke(
            {"messages": [HumanMessage("Weather in London? " * 5)]}, {"configurable": {"thread_id": subject}}
        )

    def prepare(subject: str) -> None:
        messages = [HumanMessage(text(100)) for _ in range(size)]
        compiled.update_state({"configurable": {"thread_id": subject}}, {"messages": messages})

    return turn, prepare


def measure(client: redis.Redis, url: str, size: int, rounds: int) -> dict[str, list[float]]:
    """µs of each turn, by contender; every subject gets one turn, so that the size stays what it is."""
    contenders: dict[str, tuple[Turn, Callable[[str], None]]] = {
        "PING": (lambda _: client.ping(), lambda _: None),
        "limit: two pipelines, LangChain messages": two_pipelines(client, size),
        "Parley": parley(url, POLICY, "all", size),
        "Parley, 20 messages shown": parley(url, SHOWN_20, "some", size),
        "langchain-community, reused": community(url, size, reused=True),
        "langchain-community, made per turn": community(url, size, reused=False),
        "LangGraph in memory": langgraph(size),
    }
    subjects = [f"s{number}" for number in range(20)]
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for batch in range(-(-rounds // len(subjects))):
        for _, prepare in contenders.values():
            if batch % max(1, size // 20) == 0 or size == 0:
                fresh = [f"{subject}-{batch}" for subject in subjects]
                for subject in fresh:
                    prepare(subject)
        for subject in fresh:
            for name, (turn, _) in contenders.items():
                begun = time.perf_counter()
                turn(subject)
                taken[name].append((time.perf_counter() - begun) * 1e6)
    return taken


@contextmanager
def counted(client: redis.Redis) -> Iterator[Callable[[], int]]:
    """How many commands reach the server from other clients, scripts' own calls left out."""

    def calls() -> int:
        stats = client.info("commandstats")
        return sum(int(stat["calls"]) for name, stat in stats.items() if name in ("cmdstat_evalsha", "cmdstat_eval"))

    before = calls()
    yield lambda: calls() - before


def round_trips(client: redis.Redis, url: str) -> float:
    engine = SessionEngine(open_store(url), SHOWN_20, namespace="trips")
    engine.finish_turn(engine.begin_turn("warm", "up"), "!")
    with counted(client) as trips:
        for number in range(50):
            engine.finish_turn(engine.begin_turn(f"trip{number % 5}", "Hello"), "Hi")
        return trips() / 50


def session_bytes(client: redis.Redis, url: str, sessions: int = 500) -> tuple[float, float]:
    """Bytes of a session of 20 messages × 100 bytes with all keys and index entries, and its multiple of the text."""
    engine = SessionEngine(open_store(url), POLICY, namespace="bytes")
    client.flushall()
    fill(engine, "warm", 2)
    before = client.info("memory")["used_memory"]
    for number in range(sessions):
        fill(engine, f"user{number:06}", 20)
    each = (client.info("memory")["used_memory"] - before) / sessions
    keys = subject_keys(engine.key("user000001"))
    assert client.object("encoding", keys.session) == b"listpack"
    return each, each / 2_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=400)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    console = Console()
    with TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        client = redis.Redis.from_url(server.url())
        results: dict[str, Any] = {"machine": platform.platform(), "python": platform.python_version(), "sizes": {}}
        table = Table("p50 µs (× PING), p95", *(f"{size} messages" for size in SIZES))
        rows: dict[str, list[str]] = {}
        for size in SIZES:
            taken = measure(client, server.url(), size, chosen.rounds)
            ping = statistics.median(taken["PING"])
            results["sizes"][size] = {}
            for name, times in taken.items():
                p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
                rows.setdefault(name, []).append(f"{p50:,.0f} ({p50 / ping:.1f}), {p95:,.0f}")
                results["sizes"][size][name] = {"p50_us": p50, "p95_us": p95, "pings": p50 / ping}
        for name, cells in rows.items():
            table.add_row(name, *cells)
        console.print(table)
        results["round_trips"] = round_trips(client, server.url())
        each, ratio = session_bytes(client, server.url())
        results["session_bytes"], results["session_bytes_per_text"] = each, ratio
        console.print(f"Round trips of a turn: {results['round_trips']:g}")
        console.print(f"A session of 20 messages × 100 bytes: {each:,.0f} bytes in Redis, {ratio:.2f} × its text")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
