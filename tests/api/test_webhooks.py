"""The end of a session is told to whoever wants to know: each end, signed, once, without a word of what was said."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

import settings
from agent.registry import find
from api import Services, create_app
from api.webhooks import id_of
from memory import EndedSession, open_failover_store, open_store
from memory.stores.failover import FailoverStore
from tests.api.conftest import Client, MakeClient
from tests.app import ROOT, ParleyServer, services_on
from tests.fakes.receiver import SECRET, Receiver
from tests.memory.harness import HandClock, Shift
from tests.processes import wait_until
from tests.servers import RedisServer

WORD = "xylophone-canary-42"
OTHER_SECRET = "whsec_" + "b3RoZXIg" * 6
SESSIONS = next((name for name in ("chat", "news", "shopping") if name in find()), "")
"""An assistant whose sessions are not a user's."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def make(make_client: MakeClient, receiver: Receiver) -> Callable[..., Client]:
    """Makes clients of applications that tell the receiver."""

    def build(**environ: str) -> Client:
        client = make_client(**{"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": SECRET, **environ})
        services_of(client).webhooks.start()
        return client

    return build


def services_of(client: Client) -> Services:
    services: Services = client.application.extensions["parley"]
    return services


def say(client: Client, user: str = "ada", **more: str) -> dict[str, Any]:
    said: dict[str, Any] = client.post("/chat", json={"message": f"hello {WORD}", "userId": user, **more}).json
    return said


def outcomes(client: Client) -> dict[str, float]:
    """What became of the messages of this process."""
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("parley_webhooks_total{")]
    return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines}


# --- the message ----------------------------------------------------------------------------------------------------


def test_an_end_is_told_signed_and_without_a_word_of_what_was_said(
    make: Callable[..., Client], receiver: Receiver
) -> None:
    client = make(CARRY_OVER="summary")
    session_id = say(client)["sessionId"]
    ended = client.post("/sessions/ada/end", json={"reason": "user_requested"}).json["endedSessions"]

    (post,) = receiver.told(1)

    assert ended == 1
    (record,) = client.get("/sessions/ada").json["endedSessions"]
    assert post.event() == {
        "type": "session_ended",
        "timestamp": record["endTime"],
        "data": {
            "assistant": "weather",
            "subject": "ada",
            "userId": "ada",
            "sessionId": session_id,
            "startTime": record["startTime"],
            "endTime": record["endTime"],
            "duration": record["duration"],
            "conversationCount": 1,
            "endReason": "user_requested",
        },
    }
    assert post.headers["content-type"] == "application/json"
    assert WORD.encode() not in post.body
    wait_until(lambda: outcomes(client) == {"delivered": 1.0}, "the count")


def test_what_opens_the_next_session_is_not_told(make: Callable[..., Client], receiver: Receiver) -> None:
    client = make(CARRY_OVER="summary", MAX_CONVERSATIONS_PER_SESSION="1")
    say(client)
    assert WORD in client.get("/sessions/ada").json["endedSessions"][0]["carryOver"]

    (post,) = receiver.told(1)

    assert WORD.encode() not in post.body


def test_another_secret_or_another_body_is_no_signature(make: Callable[..., Client], receiver: Receiver) -> None:
    say(client := make())
    client.post("/sessions/ada/end")
    (post,) = receiver.told(1)
    assert post.event()["type"] == "session_ended"

    with pytest.raises(WebhookVerificationError):
        post.event(OTHER_SECRET)
    post.headers["webhook-id"] = "msg_another"
    with pytest.raises(WebhookVerificationError):
        post.event()


def test_while_the_secret_is_changed_both_open_it(make: Callable[..., Client], receiver: Receiver) -> None:
    say(client := make(WEBHOOK_SECRET=f"{OTHER_SECRET}, {SECRET}"))
    client.post("/sessions/ada/end")

    (post,) = receiver.told(1)

    assert post.event(SECRET) == post.event(OTHER_SECRET)


def test_several_addresses_are_told_and_one_that_hangs_holds_up_no_other(
    make: Callable[..., Client], receiver: Receiver
) -> None:
    with Receiver() as other:
        receiver.hold()
        client = make(WEBHOOK_URL=f"{receiver.url},{other.url}")
        for user in ("ada", "bob"):
            say(client, user)
            client.post(f"/sessions/{user}/end")

        assert [post.data["userId"] for post in other.told(2)] == ["ada", "bob"]
        receiver.release()
        assert [post.data["userId"] for post in receiver.told(2)] == ["ada", "bob"]


