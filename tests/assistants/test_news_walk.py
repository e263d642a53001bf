"""Through seed 001 request by request, as a client would: over a real server, and past the ends of sessions."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from werkzeug.test import TestResponse

from tests.app import ParleyServer, application
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.memory.harness import World
from tests.memory.spy import watching
from tests.processes import wait_until

SECOND = 1_000
HOUR = 3_600 * SECOND
SEND = "/api/send-message"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UNKNOWN = "6f1c2a9e-0b5d-4c3e-9f7a-8d2b4e6a1c3f"
"""An id that no session has. Fixed, for it names tests, too."""

LATEST = "What are the latest news?"


def opened(client: httpx.Client, **headers: str) -> str:
    return str(client.post("/api/session/create", headers=headers).json()["sessionId"])


def ask(client: httpx.Client, question: str, session: str | None = None, **headers: str) -> dict[str, Any]:
    sent = headers | ({"session-id": session} if session is not None else {})
    reply = client.post(SEND, json={"question": question}, headers=sent)
    assert reply.status_code == 200, reply.text
    assert reply.headers["session-id"] == reply.json()["sessionID"]
    return dict(reply.json())


def valid(client: httpx.Client, session: str, **headers: str) -> bool:
    reply = client.get(f"/api/session/{session}/validate", headers=headers)
    assert reply.status_code == 200
    assert (reply.json()["success"], reply.json()["sessionId"]) == (True, session)
    assert set(reply.json()) == {"success", "valid", "sessionId"}
    return bool(reply.json()["valid"])


def is_uuid4(text: str) -> bool:
    return str(UUID(text)) == text and UUID(text).version == 4


# --- the endpoints, as the seed prints them ---------------------------------------------------------------------------


def test_a_session_is_created_as_printed(client: httpx.Client) -> None:
    reply = client.post("/api/session/create")

    assert reply.status_code == 200
    body = reply.json()
    assert body == {"success": True, "sessionId": body["sessionId"], "message": "Session created successfully"}
    assert is_uuid4(body["sessionId"])


def test_a_new_session_is_valid_and_empty(client: httpx.Client) -> None:
    session = opened(client)

    assert valid(client, session)
    history = client.get(f"/api/session/{session}/history")
    assert history.status_code == 200
    body = history.json()
    assert set(body) == {"success", "messages", "sessionId", "createdAt", "lastActivity"}
    assert (body["success"], body["messages"], body["sessionId"]) == (True, [], session)
    assert TIME.fullmatch(body["createdAt"])
    assert body["createdAt"] <= body["lastActivity"]


def test_a_message_is_answered_as_printed(client: httpx.Client) -> None:
    session = opened(client)

    body = ask(client, LATEST, session)

    assert body["success"] is True
    assert body["sessionID"] == session
    assert body["reply"].startswith("The latest news")
    assert len(body["sources"]) >= 3
    for source in body["sources"]:
        assert set(source) == {"title", "url", "published", "snippet"}
        assert source["title"] in body["reply"]
    assert (body["degraded"], body["replayed"]) == (False, False)


def test_the_history_has_both_sides_of_the_conversation(client: httpx.Client) -> None:
    session = opened(client)
    first = ask(client, LATEST, session)["reply"]
    second = ask(client, "Tell me more about the first one", session)["reply"]

    body = client.get(f"/api/session/{session}/history").json()

    assert [(each["type"], each["content"]) for each in body["messages"]] == [
        ("user", LATEST),
        ("assistant", first),
        ("user", "Tell me more about the first one"),
        ("assistant", second),
    ]
    times = [each["timestamp"] for each in body["messages"]]
    assert all(TIME.fullmatch(time) for time in times)
    assert [body["createdAt"], *times, body["lastActivity"]] == sorted(
        [body["createdAt"], *times, body["lastActivity"]]
    )
    assert {frozenset(each) for each in body["messages"]} == {frozenset({"type", "content", "timestamp"})}
    assert (datetime.now(UTC) - datetime.fromisoformat(body["lastActivity"])).total_seconds() < 60


def test_the_conversation_keeps_its_context(client: httpx.Client) -> None:
    session = opened(client)
    newest = ask(client, LATEST, session)["sources"][0]
    more = ask(client, "Tell me more about the first one", session)
    assert more["sources"][0]["url"] == newest["url"]


def test_where_nothing_relevant_is_found_the_reply_says_so(client: httpx.Client) -> None:
    body = ask(client, "What did the emperor of Xyzzyland say about quaternions?")
    assert "nothing relevant" in body["reply"]
    assert body["sources"] == []


def test_a_cleared_session_is_gone(client: httpx.Client) -> None:
    session = opened(client)
    ask(client, LATEST, session)

    cleared = client.delete(f"/api/session/{session}")

    assert cleared.status_code == 200
    assert cleared.json() == {"success": True, "message": "Session cleared successfully"}
    assert not valid(client, session)
    assert client.get(f"/api/session/{session}/history").status_code == 404
    assert client.delete(f"/api/session/{session}").status_code == 404
    assert ask(client, LATEST, session)["sessionID"] != session


def test_a_trailing_slash_is_optional(client: httpx.Client) -> None:
    session = client.post("/api/session/create/").json()["sessionId"]
    assert client.get(f"/api/session/{session}/history/").status_code == 200
    assert client.get(f"/api/session/{session}/validate/").status_code == 200
    assert client.post(f"{SEND}/", json={"question": "hello"}).status_code == 200
    assert client.delete(f"/api/session/{session}/").status_code == 200


# --- sessions that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "no spaces", "-", "x" * 129, UNKNOWN, "nobody"])
def test_without_a_session_of_its_own_a_message_gets_a_new_one(client: httpx.Client, header: str | None) -> None:
    body = ask(client, LATEST, header)

    assert is_uuid4(body["sessionID"])
    assert body["sessionID"] != header
    assert valid(client, body["sessionID"])
    assert ask(client, LATEST, body["sessionID"])["sessionID"] == body["sessionID"]


def test_an_id_that_a_client_chose_is_never_adopted(client: httpx.Client) -> None:
    chosen = str(uuid4())
    for _ in range(2):
        assert ask(client, LATEST, chosen)["sessionID"] != chosen
    assert not valid(client, chosen)


@pytest.mark.parametrize("unknown", [UNKNOWN, "nobody"])
def test_unknown_sessions_are_not_found_and_not_made_by_looking(client: httpx.Client, unknown: str) -> None:
    for _ in range(2):
        assert not valid(client, unknown)
        for reply in (client.get(f"/api/session/{unknown}/history"), client.delete(f"/api/session/{unknown}")):
            assert (reply.status_code, reply.json()["code"]) == (404, "session_not_found")
            assert reply.json()["success"] is False


def test_ids_that_could_not_be_any_are_told_so(client: httpx.Client) -> None:
    assert not valid(client, "no spaces")
    for reply in (client.get("/api/session/no spaces/history"), client.delete("/api/session/no spaces")):
        assert (reply.status_code, reply.json()["code"]) == (400, "invalid_id")


def test_sessions_belong_to_whoever_opened_them(client: httpx.Client) -> None:
    ada, bob = {"X-User-Id": "ada"}, {"X-User-Id": "bob"}
    for session in (opened(client, **ada), ask(client, LATEST, **ada)["sessionID"]):
        for other in (bob, {}):
            assert not valid(client, session, **other)
            assert client.get(f"/api/session/{session}/history", headers=other).status_code == 404
            assert client.delete(f"/api/session/{session}", headers=other).status_code == 404
            assert ask(client, LATEST, session, **other)["sessionID"] != session
        assert valid(client, session, **ada)
        assert ask(client, LATEST, session, **ada)["sessionID"] == session


def test_a_session_that_nobody_claimed_is_for_whoever_knows_its_id(client: httpx.Client) -> None:
    session = opened(client)
    assert ask(client, LATEST, session, **{"X-User-Id": "ada"})["sessionID"] == session
    assert valid(client, session)


# --- what can go wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "invalid_request", "question"),
        ({"question": ""}, 400, "invalid_request", "question"),
        ({"question": None}, 400, "invalid_request", "question"),
        ({"question": "hello", "messageId": ""}, 400, "invalid_request", "messageId"),
        ({"question": "x" * 8_001}, 413, "too_large", None),
        ("hello", 400, "invalid_request", None),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(
    client: httpx.Client, body: object, status: int, code: str, field: str | None
) -> None:
    reply = client.post(SEND, json=body)
    error = reply.json()
    assert (reply.status_code, error["success"], error["code"]) == (status, False, code)
    assert error.get("details") == ({"field": field} if field else None)


def test_a_wrong_request_opens_no_session(client: httpx.Client) -> None:
    assert "session-id" not in client.post(SEND, json={}).headers


def test_a_retry_is_answered_from_what_is_stored(client: httpx.Client) -> None:
    session = opened(client)
    first = ask(client, LATEST, session, **{"Idempotency-Key": "one"})
    again = ask(client, LATEST, session, **{"Idempotency-Key": "one"})
    body = {"question": LATEST, "messageId": "one"}
    by_body = client.post(SEND, json=body, headers={"session-id": session}).json()

    assert again == by_body == {**first, "replayed": True}
    assert len(client.get(f"/api/session/{session}/history").json()["messages"]) == 2
    mismatch = client.post(SEND, json={**body, "question": "Who won?"}, headers={"session-id": session})
    assert (mismatch.status_code, mismatch.json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("header", [None, UNKNOWN])
def test_a_retry_finds_the_session_that_was_made_for_it_by_a_unique_key(
    client: httpx.Client, header: str | None
) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = ask(client, LATEST, header, **key)
    again = ask(client, LATEST, header, **key)

    assert again == {**first, "replayed": True}
    assert is_uuid4(first["sessionID"])
    assert ask(client, LATEST, header, **key, **{"X-User-Id": "ada"})["sessionID"] != first["sessionID"]


def test_a_key_that_others_may_use_too_joins_nobody(client: httpx.Client) -> None:
    key = {"Idempotency-Key": "1"}
    first, other = ask(client, LATEST, **key), ask(client, LATEST, **key)
    assert first["sessionID"] != other["sessionID"]
    assert other["replayed"] is False


def test_nothing_of_a_conversation_is_written_to_the_disk(server: ParleyServer, client: httpx.Client) -> None:
    word = f"quokka{uuid4().hex}"
    session = ask(client, f"What is the news of {word}?")["sessionID"]
    files = [path for path in server.folder.rglob("*") if path.is_file()]

    assert files
    for path in files:
        content = path.read_bytes()
        assert word.encode() not in content, path
        assert session.encode() not in content, path


# --- as time goes by --------------------------------------------------------------------------------------------------


def body_of(reply: TestResponse) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    return dict(reply.get_json())


def test_a_session_ends_after_a_day_of_silence(timed: World) -> None:
    with application(timed.store, "news") as app:
        client = app.test_client()
        session = body_of(client.post("/api/session/create"))["sessionId"]
        timed.advance(24 * HOUR - SECOND)
        assert body_of(client.get(f"/api/session/{session}/validate"))["valid"] is True  # which extends nothing
        timed.advance(2 * SECOND)
        assert body_of(client.get(f"/api/session/{session}/validate"))["valid"] is False
        assert client.get(f"/api/session/{session}/history").status_code == 404
        assert client.delete(f"/api/session/{session}").status_code == 404
        after = body_of(client.post(SEND, json={"question": LATEST}, headers={"session-id": session}))
        assert after["sessionID"] != session


@pytest.mark.parametrize("access", ["reading", "asking"])
def test_every_access_makes_a_session_last_another_day(timed: World, access: str) -> None:
    with application(timed.store, "news") as app:
        client = app.test_client()
        session = body_of(client.post(SEND, json={"question": LATEST}))["sessionID"]
        for _ in range(3):
            timed.advance(20 * HOUR)
            if access == "reading":
                body = body_of(client.get(f"/api/session/{session}/history"))
                assert len(body["messages"]) == 2
                assert body["lastActivity"] > body["messages"][-1]["timestamp"]
            else:
                said = body_of(client.post(SEND, json={"question": "hello"}, headers={"session-id": session}))
                assert said["sessionID"] == session
        timed.advance(24 * HOUR + SECOND)
        assert body_of(client.get(f"/api/session/{session}/validate"))["valid"] is False


def test_the_environment_sets_the_time(timed: World) -> None:
    with application(timed.store, "news", SESSION_TTL="60") as app:
        client = app.test_client()
        session = body_of(client.post("/api/session/create"))["sessionId"]
        timed.advance(61 * SECOND)
        assert body_of(client.get(f"/api/session/{session}/validate"))["valid"] is False


@pytest.mark.parametrize("timed", ["redis"], indirect=True)
def test_a_message_costs_two_round_trips(timed: World) -> None:
    with application(timed.store, "news") as app:
        client = app.test_client()
        session = body_of(client.post(SEND, json={"question": "hello"}))["sessionID"]
        with watching(timed.servers) as asked:
            body_of(client.post(SEND, json={"question": "hello"}, headers={"session-id": session}))

    assert asked.commands == ["EVALSHA", "EVALSHA"]


def test_looking_for_what_is_not_there_leaves_nothing_behind(timed: World) -> None:
    with application(timed.store, "news") as app:
        client = app.test_client()
        client.get("/api/session/nobody/history")
        client.get("/api/session/nobody/validate")
        client.delete("/api/session/nobody")
        session = body_of(client.post(SEND, json={"question": "hello"}, headers={"session-id": "nobody"}))["sessionID"]

        assert not [key for key in timed.all_keys() if ":nobody:" in key]
        assert [view.session.key.subject for view in app.extensions["parley"].engine("news").live()] == [session]


# --- models, users and stops ------------------------------------------------------------------------------------------


def test_clearing_a_session_ends_its_running_turn(timed: World, openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: Reply(hang=True)
    model = {"MODEL": "openai:gpt-4o-mini", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": openai_server.url}
    with application(timed.store, "news", **model) as app:
        client, answers = app.test_client(), []
        session = body_of(client.post("/api/session/create"))["sessionId"]

        def send() -> None:
            reply = app.test_client().post(SEND, json={"question": "hello"}, headers={"session-id": session})
            answers.append((reply.status_code, reply.get_json().get("code")))

        asking = threading.Thread(target=send)
        asking.start()
        wait_until(lambda: bool(openai_server.chats), "the turn", 30)
        assert client.delete(f"/api/session/{session}").status_code == 200
        asking.join(timeout=30)

        assert answers in ([(409, "session_ended")], [(409, "turn_stopped")])
        assert body_of(client.get(f"/api/session/{session}/validate"))["valid"] is False


def test_a_failing_model_is_an_error_that_keeps_the_session_as_it_was(
    timed: World, openai_server: OpenAIServer
) -> None:
    openai_server.answers = lambda call: Reply(status=400)
    model = {"MODEL": "openai:gpt-4o-mini", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": openai_server.url}
    with application(timed.store, "news", **model) as app:
        client = app.test_client()
        session = body_of(client.post("/api/session/create"))["sessionId"]
        reply = client.post(SEND, json={"question": "hello"}, headers={"session-id": session})

        assert (reply.status_code, reply.get_json()["code"]) == (502, "model_unavailable")
        assert body_of(client.get(f"/api/session/{session}/history"))["messages"] == []


def test_with_keys_sessions_belong_to_their_users(timed: World) -> None:
    keys = {"AUTH": "on", "API_KEYS": "alice=alices-key,bob=bobs--key,*=the-admins-key"}
    alice, bob, admin = ({"Authorization": f"Bearer {key}"} for key in ("alices-key", "bobs--key", "the-admins-key"))
    with application(timed.store, "news", **keys) as app:
        client = app.test_client()
        assert client.post("/api/session/create").status_code == 401
        session = body_of(client.post("/api/session/create", headers=alice))["sessionId"]
        impostor = {**bob, "X-User-Id": "alice"}
        assert body_of(client.get(f"/api/session/{session}/validate", headers=impostor))["valid"] is False
        assert client.get(f"/api/session/{session}/history", headers=impostor).status_code == 404
        other = client.post(SEND, json={"question": "hello"}, headers={**impostor, "session-id": session})
        assert body_of(other)["sessionID"] != session
        for headers in (alice, admin):
            reply = client.post(SEND, json={"question": "hello"}, headers={**headers, "session-id": session})
            assert body_of(reply)["sessionID"] == session
        assert client.delete(f"/api/session/{session}", headers=impostor).status_code == 404
        assert client.delete(f"/api/session/{session}", headers=admin).status_code == 200


def test_a_server_that_is_stopping_takes_no_message(timed: World) -> None:
    with application(timed.store, "news") as app:
        app.extensions["parley"].draining.set()
        reply = app.test_client().post(SEND, json={"question": "hello"})

    assert (reply.status_code, reply.get_json()["code"]) == (503, "shutting_down")
