"""What is forecast is what a real Redis then takes."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
import redis

from memory import Key, Session, SessionPolicy, Turn, stats
from memory.capacity import footprint
from memory.capacity.forecast import Costs, forecast, series_bytes
from memory.capacity.measure import fill, measure, told_bytes, weigh
from memory.capacity.simulation import simulate
from memory.capacity.workload import FLAT, Mix, Workload, parse_policy, with_shares
from memory.stores.keys import index_keys, minute_key, tag_of
from tests.servers import RedisServer

MIXES = tuple(
    parse_policy(text)
    for text in (
        "weather:duration=1800,inactivity=900,max_turns=20,keep_turns=20,share=0.2",
        "junkjet:inactivity=300,extension=6/120,keep_turns=5,history_ttl=600,share=0.1",
        "shopping:inactivity=86400,keep_turns=50,history_ttl=7200,subject=session,attributes=600,share=0.3",
        "news:inactivity=86400,keep_turns=100,subject=session,share=0.2",
        "chat:inactivity=3600,keep_turns=10,carry_over=1,summarise=1,subject=session,share=0.2",
    )
)


def compared(server: RedisServer, workload: Workload) -> tuple[int, float]:
    """Bytes that a Redis grew by, filled with other sessions of the same kind, and what was forecast."""
    told = forecast(workload, seed=1, most=10_000_000)
    other = forecast(workload, seed=101, most=10_000_000)
    with redis.Redis.from_url(server.url()) as client:
        for each in forecast(replace(workload, users=500), seed=9).assistants:
            fill(client, workload, each, told.peak)
        client.flushall()
        before = weigh(client)
        for each in other.assistants:
            fill(client, workload, each, told.peak)
        return weigh(client) - before, told_bytes(told)


def test_a_forecast_comes_true(own_redis: RedisServer) -> None:
    grown, told = compared(own_redis, Workload(MIXES, users=1_000, turns_a_day=3, turns_a_visit=3, days=2, keyed=0.5))
    assert told == pytest.approx(grown, rel=0.15)


@pytest.mark.slow
def test_a_forecast_of_200_000_sessions_comes_true(own_redis: RedisServer) -> None:
    """``-s`` shows the figures, which stand in docs/memory.md."""
    shares = {"weather": 0.15, "junkjet": 0.05, "shopping": 0.4, "news": 0.3, "chat": 0.1}
    mixes = with_shares(MIXES, shares)
    begun = time.monotonic()
    grown, told = compared(own_redis, Workload(mixes, users=450_000, turns_a_day=3, turns_a_visit=3, days=2))
    with own_redis.client() as client:
        sessions = sum(client.zcard(key) for mix in mixes for key in index_keys(mix.name, "deadlines"))
        keys = client.dbsize()
    print(f"\n{sessions:,} sessions, {keys:,} keys in {time.monotonic() - begun:.0f} s: forecast {told:,.0f} bytes, ")
    print(f"measured {grown:,} bytes: {100 * (told / grown - 1):+.1f} %")
    assert sessions >= 200_000
    assert told == pytest.approx(grown, rel=0.10)


@pytest.mark.parametrize("length", [20, 100, 300, 5_000, 20_000])
@pytest.mark.parametrize("count", [1, 7, 30])
def test_lists_take_what_the_footprint_says(count: int, length: int, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        name = "x" * 40
        client.rpush(name, *["r" * length] * count)
        usage = client.memory_usage(name, samples=0)
        assert isinstance(usage, int)
        told = footprint.key(len(name)) + footprint.rows([length] * count)
        assert told == pytest.approx(usage, rel=0.1, abs=100)


def test_measuring_a_redis_leaves_nothing_there(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.capacity.measure.USERS", 500)
    with redis.Redis.from_url(redis_url) as client:
        client.set("somebody's", "own")
        costs = measure(redis_url, Workload(MIXES[1:3], turns_a_day=3), Costs())
        assert costs.ratio == pytest.approx(1, rel=0.15)
        assert client.keys() == [b"somebody's"]


def test_the_series_take_what_is_forecast(redis_url: str) -> None:
    """Ten minutes of counts as the scripts write them, and a day of them in the forecast."""
    mix = Mix("weather", SessionPolicy(inactivity=900))
    workload = Workload((mix,), users=20_000, turns_a_day=20, days=1, curve=FLAT)
    told = series_bytes({"weather": simulate(mix, workload, workload.users, keep=10)}, workload)
    with redis.Redis.from_url(redis_url) as client:
        write_counts(client, workload, 10, round(workload.users * workload.turns_a_day / 1_440))
        usages = [client.memory_usage(key, samples=0) for key in client.scan_iter("*:minute:*")]
    # MEMORY USAGE knows nothing of the entry in the table of keys that expire.
    one = sum(usage for usage in usages if isinstance(usage, int)) / len(usages) + footprint.allocated(24)
    assert told / (1_500 * 16) == pytest.approx(one, rel=0.1)


def write_counts(client: redis.Redis, workload: Workload, minutes: int, a_minute: int) -> None:
    """The counts of so many turns in each of some minutes, as the engine has them."""
    chance = random.Random(1)
    with client.pipeline(transaction=False) as pipe:
        for minute in range(minutes):
            for _ in range(a_minute):
                subject = f"user{chance.randrange(10**6)}"
                took = round(1000 * workload.model_seconds * chance.lognormvariate(0, 0.5))
                session = Session(Key("weather", subject), 0, 0, 1)
                new = chance.random() < 1 / workload.turns_a_visit
                turn = Turn("id", 0, 0, took, ())
                deltas = dict(stats.of_turn(session, turn, None, new=new, at=0).deltas)
                if new:
                    deltas["weather.ended.inactivity"] = 1
                key = minute_key(tag_of(subject), 29_000_000 + minute)
                for name, delta in deltas.items():
                    pipe.hincrby(key, name, delta)
                pipe.expire(key, 90_000)
        pipe.execute()
