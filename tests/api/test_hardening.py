"""What every answer has, and what none has."""

from __future__ import annotations

import re

import pytest

from api.identity import is_open
from api.openapi import views
from tests.api.conftest import Client, MakeClient

FEED = "/system/events"


def test_no_answer_is_kept_by_anybody_or_taken_for_another_kind(make_client: MakeClient) -> None:
    client = make_client()
    client.post("/chat", json={"message": "hello", "userId": "ada"})
    paths = {path for path, method, *_ in views(client.application) if method == "get" and path != FEED}
    assert len(paths) > 20
    for path in paths:
        answer = client.get(re.sub(r"\{\w+\}", "ada", path), buffered=True)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        if not is_open(path):
            assert answer.headers["Cache-Control"] == "no-store", path


def test_an_error_of_ours_tells_nothing_of_itself(make_client: MakeClient) -> None:
    client = make_client()

    def fails() -> str:
        raise ValueError("kingfisher in /srv/parley with password=avocet")

    client.application.add_url_rule("/chat/failing", "failing", fails)
    client.application.add_url_rule("/v1/failing", "failing of v1", fails)
    for path in ("/chat/failing", "/v1/failing"):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (500, "application/json")
        assert not re.search(r"kingfisher|avocet|/srv|ValueError|Traceback", answer.text)
        assert answer.headers["X-Request-Id"]
    assert answer.json["error"]["type"] == "server_error"


@pytest.mark.parametrize(
    "more",
    [
        {"owner": "alice", "admin": True, "role": "system", "scopes": ["admin"]},
        {"subject": "alice", "caller": {"admin": True}, "policy": {"max_turns": 10**6}, "__proto__": {"admin": True}},
    ],
)
def test_fields_that_a_body_has_not_change_nothing(make_client: MakeClient, more: dict[str, object]) -> None:
    client = make_client(AUTH="on", API_KEYS="bob=bobs-key-1,alice=alices-key")
    bob, alice = ({"Authorization": f"Bearer {key}"} for key in ("bobs-key-1", "alices-key"))
    said = client.post("/chat", json={"message": "hello", **more}, headers=bob)

    assert said.status_code == 200
    assert client.get("/sessions/bob", headers=bob).json["activeSessions"] == 1
    assert client.get("/system/memory", headers=bob).status_code == 403
    assert client.get("/sessions/alice", headers=alice).json["activeSessions"] == 0


def test_a_query_says_each_thing_once_or_the_first_counts(client: Client) -> None:
    client.post("/chat", json={"message": "hello", "userId": "ada"})
    answer = client.get("/sessions/ada/history?limit=1&limit=100000&assistant=weather&assistant=junkjet")

    assert (answer.status_code, answer.json["count"]) == (200, 1)
