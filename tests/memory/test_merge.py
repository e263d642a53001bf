"""Two instances that worked apart, and what Redis holds once both have told it: the same, in whatever order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import EndedSession, Key, Session
from memory.stores.base import Claimed, Closed, Closing, Committed, Counted
from memory.stores.content import Content
from memory.stores.exchange import Exchange, Lease, Written
from memory.stores.merge import Merged, count_of_both, merge
from memory.stores.open import client_factory
from memory.stores.redis import RedisStore
from memory.stores.shadow import Shadow
from tests.memory.harness import HOUR_MS, NOON, HandClock, Shift, begun, claim, commit_of, say, turn_of

KEY = Key("test", "user123")
MINUTE = 60_000


class Instance:
    """One instance's shadow, and what a client of it is told."""

    def __init__(self, name: str, clock: HandClock, keep: int = 100) -> None:
        self.name = name
        self.clock = clock
        self.keep = keep
        self.shadow = Shadow(name, max_bytes=1 << 24, clock=clock)
        self.acknowledged: list[str] = []

    def say(self, text: str, **attributes: Any) -> str:
        """A whole turn; ``attributes`` are set along with it."""
        self.clock.at += 10
        claimed = claim(self.shadow, KEY, holder=self.name)
        session = begun(claimed, KEY)
        turn = turn_of(session, f"{self.name}-{text}", text, at=claimed.found.now)
        document = {**session.attributes, **attributes} if attributes else None
        commit = commit_of(session, turn, attributes=document, keep_turns=self.keep)
        assert self.shadow.commit(KEY, claimed.fence, commit) is Committed.STORED
        self.acknowledged.append(turn.id)
        return turn.id

    def end(self, reason: str = "manual", at: int | None = None) -> None:
        session = self.session
        if session is None:
            return
        self.clock.at += 10
        left = f"what {self.name} knew of it"
        record = EndedSession(KEY.subject, session.started, at or self.clock.at, session.turns, reason, left)
        counted = Counted(self.clock.at, {f"test.ended.{reason}": 1})
        assert self.shadow.close(session, Closing(record), counted) is Closed.CLOSED

    def erase(self) -> None:
        self.clock.at += 10
        self.shadow.forget(KEY)
        self.clock.at += 10

    @property
    def session(self) -> Session | None:
        return self.shadow.read(KEY, 0).session


@dataclass
class FakeRedis:
    """A subject in a dataset, and the instances that tell it."""

    content: Content = field(default_factory=Content)
    counted: dict[str, int] = field(default_factory=dict)

    def told(self, instance: Instance, *, answer_lost: bool = False) -> Merged:
        ours, _, _ = instance.shadow.export(KEY)
        whole = instance.shadow.is_whole(KEY)
        merged = merge(self.content, ours, now=instance.clock.at, whole=whole)
        self.content = merged.content
        for deltas in merged.counts.values():
            for name, delta in deltas.items():
                self.counted[name] = self.counted.get(name, 0) + delta
        if not answer_lost:
            instance.shadow.settled(KEY, ours.unsynced, merged.content)
        return merged

    def lose_everything(self, at: Scene) -> None:
        self.content = Content()
        for instance in (at.a, at.b):
            instance.shadow.tell_everything()

    @property
    def ids(self) -> list[str]:
        return [turn.id for turn in self.content.turns]

    @property
    def session(self) -> Session:
        assert self.content.session is not None
        return self.content.session


@dataclass
class Scene:
    """A session that was said in together, then two instances that are cut off from Redis."""

    redis: FakeRedis
    a: Instance
    b: Instance
    before: Sequence[str]


def scene(turns: int = 3, *, keep: int = 100, **attributes: Any) -> Scene:
    clock = HandClock()
    redis, a, b = FakeRedis(), Instance("a", clock, keep), Instance("b", clock, keep)
    before = [a.say(f"before{number}", **attributes) for number in range(turns)]
    if turns:
        redis.told(a)
        b.shadow.settled(KEY, b.shadow.export(KEY)[0].unsynced, redis.content)
    redis.content = Content(**{**_fields(redis.content), "applied": {}})
    clock.at += MINUTE
    return Scene(redis, a, b, before[-keep:] if turns else [])


