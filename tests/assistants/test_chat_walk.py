"""Seed 002, request by request: the chat with its archive, in memory and on Redis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from memory import open_store
from tests.app import application

HOUR_MS = 3_600_000


@pytest.fixture
def moved() -> list[int]:
    return [0]


@pytest.fixture(params=["memory", "redis"])
def client(request: pytest.FixtureRequest, moved: list[int]) -> Iterator[Any]:
    from memory.clock import now_ms

    if request.param == "memory":
        store = open_store("memory://", clock=lambda: now_ms() + moved[0])
    else:
        store = open_store(request.getfixturevalue("redis_url"), shift=lambda: moved[0])
    with application(store, "chat") as app:
        yield app.test_client()


def say(client: Any, prompt: str, session_id: str | None = None, **more: Any) -> dict[str, Any]:
    headers = more.pop("headers", {})
    body = {"prompt": prompt, **({"session_id": session_id} if session_id else {}), **more}
    answer = client.post("/api/generate/", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def history(client: Any, session_id: str, **more: Any) -> list[dict[str, str]]:
    answer = client.post("/api/get_history/", json={"session_id": session_id, **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json["history"])


def test_a_chat_begins_and_continues(client: Any) -> None:
    first = say(client, "Hello, my name is Ada and this is a rather long first message")
    assert UUID(first["session_id"]).version == 4
    assert first["chat_name"] == "Hello, my name is Ada and this is a rath"
    assert first["message_count"] == 2

    second = say(client, "What is my name?", first["session_id"])
    assert "Ada" in second["response"]
    assert (second["session_id"], second["chat_name"], second["message_count"]) == (
        first["session_id"],
        first["chat_name"],
        4,
    )


def test_the_client_may_bring_the_id_and_say_message_for_prompt(client: Any) -> None:
    mine = str(uuid4())

    answer = client.post("/api/generate/", json={"message": "Hello", "session_id": mine})

    assert answer.json["session_id"] == mine


def test_the_history_is_oldest_first_and_paged(client: Any) -> None:
    session = say(client, "one")["session_id"]
    for word in ("two", "three"):
        say(client, word, session)

    everything = history(client, session)
    assert [e["sender"] for e in everything] == ["Human", "AI"] * 3
    assert [e["content"] for e in everything[::2]] == ["one", "two", "three"]
    assert all(re.fullmatch(r"\d{4}-.*\.\d{3}Z", e["timestamp"]) for e in everything)
    newest = history(client, session, limit=2)
    assert newest == everything[-2:]
    assert history(client, session, limit=2, before=newest[0]["timestamp"]) == everything[2:4]


def test_unknown_sessions_are_not_found(client: Any) -> None:
    for method, path, body in (
        ("post", "/api/get_history/", {"session_id": "nobody"}),
        ("post", "/api/clear_history/", {"session_id": "nobody"}),
        ("delete", "/api/sessions/nobody", None),
        ("patch", "/api/sessions/nobody", {"chat_name": "x"}),
        ("get", "/api/sessions/nobody/export", None),
    ):
        answer = getattr(client, method)(path, json=body) if body else getattr(client, method)(path)
        assert (answer.status_code, answer.json["code"]) == (404, "session_not_found"), path


def test_clearing_keeps_the_row_and_forgets_the_words(client: Any) -> None:
    session = say(client, "My name is Ada")["session_id"]

    cleared = client.post("/api/clear_history/", json={"session_id": session}).json

    assert (cleared["success"], cleared["deleted"]) == (True, 2)
    assert history(client, session) == []
    (row,) = client.get("/api/session_names/").json["sessions"]
    assert (row["session_id"], row["message_count"]) == (session, 0)
    assert "Ada" not in say(client, "What is my name?", session)["response"]


def test_names_are_listed_searched_and_tagged(client: Any) -> None:
    trip = say(client, "Plan a weekend in Rome")["session_id"]
    other = say(client, "What is 2 + 2?")["session_id"]

    listed = client.get("/api/session_names/").json
    assert [row["session_id"] for row in listed["sessions"]] == [other, trip]
    assert listed["total"] == 2
    assert set(listed["sessions"][0]) >= {"session_id", "chat_name", "created_at", "last_activity", "message_count"}
    found = client.get("/api/session_names/?q=rom").json
    assert [row["session_id"] for row in found["sessions"]] == [trip]
    page = client.get("/api/session_names/?limit=1&offset=1").json
    assert ([row["session_id"] for row in page["sessions"]], page["total"]) == ([trip], 2)

    changed = client.patch(f"/api/sessions/{trip}", json={"chat_name": "Rome!", "tags": ["Travel"]}).json
    assert (changed["session"]["chat_name"], changed["session"]["tags"]) == ("Rome!", ["travel"])
    tagged = client.get("/api/session_names/?tag=travel").json
    assert [row["session_id"] for row in tagged["sessions"]] == [trip]
    assert client.get("/api/tags").json["tags"] == [{"tag": "travel", "sessions": 1}]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "offset=-1", "offset=1000001", "limit=x"])
def test_pages_have_bounds(client: Any, query: str) -> None:
    assert client.get(f"/api/session_names/?{query}").status_code == 400


@pytest.mark.parametrize("q", ['"', "a AND", "%", "'; DROP TABLE chat_sessions; --", "*", "\u0000", "x" * 5_000])
def test_any_search_is_safe(client: Any, q: str) -> None:
    say(client, "Hello")

    assert client.get("/api/session_names/", query_string={"q": q}).status_code == 200


def test_deleting_takes_it_from_memory_and_database(client: Any) -> None:
    session = say(client, "Hello")["session_id"]
    assert client.get("/api/sessions/").json == {"active_sessions": 1, "sessions": [session]}

    assert client.delete(f"/api/sessions/{session}").json["success"] is True

    assert client.get("/api/sessions/").json == {"active_sessions": 0, "sessions": []}
    assert client.get("/api/session_names/").json["total"] == 0
    assert client.delete(f"/api/sessions/{session}").status_code == 404


def test_out_of_memory_after_an_hour_and_back_with_the_next_message(client: Any, moved: list[int]) -> None:
    session = say(client, "My name is Ada")["session_id"]
    moved[0] += HOUR_MS + 1_000

    assert client.get("/api/sessions/").json["active_sessions"] == 0
    assert len(history(client, session)) == 2
    assert "Ada" in say(client, "What is my name?", session)["response"]
    assert client.get("/api/sessions/").json["active_sessions"] == 1


def test_the_window_is_as_long_as_is_asked_for(client: Any) -> None:
    session = say(client, "My name is Ada")["session_id"]

    assert "Ada" not in say(client, "What is my name?", session, max_history=0)["response"]
    assert "Ada" in say(client, "What is my name?", session, max_history=50)["response"]
    for wrong in (-1, 51, "ten"):
        answer = client.post("/api/generate/", json={"prompt": "x", "max_history": wrong})
        assert answer.status_code == 400


def test_statistics_count_sessions_and_messages(client: Any) -> None:
    say(client, "Hello")
    stats = client.get("/api/session_stats/").json

    assert (stats["total_sessions"], stats["total_messages"], stats["recent_sessions"]) == (1, 2, 1)
    assert sum(hour["messages"] for hour in stats["activity"]) == 2
    assert len(stats["activity"]) >= 24


def test_clean_up_deletes_what_is_old_and_tells_before_how_many(client: Any, moved: list[int]) -> None:
    say(client, "Hello")
    moved[0] += 31 * 24 * HOUR_MS
    young = say(client, "Hello")["session_id"]  # the archive has the store's times

    assert client.get("/api/cleanup_sessions/?days_old=30").json == {"sessions": 1, "days_old": 30}
    assert client.post("/api/cleanup_sessions/").json == {"deleted_sessions": 1, "days_old": 30}
    assert [row["session_id"] for row in client.get("/api/session_names/").json["sessions"]] == [young]
    assert client.post("/api/cleanup_sessions/", json={"days_old": 36_501}).status_code == 400


def test_an_export_comes_back_in_unchanged(client: Any) -> None:
    session = say(client, "Hello, Ada — 😀")["session_id"]
    exported = client.get(f"/api/sessions/{session}/export").data
    assert client.post("/api/sessions/import", data=exported).json["code"] == "session_exists"
    client.delete(f"/api/sessions/{session}")

    imported = client.post("/api/sessions/import", data=exported)

    assert (imported.status_code, imported.json["session_id"]) == (200, session)
    assert client.get(f"/api/sessions/{session}/export?format=json").data == exported
    assert "Hello, Ada" in client.get(f"/api/sessions/{session}/export?format=md").text
    pdf = client.get(f"/api/sessions/{session}/export?format=pdf")
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    assert client.get(f"/api/sessions/{session}/export?format=exe").status_code == 400
    assert client.post("/api/sessions/import", data=b"{}").status_code == 400
    assert client.post("/api/sessions/import", data=b"\xff" * 70_000).status_code == 400


def test_a_retry_is_answered_from_what_is_stored_even_from_the_archive(client: Any, moved: list[int]) -> None:
    session = str(uuid4())
    first = say(client, "Hello", session, messageId="k1")
    assert say(client, "Hello", session, messageId="k1")["replayed"] is True
    moved[0] += HOUR_MS + 1_000

    again = say(client, "Hello", session, headers={"Idempotency-Key": "k1"})

    assert (again["replayed"], again["response"]) == (True, first["response"])
    assert len(history(client, session)) == 2


def test_a_session_is_its_owner_s_in_memory_and_in_the_archive(client: Any, moved: list[int]) -> None:
    ada, grace = {"X-User-Id": "ada"}, {"X-User-Id": "grace"}
    session = say(client, "Hello", headers=ada)["session_id"]
    for _ in range(2):
        for method, path, body in (
            ("post", "/api/generate/", {"prompt": "Hello", "session_id": session}),
            ("post", "/api/get_history/", {"session_id": session}),
            ("post", "/api/clear_history/", {"session_id": session}),
            ("patch", f"/api/sessions/{session}", {"chat_name": "mine"}),
            ("delete", f"/api/sessions/{session}", {}),
            ("get", f"/api/sessions/{session}/export", None),
        ):
            answer = client.open(path, method=method.upper(), json=body, headers=grace)
            assert (answer.status_code, answer.json["code"]) == (404, "session_not_found"), path
        assert client.get("/api/session_names/", headers=grace).json["total"] == 0
        moved[0] += HOUR_MS + 1_000
    assert client.get("/api/session_names/", headers=ada).json["total"] == 1


def test_templates_and_health(client: Any) -> None:
    templates = client.get("/api/templates").json["templates"]

    assert len(templates) > 10
    assert set(templates[0]) == {"id", "title", "description", "category", "tags", "prompt"}
    assert client.get("/api/health").json == {"status": "healthy", "database": "ok", "store": "closed"}
