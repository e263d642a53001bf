"""Everything that is held on a user can be seen, and can be erased so that nothing of it is left or comes back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from agent.registry import find
from tests.api.conftest import Client, MakeClient
from tests.app import ParleyServer
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.processes import wait_until
from tests.remains import in_files, in_journals, in_redis, packed_in_redis
from tests.servers import RedisServer

ADA = "ada-canary-7f3a"
BOB = "bob-canary-9c1d"
WORD = "xylophone-canary-42"
"""What Ada says everywhere, and nobody else anywhere."""


HERE = set(find())
"""The assistants that are there."""

CHAT = next((name for name in ("chat", "news", "shopping") if name in HERE), "")
"""One whose sessions are not a user's."""


def speak(client: Any, user: str, word: str) -> list[str]:
    """A turn with every assistant, as ``user``; the ids of the sessions that were opened."""
    opened = []
    for name in sorted(HERE):
        said = {"message": f"hello {word}", "userId": user, "assistant": name}
        if find()[name].subject == "session":
            said["sessionId"] = f"{name}-of-{user}"
            opened.append(said["sessionId"])
        assert client.post("/chat", json=said, headers={"X-User-Id": user}).status_code == 200
    if "shopping" in HERE:
        item = {"name": f"Box of {word}", "price": 5, "category": "music", "sku": "X-1"}
        path = f"/api/v1/shopping/session/shopping-of-{user}/cart/add"
        assert client.post(path, json=item, headers={"X-User-Id": user}).status_code == 200
    return opened