def _fields(content: Content) -> dict[str, Any]:
    return {name: getattr(content, name) for name in Content.__dataclass_fields__}


# --- turns ----------------------------------------------------------------------------------------------------------


def test_turns_said_apart_are_all_there_in_the_order_in_which_they_began() -> None:
    at = scene()
    said = [at.a.say("1"), at.b.say("2"), at.a.say("3"), at.b.say("4")]

    at.redis.told(at.b)
    at.redis.told(at.a)

    assert at.redis.ids == [*at.before, *said]
    assert at.redis.session.turns == 7
    assert {turn.session_started for turn in at.redis.content.turns} == {at.redis.session.started}


def test_a_merge_whose_answer_was_lost_does_nothing_when_repeated() -> None:
    at = scene()
    at.a.say("1", colour="red")

    at.redis.told(at.a, answer_lost=True)
    once, counted = at.redis.content, dict(at.redis.counted)
    at.redis.told(at.a, answer_lost=True)
    at.redis.told(at.a)

    assert at.redis.content == once
    assert at.redis.counted == counted
    assert not at.a.shadow.pending


def test_a_repeated_merge_counts_no_turn_twice_that_was_dropped_meanwhile() -> None:
    at = scene(keep=3)
    for number in range(8):
        at.a.say(str(number))

    at.redis.told(at.a, answer_lost=True)
    at.redis.told(at.a)

    assert at.redis.ids == ["a-5", "a-6", "a-7"]
    assert at.redis.session.turns == 3 + 8


def test_a_turn_that_reached_redis_though_its_answer_was_lost_is_there_once() -> None:
    at = scene()
    at.a.say("1")
    ours, _, _ = at.a.shadow.export(KEY)
    at.redis.content = ours.content  # the commit took place

    merged = at.redis.told(at.a)

    assert at.redis.ids == [*at.before, "a-1"]
    assert at.redis.session.turns == 4
    assert merged.counts == {}


def test_a_turn_that_is_told_while_another_runs_loses_nothing() -> None:
    at = scene()
    at.a.say("1")
    running = claim(at.a.shadow, KEY, holder="a")
    at.redis.told(at.a)
    session = begun(running, KEY)
    turn = turn_of(session, "a-2", "2", at=running.found.now)
    assert at.a.shadow.commit(KEY, running.fence, commit_of(session, turn)) is Committed.STORED

    at.redis.told(at.a)

    assert at.redis.ids == [*at.before, "a-1", "a-2"]
    assert at.redis.session.turns == 5


# --- another dataset ------------------------------------------------------------------------------------------------


def test_an_empty_redis_is_told_the_whole_session() -> None:
    at = scene(budget=100)
    at.a.say("1")

    at.redis.lose_everything(at)
    at.redis.told(at.a)

    assert at.redis.ids == [*at.before, "a-1"]
    assert at.redis.session.turns == 4
    assert at.redis.session.attributes == {"budget": 100}


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a"), ("a", "b", "a", "b")])
def test_an_empty_redis_learns_from_each_instance_what_it_knows(order: Sequence[str]) -> None:
    at = scene(5)
    said = [at.a.say("1"), at.a.say("2"), at.b.say("3")]
    at.redis.lose_everything(at)

    for name in order:
        at.redis.told(getattr(at, name), answer_lost=True)

    assert at.redis.ids == [*at.before, *said]
    assert at.redis.session.turns == 8


def test_a_session_that_ended_is_not_brought_back_by_an_instance_that_did_not_hear_of_it() -> None:
    at = scene()
    at.b.end("manual")
    at.redis.lose_everything(at)

    at.redis.told(at.a)
    assert at.redis.content.session  # nobody has told of the end yet
    at.redis.told(at.b)
    assert at.redis.content.session is None
    at.redis.told(at.a, answer_lost=True)

    assert at.redis.content.session is None
    assert at.redis.content.turns == ()


