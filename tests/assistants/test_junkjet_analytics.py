"""The analytics of seed 000 and the log table made of them."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.junkjet.analytics import analytics, remaining_minutes
from assistants.junkjet.table import MOST_ROWS, table
from memory import Key, Session

NOW = 1_700_000_000_000
MINUTE = 60_000


def session(user: str, *, age: float, turns: int, kept: int = 100, **attributes: Any) -> Session:
    return Session(
        key=Key("junkjet", user),
        started=NOW - round(age * MINUTE),
        last_activity=NOW,
        turns=turns,
        attributes=attributes,
        stored_bytes=kept,
    )


def test_the_document_has_the_shape_of_the_seed() -> None:
    plastic: dict[str, Any] = {
        "userType": "phase1",
        "currentIntent": "selling",
        "preferences": {"plastic": 3, "paper": 1},
    }
    copper: dict[str, Any] = {"userType": "phase2", "currentIntent": "buying", "preferences": {"copper": 2}}
    live = [
        (session("user123", age=3.4, turns=7, **plastic), NOW + 90_000),
        (session("user456", age=5, turns=2, **copper), NOW + 5 * MINUTE),
        (session("user789", age=0.5, turns=1, **plastic), NOW + 1),
    ]
    assert analytics(live, NOW, histories=12) == {
        "totalActiveSessions": 3,
        "totalConversationHistories": 12,
        "sessionDetails": [
            {
                "userId": "user123",
                "sessionAge": 3,
                "messageCount": 7,
                "userType": "phase1",
                "currentIntent": "selling",
                "remainingTime": 2,
                "preferences": {"plastic": 3, "paper": 1},
            },
            {
                "userId": "user456",
                "sessionAge": 5,
                "messageCount": 2,
                "userType": "phase2",
                "currentIntent": "buying",
                "remainingTime": 5,
                "preferences": {"copper": 2},
            },
            {
                "userId": "user789",
                "sessionAge": 0,
                "messageCount": 1,
                "userType": "phase1",
                "currentIntent": "selling",
                "remainingTime": 1,
                "preferences": {"plastic": 3, "paper": 1},
            },
        ],
        "summary": {
            "averageSessionLength": 3.0,
            "totalMessages": 10,
            "userTypes": {"phase1": 2, "phase2": 1},
            "topIntents": {"selling": 2, "buying": 1},
        },
    }


def test_without_sessions_everything_is_nought() -> None:
    assert analytics([], NOW) == {
        "totalActiveSessions": 0,
        "totalConversationHistories": 0,
        "sessionDetails": [],
        "summary": {"averageSessionLength": 0.0, "totalMessages": 0, "userTypes": {}, "topIntents": {}},
    }


def test_sessions_that_have_ended_are_left_out() -> None:
    live = [(session("a", age=1, turns=1), NOW), (session("b", age=1, turns=1), NOW + 1)]
    report = analytics(live, NOW)
    assert [each["userId"] for each in report["sessionDetails"]] == ["b"]
    assert report["totalActiveSessions"] == 1


def test_sessions_without_kept_turns_have_no_history() -> None:
    live = [(session("a", age=1, turns=0, kept=0), NOW + 1), (session("b", age=1, turns=1), NOW + 1)]
    assert analytics(live, NOW)["totalConversationHistories"] == 1


def test_a_session_of_which_nothing_is_known_is_a_household_in_general() -> None:
    (only,) = analytics([(session("a", age=1, turns=1), NOW + 1)], NOW)["sessionDetails"]
    assert (only["userType"], only["currentIntent"], only["preferences"]) == ("phase1", "general", {})


def test_the_average_has_one_decimal_and_intents_are_sorted() -> None:
    live = [
        (session("a", age=1, turns=1, currentIntent="buying"), NOW + 1),
        (session("b", age=1.1, turns=1, currentIntent="selling"), NOW + 1),
        (session("c", age=1.3, turns=1, currentIntent="selling"), NOW + 1),
    ]
    summary = analytics(live, NOW)["summary"]
    assert summary["averageSessionLength"] == 1.1
    assert list(summary["topIntents"]) == ["selling", "buying"]


@pytest.mark.parametrize(("left", "minutes"), [(300_000, 5), (240_001, 5), (240_000, 4), (1, 1), (0, 0), (-9, 0)])
def test_remaining_minutes_are_rounded_up(left: int, minutes: int) -> None:
    assert remaining_minutes(NOW + left, NOW) == minutes


def test_the_table_names_users_by_hash_only() -> None:
    live = [
        (session("user123", age=3, turns=2, preferences={"paper": 1, "plastic": 3}), NOW + 90_000),
        (session("user456", age=12, turns=10, userType="phase3"), NOW + MINUTE),
    ]
    lines = table(analytics(live, NOW)["sessionDetails"], lambda user: f"#{len(user)}{user[-1]}")
    assert [[cell.strip() for cell in line.split("|")] for line in (lines[0], *lines[2:])] == [
        ["user", "age min", "messages", "type", "intent", "left min", "preferences"],
        ["#76", "12", "10", "phase3", "general", "1", "-"],
        ["#73", "3", "2", "phase1", "general", "2", "plastic 3, paper 1"],
    ]
    assert set(lines[1]) == {"-", "+"}
    assert len({len(line) for line in lines}) == 1
    assert not any("user1" in line or "user4" in line for line in lines)


def test_the_table_of_nobody_is_one_line() -> None:
    assert table([], str) == ["no active sessions"]


def test_the_table_is_bounded() -> None:
    live = [(session(f"u{number}", age=1, turns=number), NOW + 1) for number in range(MOST_ROWS + 7)]
    lines = table(analytics(live, NOW)["sessionDetails"], str)
    assert len(lines) == MOST_ROWS + 3
    assert lines[-1] == "and 7 more"
    assert f"u{MOST_ROWS + 6}" in lines[2]  # the busiest is there
