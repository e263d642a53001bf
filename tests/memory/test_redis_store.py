"""What is promised of Redis in particular: keys, their expiry, their size, and what a turn asks of the server."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources
from typing import Any
from urllib.parse import unquote

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from memory import Key, SessionEngine, SessionPolicy, SessionStore
from memory.codec import CorruptRow, encode_turn
from memory.stores import keys as names
from memory.stores.base import Claimed, Closed, Committed, Counted
from memory.stores.redis import BACKSTOP_MS
from tests.memory.conftest import MakeEngine
from tests.memory.harness import (
    DAY_MS,
    HOUR_MS,
    LEASE_MS,
    World,
    begun,
    claim,
    closing_of,
    commit_of,
    end,
    live_session,
    noise,
    say,
    server_of,
    texts,
    turn_of,
)
from tests.memory.spy import watching

KEY = Key("test", "user123")
OWN = names.subject_keys(KEY)
INDEXES = ("deadlines", "histories", "records", "totals")
SUBJECTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)


# --- names ----------------------------------------------------------------------------------------------------------


def test_the_shards_are_spread_over_the_sixteenths_of_a_cluster() -> None:
    sixteenths = [key_slot(names.totals_key(tag).encode()) * 16 // 16_384 for tag in names.TAGS]
    assert sorted(sixteenths) == list(range(16))
    assert names.SHARDS == len(set(names.TAGS)) == 16


def test_subjects_are_spread_over_the_shards() -> None:
    shards = Counter(names.tag_of(f"user{n}") for n in range(8_000))
    assert set(shards) == set(names.TAGS)
    assert max(shards.values()) < 1.3 * 500
    assert min(shards.values()) > 0.7 * 500


@given(SUBJECTS, st.integers(0, 2**45))
def test_all_keys_of_a_subject_lie_in_one_slot(subject: str, at: int) -> None:
    own = names.subject_keys(Key("test", subject)).all(at)
    assert len(set(own)) == 11
    assert len({key_slot(key.encode()) for key in own}) == 1


@given(SUBJECTS)
def test_a_subject_stands_readably_in_its_place(subject: str) -> None:
    prefix, namespace, tag, rest = names.subject_keys(Key("test", subject)).session.split(":", 3)
    assert (prefix, namespace, tag) == ("parley", "test", f"{{{names.tag_of(subject)}}}")
    assert unquote(rest.removesuffix(":session")) == subject
    assert re.fullmatch(r"[A-Za-z0-9._:@+~%-]+", rest)


@given(SUBJECTS, SUBJECTS)
def test_two_subjects_share_no_key(one: str, other: str) -> None:
    if one == other:
        return
    first, second = names.subject_keys(Key("test", one)), names.subject_keys(Key("test", other))
    assert {*first.of_session, first.ended}.isdisjoint({*second.of_session, second.ended})
    assert {*first.of_session, first.ended}.isdisjoint(
        {*names.index_keys("test", "deadlines"), *names.index_keys("test", "records")}
    )


def test_ids_that_the_api_allows_are_kept_as_they_are() -> None:
    subject = "aZ09._:@+-"
    assert names.subject_keys(Key("test", subject)).session.endswith(f":{subject}:session")


def test_every_key_is_documented_where_names_are_made(remote_world: World) -> None:
    everything(remote_world.store, KEY)
    documented = re.findall(r"^ {4}(parley:\S+)", names.__doc__ or "", re.MULTILINE)
    assert len(documented) >= 11
    patterns = [
        re.escape(line)
        .replace("<assistant>", "test")
        .replace(r"\{<shard>\}", r"\{\w\w\}")
        .replace("<subject>", "user123")
        .replace("<minutes", r"\d+")
        for line in documented
    ]
    for key in remote_world.all_keys():
        assert any(re.fullmatch(pattern, key) for pattern in patterns), key


def everything(store: SessionStore, key: Key) -> None:
    """A subject with all of its keys."""
    until = store.now() + HOUR_MS
    say(store, key, "key-0", history_until=until)
    claimed = claim(store, key)
    session = begun(claimed, key)
    turn = turn_of(session, "key-1", "the last", at=claimed.found.now)
    closing = closing_of(session, history_until=until)
    assert store.commit(key, claimed.fence, commit_of(session, turn, history_until=until, closing=closing)).value
    say(store, key, "key-2", attributes={"a": 1}, history_until=until)
    store.count(Counted(store.now(), {"test.errors": 1}))


# --- expiry ---------------------------------------------------------------------------------------------------------


def expiries(world: World) -> dict[str, int]:
    """Every key with what is left of it (ms); -1: it never expires."""
    return {key: int(client.pttl(key)) for client in world.clients() for key in client.scan_iter()}


def test_every_key_expires_but_indexes_and_totals(remote_world: World) -> None:
    everything(remote_world.store, KEY)
    claim(remote_world.store, KEY)
    claim(remote_world.store, Key("test", "somebody new"))
    left = expiries(remote_world)

    assert len(left) >= 11
    for key, ms in left.items():
        if key.endswith(INDEXES):
            assert ms == -1, key
        else:
            assert 0 < ms <= (8 * DAY_MS if ":erased:" in key else 49 * HOUR_MS), key


def about(ms: int) -> Any:
    return pytest.approx(ms, abs=20_000)


def test_keys_expire_when_nobody_comes_to_sweep(one_redis: World) -> None:
    store = one_redis.store
    now = store.now()
    say(store, KEY, "key-1", deadline=now + 2 * HOUR_MS, attributes={"a": 1})
    left = expiries(one_redis)
    for key in (OWN.session, OWN.turns, OWN.ids, OWN.attributes):
        assert left[key] == about(2 * HOUR_MS + BACKSTOP_MS), key

    end(store, live_session(store, KEY))
    assert expiries(one_redis)[OWN.ended] == about(DAY_MS)


def test_turns_that_outlive_their_session_or_not_expire_by_themselves(one_redis: World) -> None:
    store = one_redis.store
    now = store.now()
    say(store, KEY, "key-1", deadline=now + DAY_MS, history_until=now + 2 * HOUR_MS)
    left = expiries(one_redis)
    for key in (OWN.turns, OWN.ids):
        assert left[key] == about(2 * HOUR_MS + 60_000)
    assert left[OWN.session] == about(DAY_MS + BACKSTOP_MS)


def test_the_turn_that_used_up_its_session_expires_after_ten_minutes(one_redis: World) -> None:
    store = one_redis.store
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "key-1"), closing=closing_of(session)))
    assert expiries(one_redis)[OWN.last] == about(600_000)


def test_a_lease_of_nobody_yet_expires_in_a_minute(one_redis: World) -> None:
    claimed = claim(one_redis.store, KEY)
    assert expiries(one_redis) == {OWN.session: about(60_000)}
    one_redis.store.renew([(KEY, claimed.fence)], LEASE_MS)
    assert expiries(one_redis) == {OWN.session: about(60_000)}


def test_attributes_expire_with_their_session(one_redis: World) -> None:
    store = one_redis.store
    say(store, KEY, "t1")
    assert store.put_attributes(KEY, live_session(store, KEY).started, 0, {"a": 1})
    left = expiries(one_redis)
    assert left[OWN.attributes] == about(left[OWN.session])
    say(store, KEY, "t2", deadline=store.now() + DAY_MS)
    left = expiries(one_redis)
    assert left[OWN.attributes] == about(DAY_MS + BACKSTOP_MS)
    assert left[OWN.session] == about(DAY_MS + BACKSTOP_MS)


def test_touching_a_session_keeps_no_turn_longer(one_redis: World, make_engine: MakeEngine) -> None:
    """What is promised to be forgotten after two hours is gone from Redis then, however long the session lives."""
    engine = make_engine(one_redis.store, SessionPolicy(inactivity=86_400, history_ttl=7_200))
    talk(engine, "user123", "hello", key="once")
    one_redis.advance(HOUR_MS)
    assert engine.touch("user123")
    assert engine.update("user123", lambda document: document.update(a=1))
    left = expiries(one_redis)
    for key in (OWN.turns, OWN.ids):
        assert left[key] == about(HOUR_MS + 60_000)


def talk(engine: SessionEngine, subject: str, message: str, **options: object) -> None:
    engine.finish_turn(engine.begin_turn(subject, message, **options), message.upper())  # type: ignore[arg-type]


# --- size -----------------------------------------------------------------------------------------------------------


def test_a_usual_session_is_kept_in_the_small_encodings(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, SessionPolicy(duration=1_800, inactivity=900, max_turns=20))
    for n in range(19):
        talk(engine, "user123", f"Weather in London on day {n}?", key=f"key {n}", owner="user123")
    with server_of(one_redis, OWN.session) as client:
        assert client.object("encoding", OWN.session) == "listpack"
        major, minor = (int(part) for part in client.info("server")["redis_version"].split(".")[:2])
        kind = client.object("encoding", OWN.turns)
        assert kind == "listpack" if (major, minor) >= (7, 2) else kind == "quicklist"
        text = live_session(one_redis.store, KEY).stored_bytes
        # In one node of the list: its bytes and little more.
        assert (client.memory_usage(OWN.turns) or 0) < 1.3 * text + 200
        assert client.object("encoding", OWN.deadlines) in ("listpack", "ziplist")


def test_a_session_takes_two_keys(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, SessionPolicy(inactivity=900))
    talk(engine, "user123", "hello")
    talk(engine, "user123", "hello again")
    assert {key for key in one_redis.all_keys() if "user123" in key} == {OWN.session, OWN.turns}


def test_no_more_ids_are_kept_than_turns(one_redis: World) -> None:
    for n in range(10):
        say(one_redis.store, KEY, f"key-{n}", keep_turns=3)
    with server_of(one_redis, OWN.ids) as client:
        assert client.smembers(OWN.ids) == {"key-7", "key-8", "key-9"}


# --- what the server is asked ---------------------------------------------------------------------------------------


def test_a_turn_is_two_round_trips(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, SessionPolicy(duration=1_800, inactivity=900, max_turns=3))
    talk(engine, "warm", "up")
    for n in range(3):  # a first one, a usual one, and one that uses up the session
        with watching(one_redis.servers) as asked:
            turn = engine.begin_turn("user123", "hello", key=f"key {n}")
            engine.finish_turn(turn, "Hello!", changes=[lambda document: document.update(n=1)])
        assert asked.commands == ["EVALSHA", "EVALSHA"]
    assert engine.list("user123")[1][0].reason == "conversation_limit"


def test_a_retry_is_one_round_trip_and_an_abandoned_turn_two(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, SessionPolicy(inactivity=900))
    talk(engine, "user123", "hello", key="once")
    with watching(one_redis.servers) as asked:
        talk(engine, "user123", "hello", key="once")
    assert asked.commands == ["EVALSHA"]
    engine.abandon_turn(engine.begin_turn("user123", "hello"))
    with watching(one_redis.servers) as asked:
        engine.abandon_turn(engine.begin_turn("user123", "hello"))
    assert asked.commands == ["EVALSHA", "EVALSHA"]


def test_a_session_that_rolls_over_costs_a_third(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, SessionPolicy(inactivity=900))
    for n in range(2):  # the first time the server is also given the script
        talk(engine, "user123", "hello")
        one_redis.advance(900_001)
        with watching(one_redis.servers) as asked:
            talk(engine, "user123", "hello again")
        if n:
            assert asked.commands == ["EVALSHA"] * 3
        one_redis.advance(900_001)


def test_looking_at_a_session_is_one_round_trip_and_writes_nothing(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, SessionPolicy(inactivity=900))
    talk(engine, "user123", "hello")
    engine.session("user123")
    before = one_redis.all_keys(), expiries(one_redis)
    with watching(one_redis.servers) as asked:
        assert engine.session("user123", turns=10)
    assert asked.commands == ["EVALSHA"]
    assert set(asked.inner) <= {"TIME", "HGETALL", "GET", "LRANGE"}
    assert one_redis.all_keys() == before[0]
    assert all(left <= before[1][key] for key, left in expiries(one_redis).items())


def test_no_method_walks_the_keys_or_blocks_the_server(remote_world: World, make_engine: MakeEngine) -> None:
    store = remote_world.store
    engine = make_engine(store, SessionPolicy(inactivity=900, max_turns=5))
    with watching(remote_world.servers) as asked:
        everything(store, KEY)
        for n in range(5):
            talk(engine, f"user{n}", "hello", key="k")
        engine.open("opened")
        engine.touch("user1")
        engine.update("user1", lambda document: document.update(a=1))
        engine.end("user1")
        engine.live(10)
        engine.list("user1")
        engine.history("user2")
        store.due("test", store.now() + DAY_MS, 10)
        store.postpone(Key("test", "user2"), store.now() + DAY_MS)
        store.postpone(Key("test", "nobody"), None)
        store.peek([KEY])
        store.totals("test")
        store.trim("test", store.now())
        store.series(range(1, 10))
        store.counters()
        store.usage()
        store.bytes_of([KEY])
        store.stop(KEY)
        engine.forget("user3")
        claimed = claim(store, KEY)
        store.renew([(KEY, claimed.fence)], LEASE_MS)
        store.release(KEY, claimed.fence)
    names_asked = {*asked.commands, *asked.inner}
    assert {"EVALSHA", "TIME", "HSET", "RPUSH"} <= names_asked
    assert names_asked.isdisjoint({"KEYS", "SCAN", "SSCAN", "HSCAN", "ZSCAN", "SORT", "FLUSHALL", "FLUSHDB", "WAIT"})


def test_a_server_that_lost_its_scripts_is_given_them_again(remote_world: World) -> None:
    say(remote_world.store, KEY, "t1")
    for client in remote_world.clients():
        client.script_flush()
    say(remote_world.store, KEY, "t2")
    assert end(remote_world.store, live_session(remote_world.store, KEY)) is Closed.CLOSED


def test_every_script_opens_with_its_contract() -> None:
    folder = resources.files("memory.stores") / "lua"
    scripts = [each for each in folder.iterdir() if each.name.endswith(".lua")]
    assert len(scripts) >= 12
    for script in scripts:
        head = " ".join(line for line in script.read_text().splitlines() if line.startswith("--"))
        assert script.read_text().startswith("-- "), script.name
        assert "KEYS[1" in head, script.name
        assert re.search(r"\b[Rr]eplies\b|^-- Stands\b", head), script.name


# --- what Redis lost, and what it never had from us -------------------------------------------------------------------


def test_a_session_whose_turns_expired_counts_its_bytes_anew(one_redis: World) -> None:
    """Else a session that lives for a day would keep fewer and fewer turns."""
    store = one_redis.store
    say(store, KEY, "t1", noise(1_000))
    with server_of(one_redis, OWN.turns) as client:
        client.delete(OWN.turns, OWN.ids)
    say(store, KEY, "t2", "x")
    assert live_session(store, KEY).stored_bytes == len(encode_turn(store.read(KEY, 1).turns[0]))


def test_an_id_whose_turn_is_gone_is_unknown(one_redis: World) -> None:
    store = one_redis.store
    say(store, KEY, "key-1")
    with server_of(one_redis, OWN.turns) as client:
        client.delete(OWN.turns)
    assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-1"), Claimed)


def test_attributes_that_are_gone_are_empty(one_redis: World) -> None:
    say(one_redis.store, KEY, "t1", attributes={"a": 1})
    with server_of(one_redis, OWN.attributes) as client:
        client.delete(OWN.attributes)
    assert live_session(one_redis.store, KEY).attributes == {}


@pytest.mark.parametrize("row", ["", "garbage", "t9 1[1,2]", "t9 1{}", 't9 1[1,2,3,"x"]', "t9 2[1,2,3,[]]", "t9 1[1,"])
def test_a_row_that_can_not_be_read_is_told_and_holds_nobody_up(one_redis: World, row: str) -> None:
    """Neither as an empty history, nor as a session that is busy until its lease runs out."""
    store = one_redis.store
    say(store, KEY, "t1")
    with server_of(one_redis, OWN.turns) as client:
        client.rpush(OWN.turns, row)

    with pytest.raises(CorruptRow, match="stored turn"):
        store.read(KEY, 10)
    with pytest.raises(CorruptRow, match="stored turn"):
        claim(store, KEY)

    assert not store.read(KEY, 0).leased
    assert live_session(store, KEY).turns == 1
    assert end(store, live_session(store, KEY)) is Closed.CLOSED
    say(store, KEY, "t2", "a new start")
    assert texts(store.read(KEY, 10).turns) == ["a new start"]


@pytest.mark.parametrize("document", ["[]", "{", "null", "7"])
def test_attributes_that_can_not_be_read_are_told(one_redis: World, document: str) -> None:
    store = one_redis.store
    say(store, KEY, "t1", attributes={"a": 1})
    with server_of(one_redis, OWN.attributes) as client:
        client.set(OWN.attributes, document)
    with pytest.raises(CorruptRow, match="stored document"):
        store.read(KEY, 0)
    assert store.forget(KEY)
    assert store.read(KEY, 0).session is None


def test_a_mistake_of_ours_is_not_told_as_an_outage(one_redis: World) -> None:
    with one_redis.servers[0].client() as client:
        client.set(OWN.session, "not a hash")
    with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
        claim(one_redis.store, KEY)


def test_a_commit_that_can_not_be_counted_stores_nothing(one_redis: World) -> None:
    """A script that fails half-way is not rolled back, so it must fail before it writes, if it fails."""
    store = one_redis.store
    say(store, KEY, "t1")
    claimed = claim(store, KEY)
    session = live_session(store, KEY)
    before = store.read(KEY, 10)
    with one_redis.servers[0].client() as client:
        client.hset(OWN.totals, "test.turns", "not a number")
    commit = commit_of(session, turn_of(session, "t2"), counted=Counted(store.now(), {"test.turns": 1}))
    with pytest.raises(redis.exceptions.ResponseError, match="not an integer"):
        store.commit(KEY, claimed.fence, commit)
    assert store.read(KEY, 10).turns == before.turns
    assert live_session(store, KEY).turns == 1

    with one_redis.servers[0].client() as client:
        client.hset(OWN.totals, "test.turns", "1")
    assert store.commit(KEY, claimed.fence, commit) is Committed.STORED
