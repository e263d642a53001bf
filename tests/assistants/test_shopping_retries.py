"""Requests that come twice, and many that come at once, to one instance and to two."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.app import ParleyServer
from tests.assistants.shopping_client import (
    IPHONE,
    QUERY,
    QUESTION,
    STREAM,
    add,
    ask,
    data_of,
    error_of,
    events_of,
    is_uuid4,
    look,
    of,
    quantities,
    someone,
)
from tests.servers import RedisServer

# --- retries ----------------------------------------------------------------------------------------------------------


def test_a_retried_query_is_given_the_same_answer(client: httpx.Client) -> None:
    session, key = someone(), {"Idempotency-Key": "one"}
    body = {"q": QUESTION, "sessionId": session}
    first = client.post(QUERY, json=body, headers=key).json()
    ask(client, "hello", session)

    by_header = client.post(QUERY, json=body, headers=key).json()
    by_body = client.post(QUERY, json={**body, "messageId": "one"}).json()
    streamed = events_of(client.post(STREAM, json=body, headers=key))[-1][1]

    for again in (by_header, by_body, streamed):
        assert again == {**first, "replayed": True}
    assert look(client, session, "conversation")["count"] == 4
    error_of(client.post(QUERY, json={**body, "q": "another"}, headers=key), 422, "idempotency_mismatch")


def test_a_retried_first_query_finds_the_session_that_was_opened_for_it(client: httpx.Client) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = client.post(QUERY, json={"q": QUESTION}, headers=key).json()
    again = client.post(QUERY, json={"q": QUESTION}, headers=key).json()

    assert is_uuid4(first["data"]["session_id"])
    assert again == {**first, "replayed": True}
    stranger = client.post(QUERY, json={"q": QUESTION}, headers={**key, "X-User-Id": "bob"}).json()
    assert stranger["data"]["session_id"] != first["data"]["session_id"]


def test_a_key_that_others_may_use_too_joins_nobody(client: httpx.Client) -> None:
    first, other = (ask(client, QUESTION, **{"Idempotency-Key": "1"}) for _ in range(2))
    assert first["session_id"] != other["session_id"]


def test_a_retried_change_of_the_cart_is_made_once(client: httpx.Client) -> None:
    session = someone()
    path, key = of(session, "cart/add"), {"Idempotency-Key": "add-1"}
    first = data_of(client.post(path, json=IPHONE, headers=key))
    assert data_of(client.post(path, json=IPHONE, headers=key)) == first
    assert data_of(client.post(path, json={**IPHONE, "messageId": "add-1"})) == first
    assert quantities(first) == {"IPH15PRO-256": 1}

    add(client, session, {**IPHONE, "sku": "CASE-1"})
    removal = {"Idempotency-Key": "remove-1"}
    for _ in range(2):
        left = data_of(client.delete(of(session, "cart/items/CASE-1"), headers=removal))
        assert quantities(left) == {"IPH15PRO-256": 1}

    order = {"Idempotency-Key": "order-1"}
    bought = data_of(client.post(of(session, "cart/checkout"), headers=order))
    assert data_of(client.post(of(session, "cart/checkout"), headers=order)) == bought
    assert len(look(client, session, "info")["session_info"]["purchases"]) == 1


def test_a_key_that_was_used_for_another_change_is_refused(client: httpx.Client) -> None:
    session, key = someone(), {"Idempotency-Key": "one"}
    add(client, session, **key)

    for item in ({**IPHONE, "sku": "CASE-1"}, {**IPHONE, "quantity": 2}):
        error_of(client.post(of(session, "cart/add"), json=item, headers=key), 422, "idempotency_mismatch")
    error_of(client.post(of(session, "cart/checkout"), headers=key), 422, "idempotency_mismatch")

    assert quantities(look(client, session, "cart")) == {"IPH15PRO-256": 1}
    assert quantities(add(client, someone(), {**IPHONE, "sku": "CASE-1"}, **key)) == {"CASE-1": 1}


def test_a_change_that_was_refused_can_be_tried_again_under_its_key(client: httpx.Client) -> None:
    session, key = someone(), {"Idempotency-Key": "one"}
    ask(client, "hello", session)
    error_of(client.post(of(session, "cart/checkout"), headers=key), 409, "cart_empty")
    add(client, session)
    assert data_of(client.post(of(session, "cart/checkout"), headers=key))["purchase"]["units"] == 1


# --- at the same time -------------------------------------------------------------------------------------------------


def at_once(clients: list[httpx.Client], count: int, path: str, **options: Any) -> list[httpx.Response]:
    """``count`` equal requests that start together, over these clients in turn."""
    start = threading.Barrier(count)

    def send(number: int) -> httpx.Response:
        start.wait()
        return clients[number % len(clients)].post(path, **options)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


@pytest.fixture(scope="module")
def two_servers(redis_server: RedisServer) -> Iterator[list[httpx.Client]]:
    """Clients of two instances on one Redis."""
    env = {"REDIS_URL": redis_server.url()}
    with (
        ParleyServer(env) as first,
        ParleyServer(env) as second,
        first.client() as one,
        second.client() as other,
    ):
        yield [one, other]


@pytest.mark.parametrize("opened", [False, True])
def test_twenty_additions_at_once_are_twenty_units(client: httpx.Client, opened: bool) -> None:
    session = someone()
    if opened:
        ask(client, "hello", session)

    for reply in at_once([client], 20, of(session, "cart/add"), json=IPHONE):
        data_of(reply)

    shown = look(client, session, "cart")
    assert (quantities(shown), shown["count"]) == ({"IPH15PRO-256": 20}, 1)
    assert look(client, session, "info")["analytics"]["cart"]["added"] == 20


@pytest.mark.parametrize("opened", [False, True])
def test_twenty_additions_at_two_instances_are_twenty_units(two_servers: list[httpx.Client], opened: bool) -> None:
    session = someone()
    if opened:
        ask(two_servers[0], "hello", session)

    for reply in at_once(two_servers, 20, of(session, "cart/add"), json=IPHONE):
        data_of(reply)

    for client in two_servers:
        assert quantities(look(client, session, "cart")) == {"IPH15PRO-256": 20}


def test_one_key_at_two_instances_at_once_is_one_unit(two_servers: list[httpx.Client]) -> None:
    session = someone()

    for reply in at_once(two_servers, 20, of(session, "cart/add"), json=IPHONE, headers={"Idempotency-Key": "once"}):
        assert quantities(data_of(reply)) == {"IPH15PRO-256": 1}

    assert look(two_servers[0], session, "info")["analytics"]["cart"]["added"] == 1


def test_a_cart_is_ordered_once_however_many_ask(two_servers: list[httpx.Client]) -> None:
    session = someone()
    add(two_servers[0], session)

    codes = [reply.status_code for reply in at_once(two_servers, 10, of(session, "cart/checkout"))]

    assert sorted(codes) == [200] + [409] * 9
    assert len(look(two_servers[0], session, "info")["session_info"]["purchases"]) == 1


def test_instances_share_a_session(two_servers: list[httpx.Client]) -> None:
    one, other = two_servers
    session = someone()
    ask(one, "My name is Sam. " + QUESTION, session)
    phone = ask(other, "add the second one", session)["products"][0]["sku"]
    assert quantities(look(one, session, "cart")) == {phone: 1}
    assert ask(other, "what's my name?", session)["answer"] == "Your name is Sam."
    retried = {"Idempotency-Key": "r"}
    first = one.post(QUERY, json={"q": "hello", "sessionId": session}, headers=retried).json()
    assert other.post(QUERY, json={"q": "hello", "sessionId": session}, headers=retried).json() == {
        **first,
        "replayed": True,
    }
