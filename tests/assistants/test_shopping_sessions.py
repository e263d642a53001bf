"""Whose a shopping session is, when it ends, and what it keeps until then."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import httpx
import pytest

from tests.app import ParleyServer
from tests.assistants.shopping_client import (
    EMPTY,
    HOUR,
    IPHONE,
    MINUTE,
    QUESTION,
    REQUESTS,
    SECOND,
    add,
    ask,
    at_work,
    call,
    error_of,
    look,
    of,
    quantities,
    request,
    seen,
    someone,
    tell,
)
from tests.memory.harness import World
from tests.memory.spy import watching

# --- whose session it is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened_by", ["query", "preferences", "cart/add"])
def test_a_session_belongs_to_whoever_opened_it(client: httpx.Client, opened_by: str) -> None:
    session, alice = someone(), {"X-User-Id": "alice"}
    opening = next(each for each in REQUESTS if each[1] == opened_by)
    assert request(client, *opening, session, alice).status_code == 200
    add(client, session, **alice)
    before = look(client, session, "info", **alice)

    for headers in ({"X-User-Id": "bob"}, {}):
        for method, what, body in REQUESTS:
            error_of(request(client, method, what, body, session, headers), 404, "session_not_found")

    assert look(client, session, "info", **alice) == before
    for method, what, body in REQUESTS[:-3]:
        assert request(client, method, what, body, session, alice).status_code == 200


def test_a_foreign_session_looks_like_one_that_never_was(client: httpx.Client) -> None:
    foreign, nobody = someone(), someone()
    add(client, foreign, **{"X-User-Id": "alice"})

    for what in ("info", "conversation", "preferences", "cart"):
        told = [client.get(of(session, what), headers={"X-User-Id": "bob"}).json() for session in (foreign, nobody)]
        for each in told:
            del each["requestId"]
        assert told[0] == told[1]


def test_a_session_of_nobody_is_for_whoever_knows_its_id(client: httpx.Client) -> None:
    session = someone()
    ask(client, "hello", session)
    assert ask(client, "hello", session, **{"X-User-Id": "alice"})["conversation_count"] == 2
    assert ask(client, "hello", session)["conversation_count"] == 3


def test_with_keys_sessions_belong_to_their_users(timed: World) -> None:
    keys = {"AUTH": "on", "API_KEYS": "alice=alices-key,bob=bobs--key,*=the-admins-key"}
    alice, bob, admin = ({"Authorization": f"Bearer {key}"} for key in ("alices-key", "bobs--key", "the-admins-key"))
    with at_work(timed, **keys) as client:
        for method, what, body in REQUESTS:
            assert call(client, method, what, body)[0] == 401
        assert call(client, "POST", "cart/add", IPHONE, **alice)[0] == 200
        for method, what, body in REQUESTS:
            assert call(client, method, what, body, **bob, **{"X-User-Id": "alice"})[0] == 404
        for headers in (alice, admin):
            status, body = call(client, "GET", "cart", **headers)
            assert (status, quantities(body["data"])) == (200, {"IPH15PRO-256": 1})


# --- as time goes by --------------------------------------------------------------------------------------------------


def test_the_session_of_the_seed_lasted_an_hour_and_a_quarter(timed: World) -> None:
    with at_work(timed) as client:
        tell(client, QUESTION)
        timed.advance(75 * MINUTE)
        tell(client, "Which one has the best camera?")
        info = seen(client, "info")
    begun, last = (datetime.fromisoformat(info["session_info"][name]) for name in ("created_at", "last_active"))
    assert round((last - begun).total_seconds() / 60) == 75
    assert info["analytics"]["session_duration"] == "1h 15m"


def test_a_session_ends_after_a_day_of_silence(timed: World) -> None:
    with at_work(timed) as client:
        tell(client, "My name is Sam")
        call(client, "POST", "cart/add", IPHONE)
        timed.advance(24 * HOUR - SECOND)
        assert quantities(seen(client, "cart")) == {"IPH15PRO-256": 1}
        timed.advance(2 * SECOND)
        for method, what, body in REQUESTS:
            if method != "POST" or what == "cart/checkout":
                assert call(client, method, what, body)[0] == 404
        assert tell(client, "what's my name?")["conversation_count"] == 1
        assert seen(client, "cart") == EMPTY


@pytest.mark.parametrize("opening", ["preferences", "cart/add"])
def test_what_ended_is_opened_anew(timed: World, opening: str) -> None:
    with at_work(timed) as client:
        for number in range(2):
            body = {**IPHONE, "sku": f"SKU-{number}"} if opening == "cart/add" else {"device_type": f"phone {number}"}
            assert call(client, "POST", opening, body)[0] == 200
            info = seen(client, "info")["session_info"]
            assert info["conversation_count"] == 0
            if opening == "cart/add":
                assert [item["sku"] for item in info["shopping_cart"]] == [f"SKU-{number}"]
            else:
                assert info["preferences"] == body
            timed.advance(24 * HOUR + SECOND)


def test_talking_keeps_a_session_and_looking_does_not(timed: World) -> None:
    with at_work(timed) as client:
        tell(client, "hello")
        for _ in range(3):
            timed.advance(20 * HOUR)
            tell(client, "hello")
        before = seen(client, "info")["session_info"]["last_active"]
        timed.advance(20 * HOUR)
        for what in ("info", "conversation", "preferences", "cart"):
            seen(client, what)
        assert seen(client, "info")["session_info"]["last_active"] == before
        timed.advance(4 * HOUR + SECOND)
        assert call(client, "GET", "info")[0] == 404


def test_the_talk_is_forgotten_after_two_hours_and_the_rest_is_not(timed: World) -> None:
    with at_work(timed) as client:
        tell(client, "My name is Sam. I prefer Sony")
        tell(client, QUESTION)
        call(client, "POST", "cart/add", IPHONE)
        timed.advance(2 * HOUR - 10 * SECOND)
        assert seen(client, "conversation")["count"] == 4
        timed.advance(20 * SECOND)

        assert seen(client, "conversation") == {"session_id": "s1", "conversation": [], "count": 0}
        info = seen(client, "info")
        assert info["session_info"]["conversation_count"] == 2
        assert info["session_info"]["preferences"] == {"preferred_brands": ["Sony"]}
        assert quantities(seen(client, "cart")) == {"IPH15PRO-256": 1}
        assert info["analytics"]["user_message_count"] == info["analytics"]["assistant_message_count"] == 0
        assert info["analytics"]["top_topics"] == []
        again = tell(client, QUESTION)
        assert (again["cached"], again["conversation_count"]) == (False, 3)
        assert tell(client, "what's my name?")["answer"] == "Your name is Sam."
        assert seen(client, "conversation")["count"] == 4


def test_the_newest_fifty_turns_are_kept_and_all_are_counted(timed: World) -> None:
    with at_work(timed) as client:
        for number in range(53):
            tell(client, f"hello {number}")
        messages = seen(client, "conversation?limit=100")["conversation"]
        info = seen(client, "info")
    assert (len(messages), messages[0]["content"]) == (100, "hello 3")
    assert info["session_info"]["conversation_count"] == 53
    assert info["analytics"]["user_message_count"] == 50


def test_what_was_said_before_a_session_was_opened_is_not_its_own(timed: World) -> None:
    with at_work(timed) as client:
        alice, bob = {"X-User-Id": "alice"}, {"X-User-Id": "bob"}
        tell(client, "My name is Alice", **alice)
        tell(client, "I am looking for a birthday present for Bob", **alice)
        assert client.post("/sessions/s1/end?assistant=shopping", headers=alice).status_code == 200
        timed.advance(SECOND)

        assert tell(client, "what's my name?", **bob)["answer"].startswith("You have not told me your name")
        said = seen(client, "conversation", **bob)
        assert said["conversation"][0]["content"] == "what's my name?"
        assert seen(client, "info", **bob)["analytics"]["user_message_count"] == 1


@pytest.mark.parametrize("timed", ["redis"], indirect=True)
def test_a_query_costs_two_round_trips(timed: World) -> None:
    with at_work(timed) as client:
        tell(client, "hello")
        with watching(timed.servers) as asked:
            tell(client, QUESTION)

    assert asked.commands == ["EVALSHA", "EVALSHA"]


def test_nothing_of_a_session_is_written_to_the_disk(server: ParleyServer, client: httpx.Client) -> None:
    word, session = f"quokka{uuid4().hex}", someone()
    ask(client, f"Do you sell {word}?", session)
    add(client, session, {**IPHONE, "sku": word})
    files = [path for path in server.folder.rglob("*") if path.is_file()]

    assert files
    for path in files:
        content = path.read_bytes()
        assert word.encode() not in content, path
        assert session.encode() not in content, path