@pytest.mark.skipif(not SESSIONS, reason="every assistant that is here is a user's")
def test_a_session_that_is_no_user_s_names_who_opened_it(make: Callable[..., Client], receiver: Receiver) -> None:
    client = make()
    for session, headers in (("mine", {"X-User-Id": "ada"}), ("nobodys", {})):
        said = {"message": "hello", "sessionId": session, "assistant": SESSIONS}
        assert client.post("/chat", json=said, headers=headers).status_code == 200
        services_of(client).engines[SESSIONS].end(session)

    posts = receiver.told(2)

    assert [(post.data["subject"], post.data["userId"]) for post in posts] == [("mine", "ada"), ("nobodys", None)]


def test_a_turn_does_not_wait_for_a_receiver_that_hangs(make: Callable[..., Client], receiver: Receiver) -> None:
    receiver.hold()
    client = make(MAX_CONVERSATIONS_PER_SESSION="1", WEBHOOK_QUEUE="3")
    begun = time.monotonic()

    ended = [say(client, f"user{n}")["session"]["status"] for n in range(10)]

    assert ended == ["ended"] * 10
    assert time.monotonic() - begun < 5.0
    wait_until(lambda: outcomes(client).get("dropped", 0) >= 6, "what does not fit to be counted")
    receiver.release()


# --- every end ------------------------------------------------------------------------------------------------------


def test_every_way_to_end_is_told_once(receiver: Receiver) -> None:
    clock = HandClock()
    store = open_store("memory://", clock=clock)
    environ = {"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": SECRET, "MAX_CONVERSATIONS_PER_SESSION": "2"}
    with services_on(store, "weather", **environ) as services:
        client = create_app(services).test_client()
        services.webhooks.start()
        for user in ("used-up", "used-up", "silent", "comes-back", "asked"):
            say(client, user)
        client.post("/sessions/asked/end")
        clock.at += 901_000
        say(client, "comes-back")
        services.cleaner.run_once()
        services.cleaner.run_once()
        say(client, "until-the-end")
        receiver.told(4)

    told = {(post.data["userId"], post.data["endReason"], post.data["conversationCount"]) for post in receiver.told(6)}
    assert told == {
        ("used-up", "conversation_limit", 2),
        ("silent", "inactivity", 1),
        ("comes-back", "inactivity", 1),
        ("asked", "manual", 1),
        ("comes-back", "shutdown", 1),
        ("until-the-end", "shutdown", 1),
    }
    assert len({post.id for post in receiver.posts}) == len(receiver.posts) == 6


def test_an_end_is_told_by_the_one_instance_that_made_it(receiver: Receiver, redis_url: str) -> None:
    shift = Shift()
    environ = {"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": SECRET}
    with ExitStack() as stack:
        both = [
            stack.enter_context(services_on(open_failover_store(redis_url, shift=shift), "weather", **environ))
            for _ in range(2)
        ]
        for services in both:
            services.webhooks.start()
        clients = [create_app(services).test_client() for services in both]
        for number in range(20):
            say(clients[number % 2], f"user{number}")
        shift.ms += 901_000

        for services in (*both, *both):
            services.cleaner.run_once()

        posts = receiver.told(20)
    assert {post.data["userId"] for post in posts} == {f"user{number}" for number in range(20)}
    assert {post.data["endReason"] for post in posts} == {"inactivity"}
    assert len(receiver.posts) == 20


def test_two_workers_tell_each_end_once(redis_url: str, receiver: Receiver) -> None:
    environ = {
        "REDIS_URL": redis_url,
        "WORKERS": "2",
        "WEBHOOK_URL": receiver.url,
        "WEBHOOK_SECRET": SECRET,
        "MAX_CONVERSATIONS_PER_SESSION": "1",
        "CLEANUP_INTERVAL": "100",
    }
    receiver.will(503)
    with ParleyServer(environ) as server:
        for number in range(8):
            with server.client() as client:  # a connection of its own, so that either worker may take it
                client.post("/chat", json={"message": f"hello {WORD}", "userId": f"user{number}"})
        receiver.told(9)
        with server.client() as client:
            assert 'parley_webhooks_total{outcome="delivered"}' in client.get("/metrics").text

    posts = receiver.posts
    assert len(posts) == 9
    assert len({post.id for post in posts}) == 8
    assert {post.data["userId"] for post in posts} == {f"user{number}" for number in range(8)}
    assert not any(WORD.encode() in post.body for post in posts)
    assert "sesame" not in server.log


