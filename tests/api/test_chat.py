"""``/chat`` as its contract has it, in memory and on Redis."""

from __future__ import annotations

import re
import threading
from typing import Any

import orjson
import pytest

from tests.api.conftest import Client, MakeClient
from tests.fakes.openai_server import OpenAIServer, Reply

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def chat(client: Client, message: str, user: str | None = "ada", **more: Any) -> dict[str, Any]:
    headers = more.pop("headers", {})
    answer = client.post(
        "/chat", json={"message": message, **({"userId": user} if user else {}), **more}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def events(client: Client, **body: Any) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream, comments left out."""
    answer = client.post("/chat/stream", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/event-stream"
    blocks = [block for block in answer.text.split("\n\n") if block.startswith("event: ")]
    return [(b.split("\n")[0][7:], orjson.loads(b.split("\n")[1][6:])) for b in blocks]


def test_a_reply_has_the_shape_of_the_contract(client: Client) -> None:
    reply = chat(client, "Hello")

    assert reply["success"] is True
    assert reply["response"].startswith("Hello")
    assert (reply["userId"], reply["assistant"]) == ("ada", "weather")
    assert re.fullmatch(r"session:ada:\d{13}", reply["sessionId"])
    assert ISO.fullmatch(reply["timestamp"])
    session = reply["session"]
    assert set(session) == {
        "sessionId", "status", "startTime", "lastActivity", "expiresAt", "remainingSeconds",
        "conversationCount", "remainingConversations", "endReason",
    }  # fmt: skip
    assert session["sessionId"] == reply["sessionId"]
    assert (session["status"], session["endReason"]) == ("active", None)
    assert (session["conversationCount"], session["remainingConversations"]) == (1, 19)
    assert 895 <= session["remainingSeconds"] <= 900
    assert (reply["degraded"], reply["replayed"], reply["history"]) == (False, False, "complete")


def test_the_session_remembers(client: Client) -> None:
    chat(client, "Hello, my name is Ada")

    assert "Ada" in chat(client, "What is my name?")["response"]


def test_the_turn_that_uses_up_a_session_says_so_and_the_next_begins_another(make_client: MakeClient) -> None:
    client = make_client(MAX_CONVERSATIONS_PER_SESSION="2")
    first = chat(client, "Hello")
    last = chat(client, "Hello again")
    after = chat(client, "And again")

    assert last["sessionId"] == first["sessionId"]
    assert (last["session"]["status"], last["session"]["endReason"]) == ("ended", "conversation_limit")
    assert (last["session"]["remainingConversations"], last["session"]["remainingSeconds"]) == (0, 0)
    assert after["sessionId"] != first["sessionId"]
    assert after["session"]["conversationCount"] == 1


def test_a_nameless_user_gets_a_name_and_keeps_it_by_a_signed_cookie(client: Client) -> None:
    answer = client.post("/chat", json={"message": "Hello"})
    name = answer.json["userId"]
    cookie = answer.headers["Set-Cookie"]

    assert re.fullmatch(r"anon-[0-9a-f-]{36}", name)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert chat(client, "Hello again", user=None)["userId"] == name


def test_a_cookie_that_was_tampered_with_is_nobody(client: Client) -> None:
    client.set_cookie("parley_user", '"victim".forged')

    assert chat(client, "Hello", user=None)["userId"].startswith("anon-")


def test_every_assistant_answers_here(client: Client) -> None:
    names = client.get("/system/status").json["assistants"]

    for name in names:
        reply = chat(client, "Hello", assistant=name)
        assert reply["assistant"] == name
        assert reply["response"].strip()


def test_a_stream_tells_the_session_then_tokens_then_the_same_object_as_a_chat(client: Client) -> None:
    told = events(client, message="Hello", userId="ada")

    assert told[0][0] == "session"
    assert told[0][1]["conversationCount"] == 0
    assert {name for name, _ in told[1:-1]} == {"token"}
    name, done = told[-1]
    assert name == "done"
    assert "".join(data["text"] for name, data in told if name == "token") == done["response"]
    assert set(done) >= {"success", "response", "userId", "assistant", "sessionId", "timestamp", "session"}


def test_tools_are_told_in_the_stream(client: Client) -> None:
    told = events(client, message="Weather in London?", userId="ada")

    assert ("tool", {"name": "get_current_weather", "status": "started"}) in told
    assert ("tool", {"name": "get_current_weather", "status": "done"}) in told


def test_what_is_wrong_with_a_request_is_told_before_the_first_event(client: Client) -> None:
    answer = client.post("/chat/stream", json={"message": ""})

    assert (answer.status_code, answer.mimetype) == (400, "application/json")


def test_a_retry_with_the_same_key_is_answered_from_the_store(client: Client) -> None:
    first = chat(client, "Hello", headers={"Idempotency-Key": "k1"})
    again = chat(client, "Hello", messageId="k1")

    assert again["replayed"] is True
    assert (again["response"], again["sessionId"]) == (first["response"], first["sessionId"])
    assert client.get("/sessions/ada/history").json["count"] == 1


def test_the_same_key_with_another_message_is_refused(client: Client) -> None:
    chat(client, "Hello", messageId="k1")

    answer = client.post("/chat", json={"message": "Goodbye", "userId": "ada", "messageId": "k1"})

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_mismatch")


def test_a_replayed_turn_streams_as_it_was(client: Client) -> None:
    first = chat(client, "Hello", messageId="k1")

    told = events(client, message="Hello", userId="ada", messageId="k1")

    assert [name for name, _ in told] == ["session", "token", "done"]
    assert told[-1][1]["replayed"] is True
    assert told[-1][1]["response"] == first["response"]


@pytest.mark.parametrize(
    ("reply", "seconds", "status", "code"),
    [(Reply(status=401), "20", 502, "model_unavailable"), (Reply(hang=True), "0.5", 504, "model_timeout")],
)
def test_a_model_that_fails_is_told_and_nothing_is_kept(
    make_client: MakeClient, openai_server: OpenAIServer, reply: Reply, seconds: str, status: int, code: str
) -> None:
    client = make_client(MODEL="openai:fake", OPENAI_BASE_URL=openai_server.url, MODEL_TIMEOUT=seconds)
    openai_server.answers = lambda call: reply

    answer = client.post("/chat", json={"message": "Hello", "userId": "ada"})

    assert (answer.status_code, answer.json["code"], answer.json["success"]) == (status, code, False)
    assert client.get("/sessions/ada/history").json == {
        "success": True, "userId": "ada", "sessionId": "current", "history": [], "count": 0,
    }  # fmt: skip


def test_a_model_that_fails_in_a_stream_is_its_last_event(model_client: Client, openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: Reply(status=401)

    told = events(model_client, message="Hello", userId="ada")

    assert told[-1][0] == "error"
    assert told[-1][1]["code"] == "model_unavailable"


def test_stop_cuts_the_model_off_and_the_entry_says_interrupted(
    model_client: Client, openai_server: OpenAIServer
) -> None:
    openai_server.will(Reply(text="one two three four five six seven", drip=0.1))
    answers: list[Any] = []
    talking = threading.Thread(
        target=lambda: answers.append(
            model_client.application.test_client().post("/chat/stream", json={"message": "Count", "userId": "ada"}).text
        )
    )
    talking.start()
    while not openai_server.chats:
        talking.join(0.01)
    talking.join(0.3)

    stopped = model_client.post("/chat/stop", json={"userId": "ada"})
    talking.join(10)

    assert stopped.json == {"success": True, "stopped": True}
    assert '"interrupted":true' in answers[0]
    (entry,) = model_client.get("/sessions/ada/history").json["history"]
    assert entry["interrupted"] is True
    assert "seven" not in entry["response"]


def test_stopping_where_nothing_runs_is_no_error(client: Client) -> None:
    assert client.post("/chat/stop", json={"userId": "ada"}).json == {"success": True, "stopped": False}


def test_a_busy_session_is_told_with_when_to_come_back(make_client: MakeClient, openai_server: OpenAIServer) -> None:
    client = make_client(MODEL="openai:fake", OPENAI_BASE_URL=openai_server.url, TURN_WAIT="0.1")
    openai_server.will(Reply(text="slow", think=1.5))
    first = threading.Thread(
        target=lambda: client.application.test_client().post("/chat", json={"message": "one", "userId": "ada"})
    )
    first.start()
    while not openai_server.chats:
        first.join(0.01)

    answer = client.post("/chat", json={"message": "two", "userId": "ada"})
    first.join(10)

    assert (answer.status_code, answer.json["code"]) == (409, "session_busy")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_server_that_stops_refuses_new_turns(make_client: MakeClient) -> None:
    client = make_client()
    client.application.extensions["parley"].draining.set()

    answer = client.post("/chat", json={"message": "Hello", "userId": "ada"})

    assert (answer.status_code, answer.json["code"]) == (503, "shutting_down")
    assert answer.headers["Retry-After"] == "1"
    assert client.get("/ready").status_code == 503
    assert client.get("/health").status_code == 200


def test_a_full_in_memory_store_is_told_and_loses_nothing(make_client: MakeClient) -> None:
    client = make_client(LOCAL_MAX_BYTES="65536")
    told = None
    for number in range(100):
        told = client.post("/chat", json={"message": "x" * 4_000, "userId": f"user{number}"})
        if told.status_code != 200:
            break

    assert told is not None
    assert (told.status_code, told.json["code"]) == (503, "over_capacity")
    assert told.headers["Retry-After"]
    assert client.get("/sessions/user0/history").json["count"] == 1