def everything(client: Client, user: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/users/{user}/export").json
    return found


def test_everything_that_was_said_is_in_the_export(client: Client) -> None:
    speak(client, ADA, WORD)
    speak(client, BOB, "trombone")

    export = everything(client, ADA)

    assert export["complete"]
    assert set(export["assistants"]) == HERE
    for name, held in export["assistants"].items():
        assert [WORD in str(each["turns"]) for each in held] == [True], name
    if "shopping" in HERE:
        assert WORD in str(export["assistants"]["shopping"][0]["attributes"]["cart"])
    assert [WORD in str(each["turns"]) for each in export["archive"]] == [True] * ("chat" in HERE)
    assert BOB not in str(export)
    assert "trombone" not in str(export)


def test_ended_sessions_are_in_the_export(client: Client) -> None:
    client.post("/chat", json={"message": "hello", "userId": ADA})
    client.post(f"/sessions/{ADA}/end")

    (held,) = everything(client, ADA)["assistants"]["weather"]

    assert held["session"] is None
    assert [each["endReason"] for each in held["endedSessions"]] == ["manual"]


def test_nothing_is_held_on_somebody_unknown(client: Client) -> None:
    export = everything(client, "stranger")

    assert not any(export["assistants"].values())
    assert export["archive"] == []


def test_the_receipt_says_what_was_erased_and_the_export_is_empty(client: Client) -> None:
    speak(client, ADA, WORD)
    speak(client, BOB, "trombone")

    receipt = client.delete(f"/users/{ADA}").json

    assert receipt["complete"]
    erased = receipt["erased"]
    assert {name: each["sessions"] for name, each in erased["assistants"].items()} == dict.fromkeys(HERE, 1)
    assert all(each["turns"] == 1 for each in erased["assistants"].values())
    assert erased["archive"] == ({"conversations": 1, "messages": 2} if "chat" in HERE else None)
    export = everything(client, ADA)
    assert not any(export["assistants"].values())
    assert export["archive"] == []
    assert all(everything(client, BOB)["assistants"].values())


def test_erasing_twice_is_no_error(client: Client) -> None:
    speak(client, ADA, WORD)
    client.delete(f"/users/{ADA}")

    again = client.delete(f"/users/{ADA}")

    assert again.status_code == 200
    assert not any(sum(each.values()) for each in again.json["erased"]["assistants"].values())


def test_who_was_erased_can_begin_anew(client: Client) -> None:
    client.post("/chat", json={"message": "hello", "userId": ADA})
    client.delete(f"/users/{ADA}")

    reply = client.post("/chat", json={"message": "hello again", "userId": ADA}).json

    assert reply["session"]["conversationCount"] == 1
    assert [entry["message"] for entry in client.get(f"/sessions/{ADA}/history").json["history"]] == ["hello again"]


def test_a_session_that_somebody_else_opened_is_not_theirs(client: Client) -> None:
    """Whatever its id: here Bob chose Ada's name for his."""
    chat = {"message": "hello", "sessionId": ADA, "assistant": CHAT}
    client.post("/chat", json=chat, headers={"X-User-Id": BOB})

    assert everything(client, ADA)["assistants"][CHAT] == []
    client.delete(f"/users/{ADA}")

    assert len(everything(client, BOB)["assistants"][CHAT]) == 1
    assert len(everything(client, BOB)["archive"]) == (CHAT == "chat")


def test_an_anonymous_user_loses_the_cookie_too(client: Client) -> None:
    user = client.post("/chat", json={"message": "hello"}).json["userId"]

    client.delete(f"/users/{user}")

    assert client.post("/chat", json={"message": "hello"}).json["userId"] != user


def test_others_are_none_of_your_business(make_client: MakeClient) -> None:
    client = make_client(AUTH="on", API_KEYS=f"{ADA}=adas-own-key,*=operators-key")
    ada, operator = ({"Authorization": f"Bearer {key}"} for key in ("adas-own-key", "operators-key"))

    assert client.get(f"/users/{ADA}/export", headers=ada).status_code == 200
    assert client.get(f"/users/{BOB}/export", headers=ada).status_code == 403
    assert client.delete(f"/users/{BOB}", headers=ada).status_code == 403
    assert client.delete(f"/users/{BOB}", headers=operator).status_code == 200
    assert client.get(f"/users/{ADA}/export").status_code == 401


@pytest.mark.parametrize("assistant", sorted(HERE & {"weather", "chat"}))
def test_a_running_turn_is_ended_and_not_stored(
    model_client: Client, openai_server: OpenAIServer, assistant: str
) -> None:
    openai_server.will(Reply(WORD + " said at length", think=5.0))
    chat = {"message": f"hello {WORD}", "userId": ADA, "sessionId": "fresh", "assistant": assistant}
    answers: list[Any] = []
    other = model_client.application.test_client()
    talking = threading.Thread(
        target=lambda: answers.append(other.post("/chat", json=chat, headers={"X-User-Id": ADA}))
    )
    talking.start()
    wait_until(lambda: len(openai_server.calls) == 1, "the model's call")

    receipt = model_client.delete(f"/users/{ADA}").json
    talking.join()

    assert receipt["erased"]["runningTurns"] == 1
    assert (answers[0].status_code, answers[0].json["code"]) in [(409, "session_ended"), (409, "turn_stopped")]
    export = everything(model_client, ADA)
    assert not any(export["assistants"].values())
    assert export["archive"] == []


# --- nothing is left ------------------------------------------------------------------------------------------------


def test_no_id_and_no_text_is_left_and_nothing_comes_back_after_a_restart(own_redis: RedisServer) -> None:
    with ParleyServer({"REDIS_URL": own_redis.url()}) as server:
        with server.client() as client:
            canaries = [ADA, WORD, *speak(client, ADA, WORD)]
            speak(client, BOB, "trombone")
            before = list(in_redis(own_redis))
            packed = packed_in_redis(own_redis, ADA)
            assert any(ADA in key for key, _ in before)
            assert sum(WORD in value for key, value in before if key.endswith(":turns'")) == len(HERE)
            assert WORD in in_journals(server.data)
            assert in_files(server.data, packed) != []
            assert in_files(server.data, [WORD]) != [] or "chat" not in HERE

            receipt = client.delete(f"/users/{ADA}").json()

            assert receipt["complete"], receipt
            places = dict.fromkeys(("redis", "memory", "journal", *(["archive"] if "chat" in HERE else [])), "erased")
            assert receipt["where"] == {**places, "otherInstances": "told"}
            assert [(k, w) for k, value in in_redis(own_redis) for w in canaries if w in k or w in value] == []
            assert in_files(server.data, [*canaries, *packed]) == []
            assert not any(each in in_journals(server.data) for each in canaries)
            assert "trombone" in in_journals(server.data)

        server.restart()
        with server.client() as client:
            export = client.get(f"/users/{ADA}/export").json()
            assert not any(export["assistants"].values())
            assert export["archive"] == []
            assert all(client.get(f"/users/{BOB}/export").json()["assistants"].values())
        server.terminate()
        assert [(k, w) for k, value in in_redis(own_redis) for w in canaries if w in k or w in value] == []
        assert in_files(server.data, [*canaries, *packed]) == []
        assert ADA not in server.log
        assert WORD not in server.log


def test_other_instances_forget_at_once(own_redis: RedisServer, make_client: MakeClient, tmp_path: Path) -> None:
    one, two, shared = (tmp_path / name for name in ("one", "two", "shared"))
    shared.mkdir()
    common = {
        "REDIS_URL": own_redis.url(),
        "SECRET_KEY": "the same in all instances",
        "DATABASE_URL": f"sqlite:///{shared / 'archive.db'}",
    }
    asked, other = (make_client(DATA_DIR=str(folder), **common) for folder in (one, two))
    canaries = [ADA, WORD, *speak(other, ADA, WORD)]
    other.post("/chat", json={"message": "hello", "userId": BOB})
    packed = packed_in_redis(own_redis, ADA)
    assert in_files(two, packed) != []

    receipt = asked.delete(f"/users/{ADA}").json

    assert receipt["complete"], receipt
    assert sum(each["turns"] for each in receipt["erased"]["assistants"].values()) == len(HERE)
    wait_until(lambda: in_files(two, [*canaries, *packed]) == [], "the other's journal to be rid of it")
    assert not any(each in in_journals(two) for each in canaries)
    assert in_files(shared, canaries) == []
    own_redis.kill()  # from now on the other one serves from its memory
    again = other.post("/chat", json={"message": "who am I?", "userId": ADA}).json
    assert (again["degraded"], again["session"]["conversationCount"]) == (True, 1)
    known = other.post("/chat", json={"message": "hello", "userId": BOB}).json
    assert (known["degraded"], known["session"]["conversationCount"]) == (True, 2)


def test_an_erasure_without_redis_says_what_is_still_to_be_done(
    own_redis: RedisServer, make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client(REDIS_URL=own_redis.url())
    client.post("/chat", json={"message": f"hello {WORD}", "userId": ADA})
    assert WORD in in_journals(tmp_path)
    own_redis.kill()

    receipt = client.delete(f"/users/{ADA}").json

    assert not receipt["complete"]
    assert [place for place, what in receipt["where"].items() if what == "pending"] == ["redis", "otherInstances"]
    assert WORD not in in_journals(tmp_path)
    own_redis.restart()
    wait_until(lambda: not any(ADA in key + value for key, value in in_redis(own_redis)), "the erasure in Redis")
    assert client.delete(f"/users/{ADA}").json["complete"]


@pytest.mark.skipif("chat" not in HERE, reason="it is the archive's")
def test_a_turn_that_runs_elsewhere_leaves_nothing_in_the_archive(
    own_redis: RedisServer, make_client: MakeClient, openai_server: OpenAIServer, tmp_path: Path
) -> None:
    common = {
        "REDIS_URL": own_redis.url(),
        "SECRET_KEY": "the same in all instances",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'archive.db'}",
        "MODEL": "openai:fake",
        "OPENAI_BASE_URL": openai_server.url,
    }
    asked, other = (make_client(DATA_DIR=str(tmp_path / name), **common) for name in ("one", "two"))
    chat = {"message": f"hello {WORD}", "userId": ADA, "sessionId": "elsewhere", "assistant": "chat"}
    as_ada = {"X-User-Id": ADA}
    assert other.post("/chat", json=chat, headers=as_ada).status_code == 200
    openai_server.will(Reply(WORD, think=1.0))
    answers: list[Any] = []
    talking = threading.Thread(target=lambda: answers.append(other.post("/chat", json=chat, headers=as_ada)))
    talking.start()
    wait_until(lambda: len(openai_server.chats) == 2, "the model's call")

    asked.delete(f"/users/{ADA}")
    talking.join()

    assert (answers[0].status_code, answers[0].json["code"]) == (409, "session_ended")
    assert everything(asked, ADA)["archive"] == []
    services = asked.application.extensions["parley"]
    assert not services.archive.exists("elsewhere")


def test_nothing_comes_back_when_redis_lost_everything(own_redis: RedisServer) -> None:
    """The instance's shadow and journal know Bob, and have forgotten Ada."""
    with ParleyServer({"REDIS_URL": own_redis.url()}) as server, server.client() as client:
        for user in (ADA, BOB):
            client.post("/chat", json={"message": f"hello {WORD}", "userId": user})
        client.delete(f"/users/{ADA}")
        with own_redis.client() as wiped:
            wiped.flushall()

        server.restart()
        with server.client() as again:
            wait_until(lambda: again.get(f"/sessions/{BOB}/history").json()["count"] == 1, "Bob's turn to be back", 30)
            assert again.get(f"/sessions/{ADA}/history").json()["count"] == 0
