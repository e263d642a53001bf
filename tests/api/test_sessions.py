"""``/sessions`` and ``/system`` (seed 003), in memory and on Redis."""

from __future__ import annotations

import re

import pytest
import redis

from tests.api.conftest import Client, MakeClient
from tests.api.test_chat import chat


def test_looking_creates_nothing(client: Client) -> None:
    for path in ("/sessions/ada", "/sessions/ada/history", "/history/ada"):
        assert client.get(path).status_code == 200

    assert client.get("/sessions/ada").json == {
        "success": True, "userId": "ada", "activeSessions": 0, "sessions": [], "endedSessions": [],
    }  # fmt: skip
    assert (
        client.get("/system/memory").json.get("redis", client.get("/system/memory").json.get("inMemory"))[
            "activeSessions"
        ]
        == 0
    )


def test_a_user_s_session_is_listed_and_then_its_end(client: Client) -> None:
    reply = chat(client, "Hello")
    listed = client.get("/sessions/ada").json

    assert listed["activeSessions"] == 1
    assert listed["sessions"][0]["sessionId"] == reply["sessionId"]
    assert listed["sessions"][0]["duration"] >= 0

    ended = client.post("/sessions/ada/end", json={"reason": "user_requested"}).json
    assert (ended["success"], ended["reason"], ended["endedSessions"]) == (True, "user_requested", 1)
    after = client.get("/sessions/ada").json
    assert after["activeSessions"] == 0
    (record,) = after["endedSessions"]
    assert set(record) == {"sessionId", "startTime", "endTime", "duration", "conversationCount", "endReason"}
    assert (record["sessionId"], record["endReason"], record["conversationCount"]) == (
        reply["sessionId"],
        "user_requested",
        1,
    )


def test_ending_needs_no_body_and_says_0_where_there_was_none(client: Client) -> None:
    answer = client.post("/sessions/ada/end")

    assert answer.status_code == 200
    assert (answer.json["reason"], answer.json["endedSessions"]) == ("manual", 0)


@pytest.mark.parametrize("reason", ["", "x" * 65, 5])
def test_a_reason_is_1_to_64_characters(client: Client, reason: object) -> None:
    assert client.post("/sessions/ada/end", json={"reason": reason}).status_code == 400


def test_the_history_is_the_newest_turns_oldest_first(client: Client) -> None:
    replies = [chat(client, f"Hello {number}") for number in range(4)]
    history = client.get("/sessions/ada/history?limit=3").json

    assert (history["count"], history["sessionId"]) == (3, replies[0]["sessionId"])
    assert [entry["message"] for entry in history["history"]] == ["Hello 1", "Hello 2", "Hello 3"]
    assert set(history["history"][0]) == {"timestamp", "message", "response", "sessionId"}


def test_the_history_of_one_session_is_found_by_its_id_and_no_other_is(client: Client) -> None:
    reply = chat(client, "Hello")

    assert client.get(f"/sessions/ada/history/{reply['sessionId']}").json["count"] == 1
    for other in ("session:ada:1732088400000", "session:grace:1", "nonsense"):
        answer = client.get(f"/sessions/ada/history/{other}")
        assert (answer.status_code, answer.json["code"]) == (404, "session_not_found")
    client.post("/sessions/ada/end")
    assert client.get(f"/sessions/ada/history/{reply['sessionId']}").status_code == 404


def test_the_older_history_is_still_served(client: Client) -> None:
    chat(client, "Hello")

    older = client.get("/history/ada").json

    assert set(older) == {"history", "userId"}
    assert older["history"][0]["message"] == "Hello"


def test_assistants_keep_their_sessions_apart(client: Client) -> None:
    chat(client, "Hello", assistant="weather")

    for name in client.get("/system/status").json["assistants"]:
        assert client.get(f"/sessions/ada?assistant={name}").json["activeSessions"] == (name == "weather")
    assert client.get("/sessions/ada?assistant=nobody").status_code == 400


def test_looking_extends_nothing(client: Client) -> None:
    expires = chat(client, "Hello")["session"]["expiresAt"]

    for _ in range(3):
        assert client.get("/sessions/ada").json["sessions"][0]["expiresAt"] == expires
        client.get("/sessions/ada/history")