# --- ends -----------------------------------------------------------------------------------------------------------


def test_what_ended_elsewhere_stays_ended_and_what_was_said_since_is_a_session_of_its_own() -> None:
    at = scene()
    at.b.end("manual")
    at.redis.told(at.b)
    said = [at.a.say("1"), at.a.say("2")]

    at.redis.told(at.a)

    assert at.redis.ids == said
    assert at.redis.session.turns == 2
    assert at.redis.session.started == at.redis.content.turns[0].began
    assert [record.reason for record in at.redis.content.ended] == ["manual"]


def test_what_was_said_before_an_end_goes_with_its_session() -> None:
    at = scene()
    said = at.a.say("1")
    at.b.end("manual")
    at.redis.told(at.b)

    merged = at.redis.told(at.a)

    assert at.redis.content.session is None
    assert at.redis.ids == []
    assert merged.gone == {said}


def test_an_end_for_inactivity_does_not_hold_against_a_turn_that_was_acknowledged() -> None:
    at = scene(budget=100)
    at.a.say("1")
    at.b.end("inactivity", at=at.b.clock.at + HOUR_MS)
    at.redis.told(at.b)
    assert at.redis.content.session is None

    at.redis.told(at.a)

    assert at.redis.ids == [*at.before, "a-1"]
    assert at.redis.session.turns == 4
    assert at.redis.session.attributes == {"budget": 100}
    assert at.redis.content.ended == ()


def test_an_end_for_inactivity_here_does_not_end_what_was_active_elsewhere() -> None:
    at = scene()
    said = at.a.say("1")
    session = at.a.session
    assert session is not None
    at.a.end("inactivity", at=session.last_activity + 15 * MINUTE)
    at.b.clock.at += 10 * MINUTE
    late = at.b.say("2")
    at.redis.told(at.b)
    at.a.clock.at += 10 * MINUTE
    later = at.a.say("3")

    at.redis.told(at.a)

    assert at.redis.ids == [*at.before, said, late, later]
    assert at.redis.session.turns == 6
    assert at.redis.content.ended == ()


def test_a_session_that_used_up_its_turns_here_is_over_everywhere() -> None:
    at = scene()
    at.a.say("1")
    at.a.end("conversation_limit")
    at.a.say("2")

    at.redis.told(at.a)

    assert at.redis.ids == ["a-2"]
    assert at.redis.session.turns == 1
    assert [record.turns for record in at.redis.content.ended] == [4]


def test_an_erasure_takes_what_was_said_before_it_and_nothing_else() -> None:
    at = scene(name="Ada")
    at.a.say("1")
    at.b.erase()
    at.redis.told(at.b)
    said = at.a.say("2")

    at.redis.told(at.a)

    assert at.redis.ids == [said]
    assert at.redis.session.attributes == {}
    assert at.redis.session.turns == 1


# --- sessions that began apart --------------------------------------------------------------------------------------


def test_sessions_that_began_apart_become_one_that_began_with_the_earliest() -> None:
    at = scene(0)
    said = [at.a.say("1"), at.b.say("2"), at.a.say("3")]
    started = at.a.session.started if at.a.session else 0

    at.redis.told(at.b)
    merged = at.redis.told(at.a)

    assert at.redis.ids == said
    assert at.redis.session.started == started
    assert at.redis.session.turns == 3
    assert merged.conflict


def test_sessions_of_different_owners_are_never_mixed() -> None:
    clock = HandClock()
    shadows = {}
    for owner in ("ada", "bob"):
        shadow = shadows[owner] = Shadow(owner, max_bytes=1 << 20, clock=clock)
        clock.at += 10
        claimed = claim(shadow, KEY)
        session = begun(claimed, KEY, owner)
        shadow.commit(KEY, claimed.fence, commit_of(session, turn_of(session, owner, owner)))
    for order in permutations(shadows):
        content = Content()
        for owner in order:
            merged = merge(content, shadows[owner].export(KEY)[0], now=clock.at)
            content = merged.content
        assert content.session is not None
        assert content.session.owner == "ada"
        assert [turn.id for turn in content.turns] == ["ada"]
        assert merged.conflict


