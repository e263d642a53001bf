"""Through seed 000 request by request, as a client would: over a real server, and past the ends of sessions."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from flask.testing import FlaskClient

from api.logs import hashed
from tests.app import ParleyServer, application
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.memory.harness import World
from tests.processes import wait_until
from tests.servers import RedisServer

SECOND = 1_000
MINUTE = 60 * SECOND
QUERY = "/chatbot/chatbotquery"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def someone() -> str:
    """A user whom nobody met before: the server is shared by the tests of this page."""
    return f"user-{uuid4().hex[:8]}"


def say(client: httpx.Client, message: str, user: str | None = None, **headers: str) -> dict[str, Any]:
    body = {"message": message} | ({"userId": user} if user else {})
    reply = client.post(QUERY, json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def seconds_ago(time: str) -> float:
    assert TIME.fullmatch(time)
    return (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()


# --- the endpoints, as the seed prints them ---------------------------------------------------------------------------


def test_the_chat_endpoint_answers_as_printed(client: httpx.Client) -> None:
    body = say(client, "Hello, I want to sell plastic")

    assert body["success"] is True
    assert "plastic" in body["message"]
    assert body["data"] == body["message"]
    info = body["sessionInfo"]
    assert re.fullmatch(r"anon-[0-9a-f-]{36}", info["userId"])
    assert (info["messageCount"], info["remainingTime"]) == (1, 5)
    assert body["locationFlag"] is None
    assert "fallback" not in body
    assert (body["degraded"], body["replayed"]) == (False, False)


def test_the_third_message_of_a_user_counts_as_the_third(client: httpx.Client) -> None:
    user = someone()
    counts = [
        say(client, text, user)["sessionInfo"]["messageCount"]
        for text in ("Hello, I want to sell plastic", "About 20 kg", "In Pune")
    ]
    assert counts == [1, 2, 3]


def test_the_conversation_goes_on_where_it_was(client: httpx.Client) -> None:
    user = someone()
    say(client, "I want to sell plastic bottles", user)
    priced = say(client, "about 20 kg", user)["message"]
    placed = say(client, "I live in Pune", user)["message"]

    assert "plastic" in priced
    assert "20 kg" in priced
    assert "Pune" in placed


def test_session_information_is_as_printed(client: httpx.Client) -> None:
    user = someone()
    say(client, "I want to sell plastic bottles and some paper", user)
    say(client, "Are there buyers near me for my plastic?", user)

    reply = client.get(f"/chatbot/session/{user}")

    assert reply.status_code == 200
    body = reply.json()
    assert set(body) == {"success", "userId", "session", "sessionAge", "remainingTime", "isExpired"}
    assert (body["success"], body["userId"], body["sessionAge"]) == (True, user, 0)
    assert (body["remainingTime"], body["isExpired"]) == (5, False)
    session = body["session"]
    assert session["userType"] == "phase1"
    assert session["location"] == "current"
    assert session["preferences"] == {"plastic": 2, "paper": 1}
    assert session["currentIntent"] == "finding_connections"
    assert session["messageCount"] == 2
    assert seconds_ago(session["sessionStart"]) >= seconds_ago(session["lastInteraction"]) >= 0
    assert set(session) == {
        "userType",
        "location",
        "preferences",
        "currentIntent",
        "lastInteraction",
        "sessionStart",
        "messageCount",
    }


def test_clearing_a_session_takes_its_history_along(client: httpx.Client) -> None:
    user = someone()
    say(client, "My name is Asha and I want to sell 8 kg of copper", user)

    cleared = client.delete(f"/chatbot/session/{user}")

    assert cleared.status_code == 200
    assert cleared.json()["success"] is True
    assert isinstance(cleared.json()["message"], str)
    assert client.get(f"/chatbot/session/{user}").status_code == 404
    again = say(client, "what's my name?", user)
    assert again["sessionInfo"]["messageCount"] == 1
    assert "Asha" not in again["message"]


def test_clearing_what_is_not_there_is_fine(client: httpx.Client) -> None:
    cleared = client.delete(f"/chatbot/session/{someone()}")
    assert cleared.status_code == 200
    assert cleared.json()["success"] is True


def test_an_unknown_session_is_not_found_and_not_made_by_looking(client: httpx.Client) -> None:
    user = someone()
    for _ in range(2):
        reply = client.get(f"/chatbot/session/{user}")
        assert reply.status_code == 404
        assert (reply.json()["success"], reply.json()["code"]) == (False, "session_not_found")


def test_analytics_are_as_printed(client: httpx.Client) -> None:
    seller, dealer = someone(), someone()
    say(client, "I want to sell plastic bottles", seller)
    say(client, "and more plastic, and paper", seller)
    say(client, "I'm a scrap dealer and want to buy copper", dealer)

    reply = client.get("/chatbot/sessions/analytics")

    assert reply.status_code == 200
    body = reply.json()
    assert set(body) == {
        "success",
        "totalActiveSessions",
        "totalConversationHistories",
        "sessionDetails",
        "summary",
    }
    details = {each["userId"]: each for each in body["sessionDetails"]}
    assert body["totalActiveSessions"] == len(details)
    assert body["totalConversationHistories"] >= 2
    assert details[seller] == {
        "userId": seller,
        "sessionAge": 0,
        "messageCount": 2,
        "userType": "phase1",
        "currentIntent": "selling",
        "remainingTime": 5,
        "preferences": {"plastic": 2, "paper": 1},
    }
    assert (details[dealer]["userType"], details[dealer]["currentIntent"]) == ("phase2", "buying")
    summary = body["summary"]
    assert set(summary) == {"averageSessionLength", "totalMessages", "userTypes", "topIntents"}
    assert isinstance(summary["averageSessionLength"], float)
    assert summary["totalMessages"] == sum(each["messageCount"] for each in details.values())
    assert sum(summary["userTypes"].values()) == sum(summary["topIntents"].values()) == len(details)


def test_more_than_five_messages_earn_two_minutes(client: httpx.Client) -> None:
    user = someone()
    left = [say(client, "how much is copper?", user)["sessionInfo"]["remainingTime"] for _ in range(7)]
    assert left == [5, 5, 5, 5, 5, 7, 7]
    assert client.get(f"/chatbot/session/{user}").json()["remainingTime"] == 7


def test_long_conversations_are_offered_something_new(client: httpx.Client) -> None:
    user = someone()
    replies = [say(client, "how much is copper?", user)["message"] for _ in range(9)]
    assert "something new" not in replies[7]
    assert "something new" in replies[8]


@pytest.mark.parametrize(
    ("message", "flag"),
    [
        ("Find buyers of plastic near me", "current"),
        ("Are there buyers near my home for paper?", "home"),
        ("Find buyers of plastic in Pune", None),
        ("How much is copper?", None),
    ],
)
def test_the_flag_routes_the_client_to_the_right_search(client: httpx.Client, message: str, flag: str | None) -> None:
    assert say(client, message, someone())["locationFlag"] == flag


def test_a_trailing_slash_is_optional(client: httpx.Client) -> None:
    user = someone()
    assert client.post(f"{QUERY}/", json={"message": "hello", "userId": user}).status_code == 200
    assert client.get(f"/chatbot/session/{user}/").status_code == 200
    assert client.get("/chatbot/sessions/analytics/").status_code == 200
    assert client.delete(f"/chatbot/session/{user}/").status_code == 200


# --- who is asking ----------------------------------------------------------------------------------------------------


def test_anonymous_users_are_known_again_by_their_cookie(server: ParleyServer) -> None:
    with server.client() as one, server.client() as other:
        first = say(one, "my name is Asha")["sessionInfo"]
        second = say(one, "what's my name?")
        stranger = say(other, "what's my name?")

    assert (second["sessionInfo"]["userId"], second["sessionInfo"]["messageCount"]) == (first["userId"], 2)
    assert "Asha" in second["message"]
    assert stranger["sessionInfo"]["userId"] != first["userId"]
    assert "Asha" not in stranger["message"]


def test_the_cookie_is_signed_and_kept_from_scripts(client: httpx.Client) -> None:
    reply = client.post(QUERY, json={"message": "hello"})
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    name, _, value = cookie.partition(";")[0].partition("=")

    forged = f"{value[:-3]}AAA"
    client.cookies.clear()
    again = client.post(QUERY, json={"message": "hello"}, headers={"Cookie": f"{name}={forged}"})

    assert again.json()["sessionInfo"]["userId"] != reply.json()["sessionInfo"]["userId"]


def test_the_body_goes_before_the_header_and_the_header_before_the_cookie(client: httpx.Client) -> None:
    in_body, in_header = someone(), someone()
    cookie = say(client, "hello")["sessionInfo"]["userId"]

    assert say(client, "hello", in_body, **{"X-User-Id": in_header})["sessionInfo"]["userId"] == in_body
    assert say(client, "hello", **{"X-User-Id": in_header})["sessionInfo"]["userId"] == in_header
    assert say(client, "hello")["sessionInfo"]["userId"] == cookie


# --- what can go wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "invalid_request", "message"),
        ({"message": "  "}, 400, "invalid_request", "message"),
        ({"message": 7}, 400, "invalid_request", "message"),
        ({"message": "hello", "userId": "no spaces"}, 400, "invalid_id", None),
        ({"message": "hello", "messageId": "ä"}, 400, "invalid_request", "messageId"),
        ({"message": "x" * 8_001}, 413, "too_large", None),
        ([], 400, "invalid_request", None),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(
    client: httpx.Client, body: object, status: int, code: str, field: str | None
) -> None:
    reply = client.post(QUERY, json=body)
    error = reply.json()
    assert (reply.status_code, error["success"], error["code"]) == (status, False, code)
    assert error["requestId"] == reply.headers["X-Request-Id"]
    assert error.get("details") == ({"field": field} if field else None)


def test_other_methods_and_types_are_refused(client: httpx.Client) -> None:
    assert client.get(QUERY).status_code == 405
    assert client.post(QUERY, content=b"message=hello").status_code == 415
    assert client.get("/chatbot/session/no spaces").json()["code"] == "invalid_id"
    assert client.delete("/chatbot/session/-").json()["code"] == "invalid_id"


def test_a_retry_is_answered_from_what_is_stored(client: httpx.Client) -> None:
    user = someone()
    first = say(client, "buyers of plastic near me", user, **{"Idempotency-Key": "one"})
    by_header = say(client, "buyers of plastic near me", user, **{"Idempotency-Key": "one"})
    body = {"message": "buyers of plastic near me", "userId": user, "messageId": "one"}
    by_body = client.post(QUERY, json=body).json()

    for again in (by_header, by_body):
        assert again["replayed"] is True
        assert {**again, "replayed": False} == first
    assert client.get(f"/chatbot/session/{user}").json()["session"]["preferences"] == {"plastic": 1}
    mismatch = client.post(QUERY, json={**body, "message": "something else"})
    assert (mismatch.status_code, mismatch.json()["code"]) == (422, "idempotency_mismatch")


def test_several_instances_share_a_session(redis_server: RedisServer) -> None:
    user = someone()
    url = redis_server.url()
    with ParleyServer({"REDIS_URL": url}) as first, ParleyServer({"REDIS_URL": url}) as second:
        with first.client() as client:
            say(client, "My name is Asha and I want to sell 8 kg of copper", user)
        with second.client() as client:
            there = say(client, "what's my name?", user)

    assert there["sessionInfo"]["messageCount"] == 2
    assert "Asha" in there["message"]


# --- as time goes by --------------------------------------------------------------------------------------------------


@contextmanager
def at_work(world: World, **env: str) -> Iterator[FlaskClient]:
    with application(world.store, "junkjet", **env) as app:
        yield app.test_client()


def tell(client: FlaskClient, message: str, user: str = "user123", **headers: str) -> dict[str, Any]:
    reply = client.post(QUERY, json={"message": message, "userId": user}, headers=headers)
    assert reply.status_code == 200, reply.text
    return dict(reply.get_json())


def test_a_session_ends_after_five_minutes_of_silence(timed: World) -> None:
    with at_work(timed) as client:
        tell(client, "hello")
        timed.advance(299 * SECOND)
        seen = client.get("/chatbot/session/user123")
        assert (seen.status_code, seen.get_json()["remainingTime"]) == (200, 1)  # and looking did not extend it
        assert seen.get_json()["sessionAge"] == 4
        timed.advance(2 * SECOND)
        assert client.get("/chatbot/session/user123").status_code == 404
        assert client.get("/chatbot/sessions/analytics").get_json()["totalActiveSessions"] == 0


def test_who_comes_back_after_seven_minutes_has_a_new_session_and_is_remembered(timed: World) -> None:
    with at_work(timed) as client:
        tell(client, "I'm Asha and I want to sell 8 kg of copper in Pune")
        timed.advance(7 * MINUTE)
        report = client.get("/chatbot/sessions/analytics").get_json()
        assert (report["totalActiveSessions"], report["totalConversationHistories"]) == (0, 1)

        back = tell(client, "hello")

        assert back["sessionInfo"]["messageCount"] == 1
        assert "Asha" in back["message"]
        timed.advance(11 * MINUTE)
        assert "Asha" not in tell(client, "hello")["message"]


def test_clearing_forgets_a_history_that_outlived_its_session(timed: World) -> None:
    with at_work(timed) as client:
        tell(client, "I'm Asha and I want to sell 8 kg of copper in Pune")
        timed.advance(7 * MINUTE)
        assert client.delete("/chatbot/session/user123").get_json()["message"] == "Session cleared"
        assert "Asha" not in tell(client, "hello")["message"]


def test_busy_users_have_seven_minutes(timed: World) -> None:
    with at_work(timed) as client:
        for _ in range(6):
            tell(client, "how much is copper?")
        timed.advance(419 * SECOND)
        assert client.get("/chatbot/session/user123").status_code == 200
        timed.advance(2 * SECOND)
        assert client.get("/chatbot/session/user123").status_code == 404


def test_the_environment_sets_time_and_history(timed: World) -> None:
    with at_work(timed, SESSION_TIMEOUT="60", MAX_CONVERSATION_HISTORY="4") as client:
        assert tell(client, "my name is Asha")["sessionInfo"]["remainingTime"] == 1
        for _ in range(3):
            tell(client, "how much is copper?")
        history = client.get("/sessions/user123/history").get_json()["history"]
        assert [entry["message"] for entry in history] == ["how much is copper?"] * 2  # four messages
        timed.advance(61 * SECOND)
        assert client.get("/chatbot/session/user123").status_code == 404


def test_details_are_bounded_and_counts_are_of_everyone(timed: World) -> None:
    with application(timed.store, "junkjet") as app:
        engine = app.extensions["parley"].engine("junkjet")
        for number in range(105):
            engine.open(f"user{number}")
        report = app.test_client().get("/chatbot/sessions/analytics").get_json()

    assert report["totalActiveSessions"] == 105
    assert len(report["sessionDetails"]) == 100
    assert report["summary"]["userTypes"] == {"phase1": 105}


def test_every_minute_the_log_has_counts_the_table_and_the_cleanup(
    timed: World, caplog: pytest.LogCaptureFixture
) -> None:
    with application(timed.store, "junkjet") as app:
        (cleaner,) = app.extensions["parley"].cleaners
        client = app.test_client()
        tell(client, "I want to sell plastic", "user-gone")
        timed.advance(301 * SECOND)
        tell(client, "I'm a scrap dealer and want to buy copper", "user-here")
        timed.advance(SECOND)
        with caplog.at_level(logging.INFO, logger="assistants.junkjet"):
            cleaner.run_once()
            timed.advance(301 * SECOND)
            cleaner.run_once()

    assert cleaner.report.interval_ms == 60_000
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("assistants.junkjet")]
    assert lines[0].startswith("1 active sessions with 1 messages, 2 histories; the store uses ")
    assert lines[0].endswith("cleanup ended 1 (inactivity 1)")
    assert [cell.strip() for cell in lines[3].split("|")] == [
        hashed("user-here"),
        "0",
        "1",
        "phase2",
        "buying",
        "5",
        "copper 1",
    ]
    assert lines[4].startswith("0 active sessions with 0 messages")
    assert len(lines) == 5
    assert not any("user-here" in line or "user-gone" in line for line in lines)


# --- models, users and stops ------------------------------------------------------------------------------------------


def model_of(openai_server: OpenAIServer) -> dict[str, str]:
    return {"MODEL": "openai:gpt-4o-mini", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": openai_server.url}


def test_a_failing_model_is_told_by_a_flag_and_a_reply_that_helps(timed: World, openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: Reply(status=400)
    with at_work(timed, **model_of(openai_server)) as client:
        body = tell(client, "I want to sell 5 kg of copper in Pune", **{"Idempotency-Key": "one"})
        again = tell(client, "I want to sell 5 kg of copper in Pune", **{"Idempotency-Key": "one"})

    assert body["fallback"] is True
    assert "copper" in body["message"]
    assert body["sessionInfo"]["messageCount"] == 1
    assert (again["fallback"], again["replayed"]) == (True, True)


def test_the_analytics_do_not_depend_on_the_model(timed: World, openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: "Hm."
    with at_work(timed, **model_of(openai_server)) as client:
        assert tell(client, "Find buyers of my old newspapers near me")["locationFlag"] == "current"
        (detail,) = client.get("/chatbot/sessions/analytics").get_json()["sessionDetails"]

    assert (detail["currentIntent"], detail["preferences"]) == ("finding_connections", {"paper": 1})


@pytest.mark.parametrize(
    ("address", "reply"), [(QUERY, Reply(hang=True)), ("/chat/stream", Reply("one two three " * 500, drip=0.05))]
)
def test_clearing_stops_a_running_turn_and_nothing_of_it_is_stored(
    timed: World, openai_server: OpenAIServer, address: str, reply: Reply
) -> None:
    openai_server.answers = lambda call: reply
    with application(timed.store, "junkjet", **model_of(openai_server)) as app:
        engine, told = app.extensions["parley"].engine("junkjet"), []

        def ask() -> None:
            told.append(app.test_client().post(address, json={"message": "hello", "userId": "user123"}).text)

        asking = threading.Thread(target=ask)
        asking.start()
        wait_until(lambda: bool(openai_server.chats), "the turn", 30)
        client = app.test_client()
        assert client.delete("/chatbot/session/user123").status_code == 200
        asking.join(timeout=30)

        (end,) = told
        assert "session_ended" in end or "turn_stopped" in end
        assert '"success":true' not in end
        assert client.get("/chatbot/session/user123").status_code == 404
        assert engine.history("user123") == ()


def test_with_keys_everyone_has_their_own_sessions_and_administrators_the_analytics(timed: World) -> None:
    keys = {"AUTH": "on", "API_KEYS": "alice=alices-key,*=the-admins-key"}
    alice, admin = {"Authorization": "Bearer alices-key"}, {"Authorization": "Bearer the-admins-key"}
    with at_work(timed, **keys) as client:
        assert client.post(QUERY, json={"message": "hello"}).status_code == 401
        reply = client.post(QUERY, json={"message": "hello"}, headers={**alice, "X-User-Id": "bob"})
        assert reply.get_json()["sessionInfo"]["userId"] == "alice"
        assert client.post(QUERY, json={"message": "hi", "userId": "bob"}, headers=alice).status_code == 403
        for ask in (client.get, client.delete):
            assert ask("/chatbot/session/bob", headers=alice).status_code == 403
        assert client.get("/chatbot/session/alice", headers=alice).status_code == 200
        assert client.get("/chatbot/sessions/analytics", headers=alice).status_code == 403
        report = client.get("/chatbot/sessions/analytics", headers=admin).get_json()
        assert [each["userId"] for each in report["sessionDetails"]] == ["alice"]
        assert client.delete("/chatbot/session/alice", headers=admin).status_code == 200


def test_a_server_that_is_stopping_takes_no_message(timed: World) -> None:
    with application(timed.store, "junkjet") as app:
        app.extensions["parley"].draining.set()
        reply = app.test_client().post(QUERY, json={"message": "hello"})

    assert (reply.status_code, reply.get_json()["code"]) == (503, "shutting_down")
    assert reply.headers["Retry-After"] == "1"