def test_memory_tells_what_is_used_and_what_bounds_it(client: Client) -> None:
    chat(client, "Hello")
    memory = client.get("/system/memory").json

    used = memory.get("redis") or memory["inMemory"]
    assert used["activeSessions"] == 1
    assert used["activeConversations"] == 1
    assert memory["sessionConfig"] == {
        "SESSION_DURATION": 1800,
        "MAX_CONVERSATIONS_PER_SESSION": 20,
        "INACTIVITY_TIMEOUT": 900,
        "CLEANUP_INTERVAL": 300000,
    }
    assert memory["bound"]["maxBytesPerSession"] == 262_144
    assert set(memory["cleanup"]) == {"lastRun", "nextRun", "intervalMs", "runs", "ended"}
    if "redis" in memory:
        assert used["connected"] is True
        assert re.fullmatch(r"\d+(\.\d)? (B|KB|MB|GB)", used["memoryUsage"])
        assert used["bytesPerSession"] > 100


def test_status_tells_everything_at_a_glance(client: Client) -> None:
    status = client.get("/system/status").json

    assert status["status"] == "operational"
    assert status["system"]["pythonVersion"].startswith("3.")
    assert status["features"]["sessionManagement"] is True
    assert status["model"] == {"provider": "offline", "name": "offline", "fallback": None}
    assert "weather" in status["assistants"]
    assert status["store"]["backend"] in ("memory", "redis")
    assert status["store"]["state"] == "closed"


def test_a_cleanup_can_be_asked_for(client: Client) -> None:
    answer = client.post("/system/cleanup").json

    assert answer["success"] is True
    assert answer["ended"] == {}
    assert client.get("/system/memory").json["cleanup"]["runs"] == 1


def test_the_series_counts_turns_sessions_and_ends_by_the_minute(client: Client) -> None:
    chat(client, "Hello")
    chat(client, "Hello again")
    client.post("/sessions/ada/end")

    series = client.get("/system/series?minutes=2").json["series"]

    assert len(series) == 2
    assert sum(minute["turns"] for minute in series) == 2
    assert sum(minute["sessionsStarted"] for minute in series) == 1
    assert sum(minute["sessionsEnded"].get("manual", 0) for minute in series) == 1
    assert all((minute["p50"] is None) == (minute["turns"] == 0) for minute in series)


@pytest.mark.parametrize("minutes", ["0", "1441", "x"])
def test_the_series_is_of_1_to_1440_minutes(client: Client, minutes: str) -> None:
    assert client.get(f"/system/series?minutes={minutes}").status_code == 400


def test_events_of_a_turn_are_told_to_whoever_listens(client: Client, redis_url: str) -> None:
    feed = client.get("/system/events", buffered=False).response
    assert next(feed) == b": keep-awake\n\n"

    if client.get("/system/status").json["store"]["backend"] == "redis":
        wait_for_a_listener(redis_url)
    chat(client.application.test_client(), "Hello")
    told = b"".join(next(feed) for _ in range(2)).decode()
    client.application.extensions["parley"].draining.set()

    assert "event: session_started" in told
    assert "event: turn_completed" in told
    assert "Hello" not in told


def wait_for_a_listener(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for _ in range(1_000):
            if dict(client.pubsub_numsub("parley:events")).get(b"parley:events"):
                return
    raise AssertionError("nobody listens")


def test_the_three_environments_of_the_seed_start(make_client: MakeClient) -> None:
    for duration, turns, inactivity, interval in (
        (900, 10, 300, 60000),
        (3600, 50, 1800, 300000),
        (600, 5, 180, 30000),
    ):
        client = make_client(
            SESSION_DURATION=str(duration),
            MAX_CONVERSATIONS_PER_SESSION=str(turns),
            INACTIVITY_TIMEOUT=str(inactivity),
            CLEANUP_INTERVAL=str(interval),
        )
        session = chat(client, "Hello")["session"]
        assert session["remainingConversations"] == turns - 1
        assert inactivity - 5 <= session["remainingSeconds"] <= inactivity