# --- in whatever order ----------------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.one_of(
            st.just(("say",)),
            st.tuples(st.just("set"), st.sampled_from(["colour", "size"]), st.integers(0, 3)),
            st.tuples(st.just("line"), st.sampled_from(["sku1", "sku2"]), st.integers(0, 3)),
            st.just(("end", "manual")),
            st.just(("end", "conversation_limit")),
            st.just(("erase",)),
        ),
    ),
    max_size=12,
)
orders = st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=6)


def play(at: Scene, done: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
    for number, (name, (what, *more)) in enumerate(done):
        instance: Instance = getattr(at, name)
        if what == "say":
            instance.say(str(number))
        elif what == "end":
            instance.end(more[0])
        elif what == "erase":
            instance.erase()
        elif what == "set":
            instance.say(str(number), **{more[0]: more[1]})
        else:
            cart = dict(instance.session.attributes.get("cart", {})) if instance.session else {}
            instance.say(str(number), cart={**cart, more[0]: more[1]})


def outcome(redis: FakeRedis) -> tuple[Any, ...]:
    """What a user can see of it."""
    content, session = redis.content, redis.content.session
    return (
        [(turn.id, turn.session_started) for turn in content.turns],
        session and (session.started, session.turns, session.attributes, session.last_activity),
        sorted((record.started, record.ended, record.reason) for record in content.ended),
        {name: number for name, number in redis.counted.items() if number},
    )


@settings(max_examples=120, deadline=None)
@given(steps, orders, st.booleans(), st.integers(0, 3))
def test_the_order_in_which_instances_tell_redis_makes_no_difference(
    done: list[tuple[str, tuple[Any, ...]]], order: list[tuple[str, bool]], whole: bool, turns: int
) -> None:
    outcomes = []
    for tells in ([("a", False), ("b", False)], [("b", False), ("a", False)], [*order, ("a", True), ("b", True)]):
        at = scene(turns, colour="none")
        play(at, done)
        if whole:
            at.redis.lose_everything(at)
        for name, lost in tells:
            at.redis.told(getattr(at, name), answer_lost=lost)
        outcomes.append(outcome(at.redis))
    assert outcomes[0] == outcomes[1] == outcomes[2]


@settings(max_examples=120, deadline=None)
@given(steps, st.integers(0, 3), st.booleans())
def test_every_acknowledged_turn_is_there_once_and_in_order_unless_its_session_was_ended(
    done: list[tuple[str, tuple[Any, ...]]], turns: int, whole: bool
) -> None:
    done = [(name, what) for name, what in done if what[0] not in ("end", "erase")]
    at = scene(turns)
    play(at, done)
    said = [f"{name}-{number}" for number, (name, _) in enumerate(done)]
    if whole:
        at.redis.lose_everything(at)
    at.redis.told(at.a)
    at.redis.told(at.b)

    assert at.redis.ids == [*at.before, *said]
    if said or turns:
        assert at.redis.session.turns == len(at.redis.ids)
        assert {turn.session_started for turn in at.redis.content.turns} == {at.redis.session.started}


def test_counts_of_two_sides_that_dropped_turns() -> None:
    session = Session(KEY, NOON, NOON)
    turns = [turn_of(session, str(number), at=NOON + number) for number in range(10)]

    assert count_of_both(3, turns[:3], 3, turns[:3]) == 3
    assert count_of_both(3, turns[:3], 5, turns[:5]) == 5
    assert count_of_both(10, turns[5:], 10, turns) == 10
    assert count_of_both(8, turns[3:8], 10, turns[5:]) == 10
    assert count_of_both(4, [], 10, turns[5:]) == 10
    assert count_of_both(0, [], 0, []) == 0


# --- in a real Redis ------------------------------------------------------------------------------------------------


@pytest.fixture
def remote(redis_url: str) -> Iterator[RedisStore]:
    store = RedisStore(client_factory(redis_url), shift=Shift())
    yield store
    store.close_store()


def tell(remote: RedisStore, instance: Instance, *, answer_lost: bool = False) -> None:
    exchange = Exchange(remote, instance.name)
    ours, fence, orphan = instance.shadow.export(KEY)
    found = exchange.fetch(KEY, Lease(orphan, fence))
    merged = merge(found.content, ours, now=instance.clock.at, whole=instance.shadow.is_whole(KEY))
    assert exchange.put(KEY, Lease(orphan, fence), found, merged) is Written.MERGED
    if not answer_lost:
        instance.shadow.settled(KEY, ours.unsynced, merged.content)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, orders, st.booleans())
