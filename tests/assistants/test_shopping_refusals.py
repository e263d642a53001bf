"""What is wrong with a request is told, and what comes close to a bound is not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.assistants.shopping_client import (
    IPHONE,
    PREFERENCES,
    QUERY,
    REQUESTS,
    STREAM,
    add,
    ask,
    data_of,
    error_of,
    look,
    of,
    quantities,
    request,
    someone,
)

# --- what can go wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "what", "body"), [each for each in REQUESTS if each[0] != "POST"])
def test_looking_for_what_is_not_there_makes_nothing(
    client: httpx.Client, method: str, what: str, body: object
) -> None:
    session = someone()
    for _ in range(2):
        error_of(request(client, method, what, body, session, {}), 404, "session_not_found")
        error_of(client.post(of(session, "cart/checkout")), 404, "session_not_found")


@pytest.mark.parametrize("path", [QUERY, STREAM])
@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "invalid_request", "q"),
        ({"q": " \n"}, 400, "invalid_request", "q"),
        ({"q": 7}, 400, "invalid_request", "q"),
        ({"q": None}, 400, "invalid_request", "q"),
        ({"q": "hello", "sessionId": "no spaces"}, 400, "invalid_id", None),
        ({"q": "hello", "sessionId": ""}, 400, "invalid_id", None),
        ({"q": "hello", "sessionId": "x" * 129}, 400, "invalid_id", None),
        ({"q": "hello", "sessionId": 7}, 400, "invalid_request", "sessionId"),
        ({"q": "hello", "messageId": "ä"}, 400, "invalid_request", "messageId"),
        ({"q": "x" * 8_001}, 413, "too_large", None),
        ([], 400, "invalid_request", None),
        ("hello", 400, "invalid_request", None),
    ],
)
def test_wrong_queries_are_told_what_is_wrong(
    client: httpx.Client, path: str, body: object, status: int, code: str, field: str | None
) -> None:
    error = error_of(client.post(path, json=body), status, code)
    assert error.get("details") == ({"field": field} if field else None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "\u200b \u0007"}, "name"),
        ({"name": 15}, "name"),
        ({"category": None}, "category"),
        ({"category": " "}, "category"),
        ({"sku": None}, "sku"),
        ({"sku": ""}, "sku"),
        ({"sku": "no spaces"}, "sku"),
        ({"sku": "-1"}, "sku"),
        ({"sku": "x" * 65}, "sku"),
        ({"sku": 15}, "sku"),
        ({"price": None}, "price"),
        ({"price": "999"}, "price"),
        ({"price": True}, "price"),
        ({"price": -0.01}, "price"),
        ({"price": 1_000_000.01}, "price"),
        ({"price": []}, "price"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1_000}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": "2"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"messageId": "a b"}, "messageId"),
    ],
)
def test_items_that_are_none_are_refused(client: httpx.Client, changed: dict[str, Any], field: str) -> None:
    session = someone()
    error = error_of(client.post(of(session, "cart/add"), json={**IPHONE, **changed}), 400, "invalid_request")
    assert error["details"] == {"field": field}
    error_of(client.get(of(session, "cart")), 404, "session_not_found")


@pytest.mark.parametrize("missing", ["name", "price", "category", "sku"])
def test_an_item_has_all_of_its_fields(client: httpx.Client, missing: str) -> None:
    item = {name: value for name, value in IPHONE.items() if name != missing}
    error = error_of(client.post(of(someone(), "cart/add"), json=item), 400, "invalid_request")
    assert error["details"] == {"field": missing}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"budget_range": "lots"}, "budget_range"),
        ({"budget_range": "1000-500"}, "budget_range"),
        ({"budget_range": {"from": 500}}, "budget_range"),
        ({"budget_range": True}, "budget_range"),
        ({"preferred_brands": [7]}, "preferred_brands"),
        ({"preferred_brands": {"a": 1}}, "preferred_brands"),
        ({"preferred_brands": [str(n) for n in range(11)]}, "preferred_brands"),
        ({"preferred_brands": ["x" * 41]}, "preferred_brands"),
        ({"device_type": 7}, "device_type"),
        ({"shipping_preference": "x" * 41}, "shipping_preference"),
        ({"shipping_preference": ["express"]}, "shipping_preference"),
    ],
)
def test_preferences_that_are_none_are_refused_as_a_whole(
    client: httpx.Client, given: dict[str, Any], field: str
) -> None:
    session = someone()
    client.post(of(session, "preferences"), json=PREFERENCES)
    reply = client.post(of(session, "preferences"), json={"device_type": "tablet", **given})
    assert error_of(reply, 400, "invalid_request")["details"] == {"field": field}
    assert look(client, session, "preferences")["preferences"] == PREFERENCES


@pytest.mark.parametrize("path", [QUERY, STREAM, of("s1", "preferences"), of("s1", "cart/add")])
@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe{\x00}\x00", "application/json", 400),
        (b'\xef\xbb\xbf{"q": "hello"}', "application/json", 400),
        (b'{"q": "\\ud800", "name": "\\ud800"}', "application/json", 400),
        (b'{"q": "hello", "price": NaN}', "application/json", 400),
        (b'{"q": "hello", "price": 1e400}', "application/json", 400),
        (b'{"q": ' + b"[" * 500 + b"]" * 500 + b"}", "application/json", 400),
        (b"q=hello", "application/x-www-form-urlencoded", 415),
        (b'{"q": "hello"}', "text/plain", 415),
        (b'{"q": "' + b"x" * 70_000 + b'"}', "application/json", 413),
    ],
)
def test_bodies_that_are_no_json_object_are_refused(
    client: httpx.Client, path: str, content: bytes, kind: str, status: int
) -> None:
    reply = client.post(path, content=content, headers={"Content-Type": kind})
    assert (reply.status_code, reply.json()["success"]) == (status, False)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "ten", "", "1e1", "٣"])
def test_a_limit_beyond_its_bounds_is_refused(client: httpx.Client, limit: str) -> None:
    session = someone()
    ask(client, "hello", session)
    reply = client.get(of(session, "conversation"), params={"limit": limit})
    assert error_of(reply, 400, "invalid_request")["details"] == {"field": "limit"}


@pytest.mark.parametrize("session", ["-", "no%20spaces", "a%00b", "x" * 129, "%F0%9F%9B%92"])
def test_a_session_that_can_be_none_is_told(client: httpx.Client, session: str) -> None:
    for method, what, body in REQUESTS[2:]:
        reply = request(client, method, what, body, session, {})
        error_of(reply, 400, "invalid_id")


@pytest.mark.parametrize("sku", ["no%20spaces", "-1", "a%00", "x" * 65, "%F0%9F%9B%92", "a%0Ab"])
def test_a_sku_that_can_be_none_is_told(client: httpx.Client, sku: str) -> None:
    session = someone()
    add(client, session)
    error_of(client.delete(of(session, f"cart/items/{sku}")), 400, "invalid_id")
    assert quantities(look(client, session, "cart")) == {"IPH15PRO-256": 1}


def test_other_methods_and_addresses_are_refused(client: httpx.Client) -> None:
    session = someone()
    add(client, session)
    assert client.get(QUERY).status_code == 405
    assert client.post(of(session, "info")).status_code == 405
    assert client.get(of(session, "cart/clear")).status_code == 405
    assert client.post(of(session, "cart/items/IPH15PRO-256")).status_code == 405
    assert client.get(of(session, "nothing")).status_code == 404
    assert client.delete(of(session, "cart/items/")).status_code == 404
    assert client.delete(of(session, "cart/items/A/B")).status_code == 404


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "a\u00e4"])
def test_a_key_that_can_be_none_is_told(client: httpx.Client, key: str) -> None:
    session = someone()
    add(client, session)
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    for method, what, body in [("POST", QUERY, {"q": "hello"}), ("POST", of(session, "cart/add"), IPHONE)]:
        error_of(client.request(method, what, json=body, headers=headers), 400, "invalid_request")
    for method, what in [("DELETE", "cart/clear"), ("DELETE", "cart/items/IPH15PRO-256"), ("POST", "cart/checkout")]:
        error_of(client.request(method, of(session, what), headers=headers), 400, "invalid_request")
    assert quantities(look(client, session, "cart")) == {"IPH15PRO-256": 1}


# --- money and bounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "quantity", "shown", "total"),
    [
        ("0.1", 3, "0.1", "0.3"),
        ("19.99", 999, "19.99", "19970.01"),
        ("999.0", 1, "999", "999"),
        ("0", 1, "0", "0"),
        ("1000000", 999, "1000000", "999000000"),
        ("999999.99", 999, "999999.99", "998999990.01"),
        ("9.995", 1, "10", "10"),
        ("1.005", 2, "1.01", "2.02"),
    ],
)
def test_money_is_exact(client: httpx.Client, price: str, quantity: int, shown: str, total: str) -> None:
    body = f'{{"name": "A", "category": "c", "sku": "A", "price": {price}, "quantity": {quantity}}}'
    reply = client.post(of(someone(), "cart/add"), content=body, headers={"Content-Type": "application/json"})
    data_of(reply)
    assert f'"price":{shown},' in reply.text
    assert reply.text.endswith(f'"total":{total}}}}}')


def test_a_hundred_lines_of_odd_prices_add_up(client: httpx.Client) -> None:
    session, exact = someone(), Decimal(0)
    for number in range(100):
        price = Decimal(number * 1_009 % 10_000) / 100
        exact += price * 7
        add(client, session, {**IPHONE, "sku": f"SKU-{number}", "price": float(price), "quantity": 7})

    shown = look(client, session, "cart")
    assert [item["sku"] for item in shown["items"]] == [f"SKU-{number}" for number in range(100)]
    assert (shown["count"], Decimal(str(shown["total"]))) == (100, exact)
    full = client.post(of(session, "cart/add"), json={**IPHONE, "sku": "SKU-100"})
    assert "full with 100 lines" in error_of(full, 409, "cart_full")["error"]
    assert quantities(add(client, session, {**IPHONE, "sku": "SKU-7"}))["SKU-7"] == 8


def test_a_line_holds_at_most_999_units(client: httpx.Client) -> None:
    session = someone()
    add(client, session, {**IPHONE, "quantity": 999})
    error = error_of(client.post(of(session, "cart/add"), json=IPHONE), 400, "invalid_request")
    assert error["details"] == {"field": "quantity"}
    assert quantities(look(client, session, "cart")) == {"IPH15PRO-256": 999}


def test_a_session_filled_to_the_brim_goes_on_working(client: httpx.Client) -> None:
    session = someone()
    given = {"preferred_brands": [f"{number}{'界' * 39}" for number in range(7)], "device_type": "d" * 10}
    assert client.post(of(session, "preferences"), json=given).status_code == 200
    ask(client, f"My name is {'Maximiliana' * 3}", session)
    for question in ("Which laptops have 16 GB?", "What tablets are there?", "noise cancelling headphones"):
        ask(client, question, session)
    statuses = []
    for number in range(60):
        item = {"name": "界" * 200, "category": "界" * 60, "price": 999_999.99, "sku": f"{number}{'X' * 60}"}
        key = {"Idempotency-Key": f"{number}"}
        reply = client.post(of(session, "cart/add"), json={**item, "quantity": 9}, headers=key)
        statuses.append(reply.status_code)
    assert set(statuses) == {200, 409}
    assert look(client, session, "cart")["count"] == statuses.count(200) > 20

    # There is room for no more preferences, which is no reason not to answer.
    assert ask(client, "My budget is 500 to 1000", session)["answer"]
    assert look(client, session, "preferences")["preferences"] == given
    full = client.post(of(session, "preferences"), json={"budget_range": "500-1000"})
    error_of(full, 400, "invalid_request")
    assert ask(client, "smartphones under $500", session)["products"]
    bought = data_of(client.post(of(session, "cart/checkout"), headers={"Idempotency-Key": "order"}))
    assert bought["purchase"]["lines"] == statuses.count(200)
