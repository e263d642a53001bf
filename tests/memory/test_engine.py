"""A turn from its beginning to its end: what is stored, what is told, and what leaves no trace."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pytest

from memory import (
    FinishedTurn,
    IdempotencyMismatch,
    InvalidKey,
    Message,
    SessionBusy,
    SessionEngine,
    SessionNotFound,
    SessionPolicy,
    StaleTurn,
    TooLarge,
    sweep,
)
from memory.leases import LeaseKeeper
from memory.policy import Extension
from memory.stores.base import Renewed
from tests.memory.conftest import MakeEngine
from tests.memory.harness import World

WEATHER = SessionPolicy(duration=1_800, inactivity=900, max_turns=3, keep_turns=20)
JUNKJET = SessionPolicy(inactivity=300, extension=Extension(6, 120), keep_turns=5, history_ttl=600)
SHOPPING = SessionPolicy(inactivity=86_400, keep_turns=50, history_ttl=7_200)
NEWS = SessionPolicy(inactivity=86_400)


@pytest.fixture
def engine(simple_world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(simple_world.store, WEATHER)


def talk(engine: SessionEngine, subject: str = "user123", message: str = "hello", **options: Any) -> FinishedTurn:
    """A whole turn, in which the assistant shouts back."""
    return engine.finish_turn(engine.begin_turn(subject, message, **options), message.upper())


def said(engine: SessionEngine, subject: str = "user123") -> list[str]:
    return [turn.message for turn in engine.history(subject, 100)]


# --- a turn ---------------------------------------------------------------------------------------------------------


def test_a_turn_is_stored_whole_and_told_with_its_session(engine: SessionEngine) -> None:
    turn = engine.begin_turn("user123", "Weather in London?")
    assert turn.new
    assert turn.history == ()
    assert engine.session("user123") is None, "nothing is there before the turn is finished"

    done = engine.finish_turn(turn, "Cloudy, 9 °C", data={"sources": ["sky"]})

    assert (done.turn.message, done.turn.response, done.turn.data) == (
        "Weather in London?",
        "Cloudy, 9 °C",
        {"sources": ["sky"]},
    )
    assert (done.session.turns, done.session.started, done.session.last_activity) == (1, turn.began, done.turn.ended)
    assert (done.verdict.ended, done.verdict.remaining_turns) == (None, 2)
    assert done.verdict.at == done.session.last_activity + 900_000
    assert (done.replayed, done.degraded, done.partial) == (False, False, False)
    assert done.durability == engine.store.durability("test")
    assert engine.history("user123") == (done.turn,)
    view = engine.session("user123", turns=5)
    assert view is not None
    assert (view.session.turns, view.turns, view.busy, view.verdict) == (1, (done.turn,), False, done.verdict)


def test_the_model_is_shown_what_was_said_before(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, replace(NEWS, shown_turns=2))
    for n in range(4):
        talk(engine, message=f"message {n}")

    def shown(**options: Any) -> list[str]:
        turn = engine.begin_turn("user123", "and now?", **options)
        engine.abandon_turn(turn)
        return [message.text for message in turn.history]

    assert shown() == ["message 2", "MESSAGE 2", "message 3", "MESSAGE 3"]
    assert shown(shown_turns=1) == ["message 3", "MESSAGE 3"]
    assert shown(shown_turns=0) == []
    assert len(shown(shown_turns=50)) == 8


def test_all_messages_of_a_turn_can_be_stored(engine: SessionEngine) -> None:
    messages = (
        Message("human", "Weather?"),
        Message("ai", "", {"tool_calls": [{"name": "weather", "args": {}, "id": "1"}]}),
        Message("tool", "9", {"tool_call_id": "1"}),
        Message("ai", [{"type": "text", "text": "It is 9 °C"}]),
    )
    engine.finish_turn(engine.begin_turn("user123", "Weather?"), messages, interrupted=True)
    turn = engine.begin_turn("user123", "Again?")
    assert turn.history == messages
    assert engine.history("user123")[0].interrupted
    assert engine.history("user123")[0].response == "It is 9 °C"


def test_a_long_turn_counts_from_when_it_was_answered(engine: SessionEngine) -> None:
    turn = engine.begin_turn("user123", "hello")
    turn.started_at -= 30  # the model took half a minute
    done = engine.finish_turn(turn, "Hello!")
    assert 30_000 <= done.turn.took < 40_000
    assert done.session.last_activity == turn.began + done.turn.took


def test_an_abandoned_turn_leaves_no_trace(engine: SessionEngine) -> None:
    talk(engine)
    before = engine.session("user123", turns=10)
    turn = engine.begin_turn("user123", "never answered", key="once")
    engine.abandon_turn(turn, failed=True)
    engine.abandon_turn(turn, failed=True)

    after = engine.session("user123", turns=10)
    assert before is not None
    assert after is not None
    assert replace(after, now=before.now) == before
    assert engine.store.counters()["test.errors"] == 1
    assert not talk(engine, message="another", key="once").replayed


def test_abandoning_a_finished_turn_takes_nothing_back(engine: SessionEngine) -> None:
    turn = engine.begin_turn("user123", "hello")
    engine.finish_turn(turn, "Hello!")
    engine.abandon_turn(turn)
    assert said(engine) == ["hello"]


def test_an_abandoned_first_turn_opens_nothing(engine: SessionEngine) -> None:
    engine.abandon_turn(engine.begin_turn("user123", "hello"))
    assert engine.session("user123") is None
    assert engine.store.totals("test").live == 0
    assert "test.started" not in engine.store.counters()


def test_a_turn_too_large_to_keep_is_refused_and_its_session_goes_on(
    simple_world: World, make_engine: MakeEngine
) -> None:
    engine = make_engine(simple_world.store, replace(WEATHER, max_bytes=1_000))
    talk(engine)
    turn = engine.begin_turn("user123", "hello")
    with pytest.raises(TooLarge) as refused:
        engine.finish_turn(turn, secrets.token_hex(1_500))  # nothing that a codec could make smaller
    assert refused.value.limit == 1_000
    assert "1,000" in str(refused.value)
    engine.abandon_turn(turn)
    assert said(engine) == ["hello"]
    assert talk(engine, message="shorter").session.turns == 2


def test_a_reply_that_is_no_json_is_refused_before_anything_is_stored(engine: SessionEngine) -> None:
    turn = engine.begin_turn("user123", "hello")
    with pytest.raises(TypeError):
        engine.finish_turn(turn, "Hello!", data={"sources": object()})
    engine.abandon_turn(turn)
    assert engine.session("user123") is None


@pytest.mark.parametrize("subject", ["", "x" * 257, "half a pair \ud83d"])
def test_a_subject_that_no_store_should_see_is_refused(engine: SessionEngine, subject: str) -> None:
    with pytest.raises(InvalidKey, match="a subject"):
        engine.begin_turn(subject, "hello")
    with pytest.raises(InvalidKey):
        engine.session(subject)
    with pytest.raises(InvalidKey):
        engine.forget(subject)


@pytest.mark.parametrize("namespace", ["", "stats", "a:b", "a b", "{a}", "a.b"])
def test_a_namespace_that_would_step_out_of_its_place_is_refused(simple_world: World, namespace: str) -> None:
    with pytest.raises(InvalidKey, match="a namespace"):
        SessionEngine(simple_world.store, WEATHER, namespace=namespace)


# --- the same turn again --------------------------------------------------------------------------------------------


def test_a_retry_is_answered_with_the_stored_turn(engine: SessionEngine) -> None:
    first = talk(engine, key="once")
    counters = engine.store.counters()

    turn = engine.begin_turn("user123", "hello", key="once")
    assert turn.replay == first.turn
    again = engine.finish_turn(turn, "something else")

    assert again.replayed
    assert (again.turn, again.session.id, again.session.turns) == (first.turn, first.session.id, 1)
    assert again.verdict == first.verdict
    assert said(engine) == ["hello"]
    assert engine.store.counters() == counters
    engine.abandon_turn(turn)
    assert engine.session("user123") is not None


def test_a_retry_after_other_turns_is_answered_too(engine: SessionEngine) -> None:
    first = talk(engine, key="once")
    talk(engine, message="and then?")
    again = talk(engine, key="once")
    assert again.replayed
    assert again.turn == first.turn
    assert again.session.turns == 2


def test_a_retry_does_not_wait_for_a_running_turn(engine: SessionEngine) -> None:
    first = talk(engine, key="once")
    engine.begin_turn("user123", "still running")
    assert talk(engine, key="once", wait=0).turn == first.turn


def test_a_key_is_good_for_one_message(engine: SessionEngine) -> None:
    talk(engine, key="once")
    with pytest.raises(IdempotencyMismatch):
        engine.begin_turn("user123", "another message", key="once")
    assert talk(engine, message="another message", key="twice").session.turns == 2


def test_a_key_holds_for_its_subject_and_namespace(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, WEATHER)
    talk(engine, key="once")
    assert not talk(engine, "user456", key="once").replayed
    assert not talk(make_engine(simple_world.store, WEATHER, namespace="other"), key="once").replayed


@pytest.mark.parametrize("key", ["k", "~" * 255, "with spaces and {braces}", "key:with:colons *"])
def test_any_key_will_do(engine: SessionEngine, key: str) -> None:
    assert not talk(engine, key=key).replayed
    assert talk(engine, key=key).replayed


@pytest.mark.parametrize("limit", [1, 3])
def test_the_turn_that_used_up_its_session_is_answered_again_with_the_same_end(
    simple_world: World, make_engine: MakeEngine, limit: int
) -> None:
    engine = make_engine(simple_world.store, replace(WEATHER, max_turns=limit))
    for n in range(limit - 1):
        talk(engine, message=f"message {n}")
    last = talk(engine, message="the last", key="last")
    assert (last.verdict.ended, last.verdict.remaining_turns) == ("conversation_limit", 0)

    again = talk(engine, message="the last", key="last")

    assert again.replayed
    assert again.turn == last.turn
    assert (again.session.id, again.session.turns) == (last.session.id, limit)
    assert again.verdict == last.verdict
    if limit > 1:  # a turn that uses up its session at once takes the place of the last one that did
        assert talk(engine, message="a new one").session.turns == 1
        again = talk(engine, message="the last", key="last")
        assert (again.turn, again.verdict) == (last.turn, last.verdict)


def test_a_turn_that_outlived_its_session_is_answered_with_that_sessions_end(
    simple_world: World, make_engine: MakeEngine
) -> None:
    engine = make_engine(simple_world.store, JUNKJET)
    first = talk(engine, key="once")
    simple_world.advance(301_000)
    sweep(engine)
    again = talk(engine, key="once")
    assert again.replayed
    assert (again.session.id, again.verdict.ended) == (first.session.id, "inactivity")


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("policy", [JUNKJET, replace(JUNKJET, max_turns=1)], ids=["silent", "used up"])
def test_what_is_somebodys_goes_with_its_session(
    simple_world: World, make_engine: MakeEngine, policy: SessionPolicy, swept: bool
) -> None:
    """Whoever opens a session of the same id next may be another."""
    engine = make_engine(simple_world.store, policy)
    talk(engine, message="my secret", owner="ada")
    simple_world.advance(301_000)
    if swept:
        sweep(engine)

    turn = engine.begin_turn("user123", "hello", owner="ada" if not swept else "bob")
    assert turn.new
    assert turn.history == ()
    engine.finish_turn(turn, "Hello!")
    assert said(engine) == ([] if policy.max_turns else ["hello"])


def test_what_somebody_ended_is_not_remembered_beyond_it(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, JUNKJET)
    talk(engine, key="once")
    engine.end("user123", "bored")
    assert engine.history("user123") == ()
    assert not talk(engine, key="once").replayed


def test_a_used_key_whose_turn_is_forgotten_begins_a_new_turn(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, replace(NEWS, keep_turns=2))
    talk(engine, key="once")
    talk(engine, message="second")
    talk(engine, message="third")
    assert not talk(engine, key="once").replayed
    assert said(engine) == ["third", "hello"]


# --- one at a time --------------------------------------------------------------------------------------------------


def test_while_a_turn_runs_another_waits_and_then_gives_up(engine: SessionEngine) -> None:
    running = engine.begin_turn("user123", "first")
    for wait in (0, 0.05):
        with pytest.raises(SessionBusy) as busy:
            engine.begin_turn("user123", "second", wait=wait)
        assert busy.value.waited == wait
        assert 1 <= busy.value.retry_after <= 5
    engine.finish_turn(running, "done")
    assert said(engine) == ["first"]


def test_the_wait_is_the_engines_where_none_is_given(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, WEATHER, turn_wait=0.02)
    engine.begin_turn("user123", "first")
    with pytest.raises(SessionBusy) as busy:
        engine.begin_turn("user123", "second")
    assert busy.value.waited == 0.02


def test_other_subjects_do_not_wait(engine: SessionEngine) -> None:
    engine.begin_turn("user123", "still running")
    assert talk(engine, "user456", wait=0).session.turns == 1


def test_a_turn_whose_lease_was_taken_is_not_stored(simple_world: World, make_engine: MakeEngine) -> None:
    """Its instance was cut off, and another went on with the session."""

    def instance(name: str) -> SessionEngine:
        sleepy = LeaseKeeper(simple_world.store, every=3_600)
        return make_engine(simple_world.again(), NEWS, leases=sleepy, holder=name)

    first, second = instance("a"), instance("b")
    lost = first.begin_turn("user123", "from the first")
    simple_world.advance(first.leases.lease_ms + 1)
    done = talk(second, message="from the second")
    with pytest.raises(StaleTurn):
        first.finish_turn(lost, "too late")
    first.abandon_turn(lost)
    assert said(first) == ["from the second"]
    assert done.session.turns == 1
    first.leases.close()
    second.leases.close()


def test_a_turn_is_asked_to_stop_and_keeps_what_was_said(simple_world: World, make_engine: MakeEngine) -> None:
    engine, elsewhere = make_engine(simple_world.store, NEWS), make_engine(simple_world.again(), NEWS)
    assert not engine.stop_turn("user123")
    turn = engine.begin_turn("user123", "a long story")
    signals: list[Renewed] = []
    turn.on_signal = signals.append

    assert engine.stop_turn("user123")
    assert engine.stop_turn("user123")
    assert signals == [Renewed.STOP]
    assert turn.signalled is Renewed.STOP
    done = engine.finish_turn(turn, "Once upon", interrupted=True)
    assert done.turn.interrupted
    assert engine.store.counters()["test.interrupted"] == 1
    assert not engine.stop_turn("user123")

    turn = engine.begin_turn("user123", "another story")
    assert elsewhere.stop_turn("user123"), "from another instance it is told at the next renewal"
    assert turn.signalled is None
    engine.leases.renew(turn.started_at + 3)
    assert turn.signalled is Renewed.STOP
    engine.abandon_turn(turn)


# --- the end of a session while a turn runs -------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["end", "forget"])
def test_a_turn_whose_session_was_ended_is_not_stored(engine: SessionEngine, how: str) -> None:
    talk(engine)
    turn = engine.begin_turn("user123", "still thinking")
    assert engine.end("user123") if how == "end" else engine.forget("user123")
    with pytest.raises(StaleTurn):
        engine.finish_turn(turn, "too late")
    engine.abandon_turn(turn)
    assert engine.session("user123") is None
    assert said(engine) == []
    assert talk(engine).session.turns == 1


def test_a_session_whose_time_is_up_while_a_turn_runs_ends_with_that_turn(
    simple_world: World, make_engine: MakeEngine
) -> None:
    engine = make_engine(simple_world.store, WEATHER)
    first = talk(engine)
    simple_world.advance(890_000)
    turn = engine.begin_turn("user123", "nearly over")
    simple_world.advance(920_000)
    turn.started_at -= 920  # the model took as long
    engine.leases.renew(turn.started_at + 1_000)
    view = engine.session("user123")
    assert view is not None, "a turn that began in time keeps its session"
    assert view.busy

    done = engine.finish_turn(turn, "at last")

    assert done.turn.response == "at last"
    assert (done.verdict.ended, done.session.id) == ("duration", first.session.id)
    assert done.verdict.at == first.session.started + 1_800_000
    assert engine.session("user123") is None
    records = engine.list("user123")[1]
    assert [(record.reason, record.turns, record.ended) for record in records] == [
        ("duration", 2, first.session.started + 1_800_000)
    ]
    assert talk(engine).session.turns == 1


def test_the_last_turn_says_that_it_was_the_last(engine: SessionEngine) -> None:
    left = [talk(engine, message=f"message {n}").verdict for n in range(3)]
    assert [verdict.remaining_turns for verdict in left] == [2, 1, 0]
    assert [verdict.ended for verdict in left] == [None, None, "conversation_limit"]
    assert engine.session("user123") is None
    assert said(engine) == []
    assert [record.turns for record in engine.list("user123")[1]] == [3]


def test_a_session_that_is_over_makes_way_for_the_next(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, WEATHER)
    first = talk(engine, message="before")
    simple_world.advance(900_000 + 5_000)
    turn = engine.begin_turn("user123", "after")
    assert turn.new
    assert turn.history == ()
    second = engine.finish_turn(turn, "hello again")

    assert second.session.started > first.session.started
    assert second.session.turns == 1
    assert said(engine) == ["after"]
    records = engine.list("user123")[1]
    assert [(record.id, record.reason, record.ended) for record in records] == [
        (first.session.id, "inactivity", first.session.last_activity + 900_000)
    ]
    counters = engine.store.counters()
    assert (counters["test.started"], counters["test.ended.inactivity"], counters["test.live_turns"]) == (2, 1, 1)


def test_a_roll_over_that_is_abandoned_has_ended_the_old_session_all_the_same(
    simple_world: World, make_engine: MakeEngine
) -> None:
    engine = make_engine(simple_world.store, WEATHER)
    talk(engine)
    simple_world.advance(900_000 + 5_000)
    engine.abandon_turn(engine.begin_turn("user123", "never answered"))
    assert engine.session("user123") is None
    assert [record.reason for record in engine.list("user123")[1]] == ["inactivity"]
    assert engine.store.totals("test").turns == 0


def test_a_turn_may_ask_for_a_session_that_is_there(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, WEATHER)
    with pytest.raises(SessionNotFound):
        engine.begin_turn("user123", "hello", create=False)
    talk(engine)
    assert talk(engine, create=False).session.turns == 2
    simple_world.advance(900_000 + 5_000)
    with pytest.raises(SessionNotFound):
        engine.begin_turn("user123", "hello", create=False)
    assert [record.reason for record in engine.list("user123")[1]] == ["inactivity"]
    assert talk(engine, wait=0).session.turns == 1, "and nobody's asking held it up"


# --- history that lives longer or shorter than its session ----------------------------------------------------------


def test_a_user_who_comes_back_after_seven_minutes_is_remembered(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, JUNKJET)
    first = talk(engine, message="I sell plastic")
    simple_world.advance(420_000)
    assert engine.session("user123") is None
    assert said(engine) == ["I sell plastic"]

    turn = engine.begin_turn("user123", "And now?")
    assert turn.new
    assert [message.text for message in turn.history] == ["I sell plastic", "I SELL PLASTIC"]
    second = engine.finish_turn(turn, "Now too")
    assert second.session.id != first.session.id
    assert second.session.turns == 1
    assert said(engine) == ["I sell plastic", "And now?"]
    assert [turn.session_started for turn in engine.history("user123")] == [
        first.session.started,
        second.session.started,
    ]


def test_after_ten_minutes_nothing_is_remembered(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, JUNKJET)
    talk(engine, message="I sell plastic", key="once")
    simple_world.advance(600_000 + 5_000)
    assert said(engine) == []
    turn = engine.begin_turn("user123", "And now?")
    assert turn.history == ()
    engine.finish_turn(turn, "Now what?")
    assert said(engine) == ["And now?"]
    assert not talk(engine, message="I sell plastic", key="once").replayed


def test_from_the_sixth_message_on_there_are_two_minutes_more(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, JUNKJET)
    allowed = []
    for n in range(7):
        done = talk(engine, message=f"message {n}")
        allowed.append(done.verdict.at - done.session.last_activity)
    assert allowed == [300_000] * 5 + [420_000] * 2
    simple_world.advance(419_000)
    assert engine.session("user123") is not None
    assert len(said(engine)) == 5


def test_history_is_forgotten_while_its_session_lives(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, SHOPPING)
    talk(engine, message="A laptop?")
    engine.update("user123", lambda document: document.update(cart=["laptop"]))
    simple_world.advance(7_200_000 + 5_000)

    view = engine.session("user123", turns=10)
    assert view is not None
    assert view.turns == ()
    assert view.session.attributes == {"cart": ["laptop"]}
    assert said(engine) == []
    turn = engine.begin_turn("user123", "A mouse?", shown_turns=0)
    done = engine.finish_turn(turn, "A mouse!")
    assert done.session.turns == 2
    assert said(engine) == ["A mouse?"], "what was forgotten does not come back"
    assert engine.session("user123", turns=10).session.attributes == {"cart": ["laptop"]}  # type: ignore[union-attr]


def test_what_is_touched_is_not_remembered_longer(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, SHOPPING)
    talk(engine, message="A laptop?")
    simple_world.advance(7_000_000)
    assert engine.touch("user123")
    assert said(engine) == ["A laptop?"]
    simple_world.advance(200_000 + 5_000)
    assert said(engine) == []


def test_opening_a_session_keeps_what_is_remembered(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, JUNKJET)
    talk(engine, message="I sell plastic")
    simple_world.advance(420_000)
    engine.open("user123")
    assert said(engine) == ["I sell plastic"]
    simple_world.advance(180_000 + 5_000)
    assert said(engine) == []


# --- whose session it is --------------------------------------------------------------------------------------------


def test_a_session_is_found_by_its_owner_only(engine: SessionEngine) -> None:
    talk(engine, owner="alice")
    with pytest.raises(SessionNotFound):
        engine.begin_turn("user123", "hello", owner="bob")
    with pytest.raises(SessionNotFound):
        engine.begin_turn("user123", "hello")
    assert engine.session("user123", owner="bob") is None
    assert engine.history("user123", owner="bob") == ()
    assert not engine.touch("user123", owner="bob")
    assert engine.end("user123", owner="bob") is None
    with pytest.raises(SessionNotFound):
        engine.update("user123", lambda document: document.update(a=1), owner="bob", create=True)

    assert talk(engine, owner="alice", wait=0).session.turns == 2, "and nobody's asking held it up"
    assert talk(engine, owner=None).session.owner == "alice", "None may act for everybody"


def test_a_retry_of_anothers_turn_is_not_found(engine: SessionEngine) -> None:
    talk(engine, owner="alice", key="once")
    with pytest.raises(SessionNotFound):
        engine.begin_turn("user123", "hello", owner="bob", key="once")


def test_a_session_without_an_owner_is_for_whoever_knows_its_id(engine: SessionEngine) -> None:
    talk(engine)
    assert talk(engine, owner="alice").session.owner == ""
    assert engine.session("user123", owner="bob") is not None


def test_when_a_session_is_over_its_subject_is_free_for_others(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, WEATHER)
    talk(engine, owner="alice")
    engine.end("user123")
    assert talk(engine, owner="bob").session.owner == "bob"
