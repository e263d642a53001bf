"""Whatever people do in whatever order: Redis, the in-process store and a plain model tell the same story."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from memory import (
    EndedSession,
    Extension,
    FinishedTurn,
    IdempotencyMismatch,
    RunningTurn,
    SessionBusy,
    SessionEngine,
    SessionNotFound,
    SessionPolicy,
    StaleTurn,
    Turn,
    open_store,
    sweep,
)
from memory.clock import now_ms
from memory.leases import LeaseKeeper
from memory.stats import REASONS
from tests.memory.harness import PATIENT, HandClock
from tests.memory.model import Busy, Mismatch, Model, Person, Running, Said, Stale
from tests.servers import RedisCluster, RedisServer

SUBJECTS = st.sampled_from(["alice", "bob", "{c}:arol *"])
MESSAGES = st.sampled_from(["hello", "weather?"])
KEYS = st.none() | st.sampled_from(["once", "twice"])

# Nobody waits for a time between 20 and 40 s after a whole minute, so no deadline comes within a store's own haste.
POLICIES = [
    SessionPolicy(duration=1_830, inactivity=930, max_turns=3, keep_turns=20),
    SessionPolicy(inactivity=330, extension=Extension(2, 120), keep_turns=2, history_ttl=630),
    SessionPolicy(inactivity=86_430, keep_turns=3, history_ttl=7_230),
    SessionPolicy(inactivity=3_630, max_turns=1, keep_turns=5),
    SessionPolicy(duration=630, max_turns=2, history_ttl=1_230, keep_turns=3),
]


class Story(RuleBasedStateMachine):
    """One story told by everybody. Times are compared in whole seconds: a store takes a moment, the model none."""

    def __init__(self, url: str, flush: Callable[[], None]) -> None:
        super().__init__()
        flush()
        self.began = now_ms()
        self.waited = 0
        self.stack = ExitStack()
        self.clock = HandClock(self.began)
        self.stores = [open_store(url + PATIENT, shift=self._shift), open_store("memory://", clock=self.clock)]
        self.running: dict[str, tuple[list[RunningTurn], Running]] = {}
        self.left: list[tuple[str, list[RunningTurn], Running]] = []

    def _shift(self) -> int:
        """Stops the server's clock: it stands where the hand-moved one does, but for a moment."""
        return self.began + self.waited - now_ms()

    @initialize(policy=st.sampled_from(POLICIES))
    def begin_story(self, policy: SessionPolicy) -> None:
        self.model = Model(policy)
        self.engines = []
        for store in self.stores:
            keeper = LeaseKeeper(store, every=3_600)
            self.stack.callback(store.close_store)
            self.stack.callback(keeper.close)
            self.engines.append(SessionEngine(store, policy, namespace="test", leases=keeper, holder="one"))

    def teardown(self) -> None:
        self.stack.close()

    # --- what people do ---------------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 1, 2, 5, 9, 16, 31, 61, 125, 1_441]))
    def wait(self, minutes: int) -> None:
        self.waited += minutes * 60_000
        self.clock.at += minutes * 60_000
        self.model.now += minutes * 60

    @rule(subject=SUBJECTS, message=MESSAGES, key=KEYS, changes=st.booleans())
    def talk(self, subject: str, message: str, key: str | None, changes: bool) -> None:
        turns = self._begin(subject, message, key)
        if turns:
            self._finish(subject, *turns, changes=changes)

    @rule(subject=SUBJECTS, message=MESSAGES, key=KEYS)
    def begin(self, subject: str, message: str, key: str | None) -> None:
        turns = self._begin(subject, message, key)
        if turns and isinstance(turns[1], Running):
            if subject in self.running:  # its lease ran out, and it will come too late
                self.left.append((subject, *self.running.pop(subject)))
            self.running[subject] = (turns[0], turns[1])

    @rule(subject=SUBJECTS)
    def finish(self, subject: str) -> None:
        if subject in self.running:
            self._finish(subject, *self.running.pop(subject))

    @rule()
    def finish_too_late(self) -> None:
        if self.left:
            self._finish(*self.left.pop())

    @rule(subject=SUBJECTS)
    def abandon(self, subject: str) -> None:
        if subject in self.running:
            turns, modelled = self.running.pop(subject)
            for engine, turn in zip(self.engines, turns, strict=True):
                engine.abandon_turn(turn)
            self.model.abandon(subject, modelled)

    @rule(subject=SUBJECTS, reason=st.sampled_from(["manual", "bored"]))
    def end(self, subject: str, reason: str) -> None:
        told = [engine.end(subject, reason) is not None for engine in self.engines]
        assert told == [self.model.end(subject, reason)] * 2

    @rule(subject=SUBJECTS)
    def forget(self, subject: str) -> None:
        for engine in self.engines:
            engine.forget(subject)
            assert engine.list(subject) == (None, [])
        self.model.forget(subject)

    @rule(subject=SUBJECTS)
    def open(self, subject: str) -> None:
        told = []
        for engine in self.engines:
            engine.turn_wait = 0
            try:
                engine.open(subject)
                told.append("opened")
            except SessionBusy:
                told.append("busy")
        try:
            self.model.open(subject)
            modelled = "opened"
        except Busy:
            modelled = "busy"
        assert told == [modelled] * 2

    @rule(subject=SUBJECTS)
    def touch(self, subject: str) -> None:
        assert [engine.touch(subject) for engine in self.engines] == [self.model.touch(subject)] * 2

    @rule(subject=SUBJECTS, key=KEYS)
    def edit(self, subject: str, key: str | None) -> None:
        key = self._dated(key)
        talk = self.model.live(subject)
        told: list[object] = []
        for engine in self.engines:
            try:
                told.append(engine.update(subject, add_one, key=key)["n"])
            except SessionNotFound:
                told.append(None)
        if talk is not None:
            made = talk.attributes.setdefault("made", set())
            if key is None or key not in made:
                talk.attributes["n"] = talk.attributes.get("n", 0) + 1
                made.add(key)
        assert told == [talk.attributes["n"] if talk else None] * 2

    @rule()
    def sweep(self) -> None:
        told = [dict(sweep(engine, batch=2)) for engine in self.engines]
        assert told == [self.model.sweep()] * 2

    # --- how a turn is told to all ----------------------------------------------------------------------------------

    def _dated(self, key: str | None) -> str | None:
        """Keys are used again within minutes only: Redis' own expiry runs by the real clock."""
        return key and f"{key} {self.model.now // 300}"

    def _begin(self, subject: str, message: str, key: str | None) -> tuple[list[RunningTurn], Running | Said] | None:
        key = self._dated(key)
        turns: list[RunningTurn] = []
        told: list[str] = []
        for engine in self.engines:
            try:
                turns.append(engine.begin_turn(subject, message, key=key, wait=0))
                told.append("known" if turns[-1].replay else "begun")
            except SessionBusy:
                told.append("busy")
            except IdempotencyMismatch:
                told.append("mismatch")
        modelled: Running | Said | None = None
        try:
            modelled = self.model.begin(subject, message, key)
            expected = "known" if isinstance(modelled, Said) else "begun"
        except Busy:
            expected = "busy"
        except Mismatch:
            expected = "mismatch"
        assert told == [expected] * 2
        if modelled is None:
            return None
        if isinstance(modelled, Running):
            shown = [[each.message for each in turn.turns] for turn in turns]
            person = self.model.person(subject)
            assert shown == [[each.message for each in self.model.remembered(person, modelled.talk)]] * 2
            assert [turn.new for turn in turns] == [modelled.talk is None] * 2
        return turns, modelled

    def _finish(
        self, subject: str, turns: list[RunningTurn], modelled: Running | Said, *, changes: bool = False
    ) -> None:
        told: list[object] = []
        for engine, turn in zip(self.engines, turns, strict=True):
            try:
                done = engine.finish_turn(turn, turn.message.upper(), changes=[add_one] if changes else [])
                told.append((done.turn.message, done.turn.response, done.replayed, self._session(done)))
            except StaleTurn:
                engine.abandon_turn(turn)
                told.append("stale")
        assert told[0] == told[1]
        if isinstance(modelled, Said):
            assert isinstance(told[0], tuple)
            assert told[0][:3] == (modelled.message, modelled.message.upper(), True)
            return
        try:
            talk = self.model.finish(subject, modelled)
        except Stale:
            assert told[0] == "stale"
            return
        if changes:
            talk.attributes["n"] = talk.attributes.get("n", 0) + 1
        assert isinstance(told[0], tuple)
        assert told[0][:3] == (modelled.message, modelled.message.upper(), False)
        assert told[0][3][:3] == (talk.started, talk.last, talk.turns)

    def _session(self, done: FinishedTurn) -> tuple[Any, ...]:
        session = done.session
        ended = done.verdict.ended
        return (
            self._s(session.started),
            self._s(session.last_activity),
            session.turns,
            ended,
            self._s(done.verdict.at),
        )

    def _s(self, ms: int) -> int:
        """Seconds since the story began."""
        return (ms - self.began + 5_000) // 10_000 * 10

    # --- what everybody tells afterwards ----------------------------------------------------------------------------

    @invariant()
    def all_tell_the_same(self) -> None:
        if not hasattr(self, "engines"):
            return
        for subject in ("alice", "bob", "{c}:arol *"):
            told = [self._told(engine, subject) for engine in self.engines]
            assert told[0] == told[1]
            assert told[0] == self._modelled(subject)
        counts = [self._counts(engine) for engine in self.engines]
        assert counts[0] == counts[1]
        expected = {name: number for name, number in self.model.counts.items() if number}
        assert {name: counts[0][name] for name in counts[0] if name in expected} == expected
        assert counts[0]["live_turns"] == sum(person.talk.turns for person in self.model.people.values() if person.talk)
        totals = [engine.store.totals("test") for engine in self.engines]
        assert totals[0] == totals[1]
        assert totals[0].turns == counts[0]["live_turns"]
        live = [sorted(view.session.key.subject for view in engine.live()) for engine in self.engines]
        assert live[0] == live[1]

    def _told(self, engine: SessionEngine, subject: str) -> dict[str, object]:
        view, ended = engine.list(subject)
        looked = engine.session(subject, turns=100)
        assert (looked and looked.session) == (view and view.session)
        attributes = dict(view.session.attributes) if view else {}
        attributes.pop("_applied", None)
        return {
            "session": view
            and (self._s(view.session.started), self._s(view.session.last_activity), view.session.turns),
            "attributes": attributes,
            "busy": bool(view and view.busy),
            "history": [self._turn(turn) for turn in engine.history(subject, 100)],
            "shown": [self._turn(turn) for turn in looked.turns] if looked else [],
            "ended": [self._record(record) for record in ended],
        }

    def _turn(self, turn: Turn) -> tuple[str, int, int]:
        return turn.message, self._s(turn.session_started), self._s(turn.ended)

    def _record(self, record: EndedSession) -> tuple[int, int, int, str]:
        return self._s(record.started), self._s(record.ended), record.turns, record.reason

    def _modelled(self, subject: str) -> dict[str, object]:
        person = self.model.people.get(subject) or Person()
        talk = self.model.live(subject) if subject in self.model.people else None
        ended = list(person.ended)
        if person.talk and talk is None:
            over = self.model.over(person.talk)
            assert over is not None
            ended.insert(0, (person.talk.started, over[1], person.talk.turns, over[0]))
        remembered = [(each.message, each.session, each.at) for each in self.model.remembered(person, talk)]
        newest = [record for record in ended[:20] if record[1] > self.model.now - 86_400]
        return {
            "session": talk and (talk.started, talk.last, talk.turns),
            "attributes": {"n": talk.attributes["n"]} if talk and "n" in talk.attributes else {},
            "busy": bool(talk and self.model.leased(person)),
            "history": remembered,
            "shown": remembered if talk else [],
            "ended": newest,
        }

    def _counts(self, engine: SessionEngine) -> dict[str, int]:
        counters = engine.store.counters()
        names = ["turns", "started", "live_turns", *(f"ended.{reason}" for reason in REASONS)]
        assert set(counters) <= {f"test.{name}" for name in names} | {name for name in counters if ".ms." in name}
        return {name: counters.get(f"test.{name}", 0) for name in names}


def add_one(document: dict[str, Any]) -> None:
    document["n"] = document.get("n", 0) + 1


def tell(url: str, flush: Callable[[], None], stories: int, steps: int) -> None:
    run_state_machine_as_test(
        lambda: Story(url, flush),  # type: ignore[arg-type]
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


def flush_of(server: RedisServer) -> Callable[[], None]:
    def flush() -> None:
        with server.client() as client:
            client.flushall()

    return flush


def test_redis_the_local_store_and_a_plain_model_tell_the_same_story(redis_server: RedisServer) -> None:
    tell(redis_server.url(), flush_of(redis_server), stories=30, steps=30)


@pytest.mark.slow
def test_they_tell_the_same_long_stories(redis_server: RedisServer) -> None:
    tell(redis_server.url(), flush_of(redis_server), stories=300, steps=60)


@pytest.mark.slow
def test_a_cluster_tells_the_same_story(redis_cluster: RedisCluster) -> None:
    tell(redis_cluster.url(), redis_cluster.flush, stories=100, steps=50)
