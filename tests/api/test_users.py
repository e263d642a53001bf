"""Everything that is held on a user can be seen, and can be erased so that nothing of it is left or comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from agent.registry import find
from tests.api.conftest import Client, MakeClient
from tests.app import ParleyServer
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.processes import wait_until
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


def all_of(server: RedisServer) -> Iterator[tuple[str, str]]:
    """Every key with all that is in it."""
    with server.client(decode_responses=False) as client:
        for key in client.scan_iter(count=1_000):
            yield repr(key), repr(value_of(client, key))


def value_of(client: redis.Redis, key: bytes) -> Any:
    readers: dict[str, Any] = {
        "hash": client.hgetall,
        "string": client.get,
        "set": client.smembers,
        "list": lambda name: client.lrange(name, 0, -1),
        "zset": lambda name: client.zrange(name, 0, -1),
    }
    kind: Any = client.type(key)
    return readers[kind if isinstance(kind, str) else kind.decode()](key)


def files_with(folder: Path, *words: str) -> list[str]:
    """Files under a folder whose bytes have one of the words."""
    return [
        f"{path.name}: {word}"
        for path in folder.rglob("*")
        if path.is_file()
        for word in words
        if word.encode() in path.read_bytes()
    ]


def test_no_id_and_no_text_is_left_and_nothing_comes_back_after_a_restart(own_redis: RedisServer) -> None:
    with ParleyServer({"REDIS_URL": own_redis.url()}) as server:
        with server.client() as client:
            canaries = [ADA, WORD, *speak(client, ADA, WORD)]
            speak(client, BOB, "trombone")
            before = list(all_of(own_redis))
            assert any(ADA in key for key, _ in before)
            assert any(WORD in value for _, value in before)
            assert files_with(server.data, WORD) != [] or "chat" not in HERE

            receipt = client.delete(f"/users/{ADA}").json()

            assert receipt["complete"], receipt
            assert [(k, w) for k, value in all_of(own_redis) for w in canaries if w in k or w in value] == []
            assert files_with(server.data, *canaries) == []

        server.restart()
        with server.client() as client:
            export = client.get(f"/users/{ADA}/export").json()
            assert not any(export["assistants"].values())
            assert export["archive"] == []
            assert all(client.get(f"/users/{BOB}/export").json()["assistants"].values())
        server.terminate()
        assert [(k, w) for k, value in all_of(own_redis) for w in canaries if w in k or w in value] == []
        assert files_with(server.data, *canaries) == []
        assert ADA not in server.log
        assert WORD not in server.log


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