# --- an outage ------------------------------------------------------------------------------------------------------


def test_an_end_in_an_outage_is_told_at_once_and_not_again_when_redis_is_back(
    make: Callable[..., Client], receiver: Receiver, own_redis: RedisServer
) -> None:
    client = make(REDIS_URL=own_redis.url())
    say(client)
    own_redis.kill()
    assert say(client)["degraded"]
    client.post("/sessions/ada/end")

    (post,) = receiver.told(1)

    assert post.data["conversationCount"] == 2
    own_redis.restart()
    wait_until(lambda: not services_of(client).store.status().degraded, "Redis to be told")
    services_of(client).webhooks.stop(5.0)
    assert len(receiver.posts) == 1


def test_an_end_that_only_the_journal_remembers_is_told_under_the_same_id(
    make: Callable[..., Client], receiver: Receiver, own_redis: RedisServer
) -> None:
    """The process was killed in the outage, and nobody knows what it told."""
    killed = make(REDIS_URL=own_redis.url())
    say(killed)
    own_redis.kill()
    say(killed)
    killed.post("/sessions/ada/end")
    (first,) = receiver.told(1)
    store = services_of(killed).store
    assert isinstance(store, FailoverStore)
    store.vanish()
    own_redis.restart()

    restarted = make(REDIS_URL=own_redis.url())
    restarted.get("/sessions/ada")

    again = receiver.told(2)[1]
    assert (again.id, again.data) == (first.id, first.data)
    assert len(receiver.posts) == 2


# --- ids and settings -----------------------------------------------------------------------------------------------


def test_an_id_tells_ends_apart_and_nobody_who_it_was() -> None:
    record = EndedSession("ada", 1_000, 2_000, 3, "manual")
    others = [
        EndedSession("bob", 1_000, 2_000, 3, "manual"),
        EndedSession("ada", 1_001, 2_000, 3, "manual"),
        EndedSession("ada", 1_000, 2_001, 3, "manual"),
        EndedSession("ada", 1_000, 2_000, 3, "inactivity"),
    ]
    ids = [id_of("weather", each) for each in (record, *others)] + [id_of("news", record)]
    assert len(set(ids)) == 6
    assert id_of("weather", EndedSession("ada", 1_000, 2_000, 4, "manual")) == ids[0], "as another instance counts"
    assert all("ada" not in each and "." not in each for each in ids)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"WEBHOOK_URL": "ftp://example.org", "WEBHOOK_SECRET": SECRET}, "WEBHOOK_URL must be https or http"),
        ({"WEBHOOK_URL": "https://me:sesame@example.org/", "WEBHOOK_SECRET": SECRET}, "without a user or password"),
        ({"WEBHOOK_URL": "https://example.org/hook"}, "WEBHOOK_URL needs WEBHOOK_SECRET"),
        ({"WEBHOOK_SECRET": "whsec_c2VjcmV0"}, "24 to 64 random bytes"),
        ({"WEBHOOK_SECRET": SECRET.removeprefix("whsec_")}, "must be whsec_"),
        ({"WEBHOOK_SECRET": SECRET + "!"}, "in base64"),
    ],
)
def test_settings_that_make_no_sense_are_told_without_the_secret(environ: dict[str, str], says: str) -> None:
    with pytest.raises(settings.BadSetting, match=says) as told:
        settings.load(environ, dotenv=None)
    assert not any(secret in str(told.value) for secret in ("c2VjcmV0", "sesame"))


def test_the_receiver_of_the_page_takes_it(make: Callable[..., Client], receiver: Receiver) -> None:
    source = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.DOTALL)[0]
    names: dict[str, Any] = {"is_new": lambda id_: id_.startswith("msg_")}
    exec(source.replace("whsec_…", SECRET), names)  # the page's own words
    say(client := make())
    client.post("/sessions/ada/end")
    (post,) = receiver.told(1)

    assert names["receive"](post.headers, post.body) == post.event()


def test_without_an_address_nothing_is_told(make_client: MakeClient) -> None:
    assert services_of(make_client()).webhooks is None