def test_redis_holds_what_the_merge_says(
    remote: RedisStore, done: list[tuple[str, tuple[Any, ...]]], order: list[tuple[str, bool]], whole: bool
) -> None:
    remote.client.flushall()
    outcomes = []
    told: list[tuple[Callable[..., object], Scene]] = []
    model, real = scene(0), scene(0)
    told = [(lambda instance, **how: model.redis.told(instance, **how), model)]
    told.append((lambda instance, **how: tell(remote, instance, **how), real))
    for teller, at in told:
        play(at, done)
        if whole:
            at.redis.lose_everything(at)
        for name, lost in [*order, ("a", False), ("b", False)]:
            teller(getattr(at, name), answer_lost=lost)
    found = Exchange(remote, "x").fetch(KEY, Lease()).content
    real.redis.content, real.redis.counted = found, {name: n for name, n in remote.counters().items() if n}
    outcomes = [outcome(model.redis), outcome(real.redis)]
    assert outcomes[0] == outcomes[1]


def test_a_merge_waits_for_another_instances_turn_and_is_let_in_next(remote: RedisStore) -> None:
    at = scene(0)
    at.a.say("1")
    exchange = Exchange(remote, "a")
    say(remote, KEY, "b-1")
    running = remote.claim(KEY, holder="other", lease_ms=6_000, turns=10)
    assert isinstance(running, Claimed)

    found = exchange.fetch(KEY, Lease())
    assert found.busy_until > found.now
    merged = merge(found.content, at.a.shadow.export(KEY)[0], now=found.now)
    assert exchange.put(KEY, Lease(), found, merged) is Written.LEASED
    assert remote.release(KEY, running.fence)
    assert not isinstance(remote.claim(KEY, holder="third", lease_ms=6_000, turns=10), Claimed)

    tell(remote, at.a)
    assert isinstance(remote.claim(KEY, holder="third", lease_ms=6_000, turns=10), Claimed)


def test_a_lease_that_nobody_uses_any_more_is_freed_by_the_merge(remote: RedisStore) -> None:
    at = scene(0)
    at.a.say("1")
    assert isinstance(remote.claim(KEY, holder="a", lease_ms=6_000, turns=10), Claimed)
    at.a.shadow.leave_lease(KEY, "a")

    tell(remote, at.a)

    assert isinstance(remote.claim(KEY, holder="b", lease_ms=6_000, turns=10), Claimed)


def test_a_subject_that_changed_since_it_was_read_is_not_replaced(remote: RedisStore) -> None:
    at = scene(0)
    at.a.say("1")
    exchange = Exchange(remote, "a")
    found = exchange.fetch(KEY, Lease())
    tell(remote, at.b if at.b.session else _said(at.b))

    merged = merge(found.content, at.a.shadow.export(KEY)[0], now=found.now)

    assert exchange.put(KEY, Lease(), found, merged) is Written.CHANGED


def _said(instance: Instance) -> Instance:
    instance.say("2")
    return instance
