"""Verdicts of the five policies of the design, at the instants around every deadline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from memory import Extension, Key, Message, Session, SessionPolicy, Turn, Verdict
from memory.policy import history_until, remembered, verdict

WEATHER = SessionPolicy(duration=1_800, inactivity=900, max_turns=20, keep_turns=20)
JUNKJET = SessionPolicy(inactivity=300, extension=Extension(6, 120), keep_turns=5, history_ttl=600)
NEWS = SessionPolicy(inactivity=86_400, keep_turns=100, durability="memory")
CHAT = SessionPolicy(inactivity=3_600, keep_turns=10, archive=True)
SHOPPING = SessionPolicy(inactivity=86_400, keep_turns=50, history_ttl=7_200, durability="memory")
POLICIES = [WEATHER, JUNKJET, NEWS, CHAT, SHOPPING]

START = 1_790_000_000_000
KEY = Key("test", "user")


def a_session(*, spoke: int = 0, turns: int = 1) -> Session:
    """Begun at START, its last message ``spoke`` ms later."""
    return Session(KEY, START, START + spoke, turns)


def a_turn(ended: int, session_started: int = START) -> Turn:
    return Turn(f"at{ended}", session_started, ended - 10, 10, (Message("human", "hi"), Message("ai", "hello")))


# policy, last message (ms after the start), turns, when it ends (ms after the start), why
DEADLINES = [
    pytest.param(WEATHER, 0, 1, 900_000, "inactivity", id="weather: nothing said for 15 minutes"),
    pytest.param(WEATHER, 600_000, 5, 1_500_000, "inactivity", id="weather: inactivity counts from the last message"),
    pytest.param(WEATHER, 1_000_000, 5, 1_800_000, "duration", id="weather: 30 minutes are over first"),
    pytest.param(WEATHER, 899_999, 19, 1_799_999, "inactivity", id="weather: inactivity a millisecond before duration"),
    pytest.param(WEATHER, 900_000, 19, 1_800_000, "duration", id="weather: both at once is duration"),
    pytest.param(WEATHER, 900_001, 19, 1_800_000, "duration", id="weather: inactivity a millisecond after duration"),
    pytest.param(JUNKJET, 0, 0, 300_000, "inactivity", id="junkjet: opened and left"),
    pytest.param(JUNKJET, 50_000, 5, 350_000, "inactivity", id="junkjet: five messages"),
    pytest.param(JUNKJET, 50_000, 6, 470_000, "inactivity", id="junkjet: the sixth brings two minutes"),
    pytest.param(JUNKJET, 50_000, 7, 470_000, "inactivity", id="junkjet: the seventh no more"),
    pytest.param(JUNKJET, 86_400_000, 500, 86_820_000, "inactivity", id="junkjet: no end but by inactivity"),
    pytest.param(NEWS, 1_000, 3, 86_401_000, "inactivity", id="news: a day"),
    pytest.param(CHAT, 1_000, 30, 3_601_000, "inactivity", id="chat: an hour"),
    pytest.param(SHOPPING, 0, 0, 86_400_000, "inactivity", id="shopping: a day, whatever its history does"),
]


@pytest.mark.parametrize(("policy", "spoke", "turns", "ends", "why"), DEADLINES)
def test_a_session_ends_at_its_deadline_and_not_before(
    policy: SessionPolicy, spoke: int, turns: int, ends: int, why: str
) -> None:
    session = a_session(spoke=spoke, turns=turns)
    left = None if policy.max_turns is None else policy.max_turns - turns

    assert verdict(policy, session, START + ends - 1) == Verdict(None, START + ends, left)
    assert verdict(policy, session, START + ends) == Verdict(why, START + ends, left)
    assert verdict(policy, session, START + ends + 1) == Verdict(why, START + ends, left)


@pytest.mark.parametrize(("turns", "left"), [(0, 20), (1, 19), (19, 1)])
def test_a_session_may_use_all_of_its_turns(turns: int, left: int) -> None:
    assert verdict(WEATHER, a_session(turns=turns), START).remaining_turns == left


@pytest.mark.parametrize("turns", [20, 21])
@pytest.mark.parametrize("later", [0, 899_999, 1_800_000, 10**9])
def test_a_session_that_used_up_its_turns_ended_with_its_last_one(turns: int, later: int) -> None:
    session = a_session(spoke=60_000, turns=turns)
    assert verdict(WEATHER, session, START + 60_000 + later) == Verdict("conversation_limit", START + 60_000, 0)


def test_one_turn_may_be_all() -> None:
    policy = SessionPolicy(duration=10, max_turns=1)
    assert verdict(policy, a_session(turns=0), START).ended is None
    assert verdict(policy, a_session(turns=1), START).ended == "conversation_limit"


def test_time_before_the_start_ends_nothing() -> None:
    """The clocks of two servers may differ a little."""
    assert verdict(WEATHER, a_session(), START - 5_000).ended is None


# policy, ms after the last message, what is remembered with the session, and after its end
MEMORIES = [
    pytest.param(WEATHER, 10**9, True, False, id="weather: with the session"),
    pytest.param(NEWS, 10**9, True, False, id="news: with the session"),
    pytest.param(JUNKJET, 599_999, True, True, id="junkjet: longer than the session"),
    pytest.param(JUNKJET, 600_000, False, False, id="junkjet: ten minutes, and no more"),
    pytest.param(SHOPPING, 7_199_999, True, True, id="shopping: two hours"),
    pytest.param(SHOPPING, 7_200_000, False, False, id="shopping: forgotten while the session lives"),
    pytest.param(SHOPPING, 7_200_001, False, False, id="shopping: and stays so"),
]


@pytest.mark.parametrize(("policy", "later", "alive", "after"), MEMORIES)
def test_turns_are_remembered_as_long_as_the_policy_says(
    policy: SessionPolicy, later: int, alive: bool, after: bool
) -> None:
    turns = (a_turn(START + 1_000), a_turn(START + 2_000))
    now = START + 2_000 + later
    assert remembered(policy, turns, a_session(spoke=2_000, turns=2), now) == (turns if alive else ())
    assert remembered(policy, turns, None, now) == (turns if after else ())


def test_turns_of_an_earlier_session_are_remembered_only_where_history_outlives_it() -> None:
    earlier, current = a_turn(START - 5_000, START - 9_000), a_turn(START + 1_000)
    session = a_session(spoke=1_000)
    assert remembered(WEATHER, (earlier, current), session, START + 2_000) == (current,)
    assert remembered(JUNKJET, (earlier, current), session, START + 2_000) == (earlier, current)


def test_nothing_said_is_nothing_remembered() -> None:
    for policy in POLICIES:
        assert remembered(policy, (), a_session(), START) == ()
        assert remembered(policy, (), None, START) == ()


def test_history_goes_with_the_session_or_at_a_time_of_its_own() -> None:
    assert history_until(WEATHER, START) is None
    assert history_until(JUNKJET, START) == START + 600_000
    assert history_until(SHOPPING, START + 7) == START + 7_200_007


@pytest.mark.parametrize("policy", POLICIES)
def test_a_verdict_changes_nothing_and_repeats_itself(policy: SessionPolicy) -> None:
    session = a_session(spoke=100, turns=3)
    same = replace(session)
    assert verdict(policy, session, START + 10**9) == verdict(policy, session, START + 10**9)
    assert session == same


NONSENSE: list[Any] = [
    pytest.param({}, "duration, inactivity or both", id="never ends"),
    pytest.param({"max_turns": 20}, "duration, inactivity or both", id="ends by turns only"),
    *(
        pytest.param({"inactivity": 900, name: value}, name, id=f"{name}={value}")
        for name in ("duration", "inactivity", "max_turns", "keep_turns", "max_bytes", "history_ttl", "shown_turns")
        for value in (0, -1, float("nan"), float("inf"))
    ),
    pytest.param({"duration": 900, "extension": Extension(6, 120)}, "extension", id="nothing to extend"),
    pytest.param({"inactivity": 900, "durability": "paper"}, "durability", id="durability=paper"),
]


@pytest.mark.parametrize(("values", "named"), NONSENSE)
def test_a_policy_that_makes_no_sense_is_refused_with_the_name_of_the_value(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError) as caught:
        SessionPolicy(**values)
    assert named in str(caught.value)


@pytest.mark.parametrize(("turns", "seconds"), [(0, 120), (-1, 120), (6, 0), (6, -120), (6, float("nan"))])
def test_an_extension_that_makes_no_sense_is_refused(turns: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Extension(turns, seconds)
