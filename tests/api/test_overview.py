"""What the page asks for besides talking: who is there, every live session, and what goes on in all of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, MakeClient, needs

KEYS = {"AUTH": "on", "API_KEYS": "ada=key-of-ada,bob=key-of-bob,*=key-of-the-house"}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def say(client: Client, assistant: str, subject: str, message: str = "Hello", **more: Any) -> Any:
    named = "userId" if assistant in ("weather", "junkjet") else "sessionId"
    return client.post("/chat", json={"assistant": assistant, named: subject, "message": message}, **more)


def test_everyone_is_told_who_can_be_talked_to_and_by_what_rules(client: Client) -> None:
    told = client.get("/assistants").json

    weather = next(each for each in told["assistants"] if each["name"] == "weather")
    assert weather["subject"] == "user"
    assert (weather["policy"]["duration"], weather["policy"]["inactivity"], weather["policy"]["maxTurns"]) == (
        1800,
        900,
        20,
    )
    assert told["model"]["offline"] is True
    assert told["caller"] == {"authentication": False, "user": None, "admin": True}


def test_a_caller_is_told_as_whom_they_are_known(make_client: MakeClient) -> None:
    client = make_client(**KEYS)

    assert client.get("/assistants").status_code == 401
    assert client.get("/assistants", headers=bearer("key-of-ada")).json["caller"]["user"] == "ada"
    assert client.get("/assistants", headers=bearer("key-of-ada")).json["caller"]["admin"] is False
    assert client.get("/assistants", headers=bearer("key-of-the-house")).json["caller"]["admin"] is True


@needs("news")
def test_live_sessions_of_all_assistants_come_in_pages(client: Client) -> None:
    for number in range(3):
        say(client, "weather", f"w{number}")
        say(client, "news", f"n{number}")

    pages = [client.get(f"/system/sessions?limit=2&offset={offset}").json for offset in (0, 2, 4, 6)]

    assert [page["total"] for page in pages] == [6, 6, 6, 6]
    found = [(each["assistant"], each["subject"]) for page in pages for each in page["sessions"]]
    assert sorted(found) == sorted([(a, f"{a[0]}{n}") for a in ("news", "weather") for n in range(3)])
    only = client.get("/system/sessions?assistant=news").json
    assert only["total"] == only["count"] == 3
    assert only["sessions"][0]["conversationCount"] == 1


@needs("junkjet", "shopping")
def test_insights_are_counts_of_the_live_sessions(client: Client) -> None:
    say(client, "junkjet", "ada", "How much is copper?")
    for _ in range(2):
        say(client, "shopping", "s1", "laptops, please")

    told = client.get("/system/insights").json

    assert told["assistants"]["junkjet"] == {"activeSessions": 1, "activeConversations": 1}
    assert told["assistants"]["shopping"] == {"activeSessions": 1, "activeConversations": 2}
    assert told["insights"]["junkjet"]["topIntents"] == {"pricing": 1}
    assert told["insights"]["shopping"]["topTopics"] == [{"word": "laptop", "count": 2}]
    assert told["insights"]["shopping"]["cache"] == {"hits": 1, "misses": 1}


@pytest.mark.parametrize("path", ["/system/sessions", "/system/insights"])
def test_they_are_for_administrators(make_client: MakeClient, path: str) -> None:
    client = make_client(**KEYS)

    assert client.get(path, headers=bearer("key-of-ada")).status_code == 403
    assert client.get(path, headers=bearer("key-of-the-house")).status_code == 200


@needs("junkjet")
def test_a_session_that_is_deleted_is_forgotten_with_its_history(client: Client) -> None:
    say(client, "junkjet", "ada", "How much is copper?")

    gone = client.delete("/sessions/ada?assistant=junkjet").json
    again = client.delete("/sessions/ada?assistant=junkjet").json

    assert gone["deleted"] is True
    assert again["deleted"] is False
    assert client.get("/sessions/ada/history?assistant=junkjet").json["history"] == []


def test_an_archived_conversation_is_deleted_where_its_archive_is(client: Client) -> None:
    assert client.delete("/sessions/c1?assistant=chat").status_code == 400


@needs("news")
def test_each_conversation_of_a_user_has_a_session_id_of_its_own(make_client: MakeClient) -> None:
    client, ada = make_client(**KEYS), bearer("key-of-ada")
    for session in ("first", "second"):
        assert say(client, "news", session, headers=ada).json["sessionId"].startswith(f"session:{session}:")

    assert client.get("/sessions/first/history?assistant=news", headers=ada).json["count"] == 1
    assert client.get("/sessions/first?assistant=news", headers=ada).json["activeSessions"] == 1


@needs("news")
def test_the_session_of_another_is_as_unknown(make_client: MakeClient) -> None:
    client, ada, bob = make_client(**KEYS), bearer("key-of-ada"), bearer("key-of-bob")
    say(client, "news", "first", headers=ada)

    assert say(client, "news", "first", headers=bob).status_code == 404
    assert client.get("/sessions/first?assistant=news", headers=bob).json["activeSessions"] == 0
    assert client.get("/sessions/first/history?assistant=news", headers=bob).json["history"] == []
    assert client.post("/sessions/first/end?assistant=news", headers=bob).json["endedSessions"] == 0
    assert client.delete("/sessions/first?assistant=news", headers=bob).status_code == 404
    stop = {"assistant": "news", "sessionId": "first"}
    assert client.post("/chat/stop", json=stop, headers=bob).json == {"success": True, "stopped": False}
    assert client.get("/sessions/first/history?assistant=news", headers=ada).json["count"] == 1


@needs("news")
def test_sources_stay_with_the_history(client: Client) -> None:
    say(client, "news", "n1", "What is new in science?")

    entry = client.get("/sessions/n1/history?assistant=news").json["history"][0]

    assert entry["data"]["sources"][0]["title"]
