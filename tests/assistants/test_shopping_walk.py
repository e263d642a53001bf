"""Through seed 004 request by request, as a client would, over a real server."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.assistants.shopping_client import (
    EMPTY,
    IPHONE,
    PREFERENCES,
    QUERY,
    QUESTION,
    STREAM,
    TIME,
    add,
    ask,
    data_of,
    error_of,
    events_of,
    is_uuid4,
    look,
    names_in,
    of,
    quantities,
    someone,
)

# --- the endpoints, as the seed prints them ---------------------------------------------------------------------------


def test_a_query_is_answered_as_printed(client: httpx.Client) -> None:
    session = someone()

    reply = client.post(QUERY, json={"q": QUESTION, "sessionId": session})

    data = data_of(reply)
    assert set(data) == {"answer", "session_id", "products", "sources", "cached", "conversation_count"}
    assert (data["session_id"], data["cached"], data["conversation_count"]) == (session, False, 1)
    assert len(data["products"]) == 5
    for product, source in zip(data["products"], data["sources"], strict=True):
        assert {"sku", "name", "price", "category"} <= set(product)
        assert product["category"] == "smartphone"
        assert product["name"] in data["answer"]
        assert set(source) == {"title", "sku", "snippet"}
        assert source["sku"] == product["sku"]
    body = reply.json()
    assert (body["degraded"], body["replayed"], body["history"]) == (False, False, "complete")


def test_a_query_without_a_session_opens_one(client: httpx.Client) -> None:
    first, other = ask(client, QUESTION), ask(client, QUESTION)

    assert is_uuid4(first["session_id"])
    assert first["session_id"] != other["session_id"]
    assert ask(client, "hello", first["session_id"])["conversation_count"] == 2
    assert is_uuid4(data_of(client.post(QUERY, json={"q": "hello", "sessionId": None}))["session_id"])


def test_a_streamed_query_ends_with_the_object_of_a_query(client: httpx.Client) -> None:
    session = someone()

    events = events_of(client.post(STREAM, json={"q": QUESTION, "sessionId": session}))

    names = [name for name, _ in events]
    assert names[0] == "session"
    assert names[-1] == "done"
    assert set(names[1:-1]) == {"tool", "token"}
    opened, done = events[0][1], events[-1][1]
    assert opened["session_id"] == session
    assert re.fullmatch(rf"session:{session}:\d+", opened["sessionId"])
    assert (opened["status"], opened["conversationCount"]) == ("active", 0)
    assert next(event for name, event in events if name == "tool") == {"name": "search_products", "status": "started"}
    assert "".join(event["text"] for name, event in events if name == "token") == done["data"]["answer"]
    again = client.post(QUERY, json={"q": QUESTION, "sessionId": session}).json()
    again["data"] |= {"cached": False, "conversation_count": 1}
    assert done == again


def test_session_information_is_as_printed(client: httpx.Client) -> None:
    session = someone()
    for question in (QUESTION, "Which smartphone has the best camera?", "Is there a smartphone under $300?"):
        ask(client, question, session)
    client.post(of(session, "preferences"), json={"budget_range": "500-1000", "preferred_brands": ["Apple", "Samsung"]})

    data = look(client, session, "info")

    assert set(data) == {"session_info", "analytics"}
    info, analytics = data["session_info"], data["analytics"]
    assert TIME.fullmatch(info.pop("created_at"))
    assert (datetime.now(UTC) - datetime.fromisoformat(info.pop("last_active"))).total_seconds() < 60
    assert info == {
        "conversation_count": 3,
        "preferences": {"budget_range": "500-1000", "preferred_brands": ["Apple", "Samsung"]},
        "shopping_cart": [],
        "purchases": [],
    }
    assert re.fullmatch(r"\d+s", analytics.pop("session_duration"))
    assert analytics == {
        "user_message_count": 3,
        "assistant_message_count": 3,
        "top_topics": [{"word": "smartphone", "count": 3}, {"word": "camera", "count": 1}],
        "cart": {"added": 0, "removed": 0, "purchased": 0},
        "cache": {"hits": 0, "misses": 3, "hit_rate": 0.0},
    }


def test_the_conversation_is_as_printed(client: httpx.Client) -> None:
    session = someone()
    first = ask(client, QUESTION, session)["answer"]
    second = ask(client, "the second one, please", session)["answer"]

    data = look(client, session, "conversation")

    assert (data["session_id"], data["count"]) == (session, 4)
    assert [(message["role"], message["content"]) for message in data["conversation"]] == [
        ("user", QUESTION),
        ("assistant", first),
        ("user", "the second one, please"),
        ("assistant", second),
    ]
    assert {frozenset(message) for message in data["conversation"]} == {frozenset({"role", "content", "timestamp"})}
    times = [message["timestamp"] for message in data["conversation"]]
    assert all(TIME.fullmatch(time) for time in times)
    assert times == sorted(times)


def test_the_newest_messages_are_asked_for_by_number(client: httpx.Client) -> None:
    session = someone()
    for number in range(12):
        ask(client, f"hello {number}", session)

    messages = look(client, session, "conversation?limit=100")["conversation"]

    assert len(messages) == 24
    assert look(client, session, "conversation")["conversation"] == messages[-20:]
    for limit in (1, 2, 3, 24):
        newest = look(client, session, f"conversation?limit={limit}")
        assert (newest["conversation"], newest["count"]) == (messages[-limit:], limit)


def test_preferences_are_kept_as_printed(client: httpx.Client) -> None:
    session = someone()

    set_ = client.post(of(session, "preferences"), json=PREFERENCES)

    assert data_of(set_) == {"preferences": PREFERENCES}
    assert look(client, session, "preferences") == {"preferences": PREFERENCES}


def test_preferences_are_merged_and_cleared(client: httpx.Client) -> None:
    session = someone()
    client.post(of(session, "preferences"), json=PREFERENCES)

    merged = data_of(client.post(of(session, "preferences"), json={"budget_range": "under 400", "color": "red"}))
    assert merged["preferences"] == {**PREFERENCES, "budget_range": "under 400"}

    nothing: dict[str, Any] = {"budget_range": None, "preferred_brands": [], "device_type": ""}
    cleared = data_of(client.post(of(session, "preferences"), json=nothing))
    assert cleared["preferences"] == {"shipping_preference": "express"}
    assert data_of(client.post(of(session, "preferences"), json={})) == cleared


def test_preferences_shape_what_is_recommended(client: httpx.Client) -> None:
    session = someone()
    client.post(of(session, "preferences"), json=PREFERENCES)

    products = ask(client, QUESTION, session)["products"]

    assert products[0]["brand"] in {"Apple", "Samsung"}
    assert all(500 <= product["price"] <= 1000 for product in products)
    assert "Apple and Samsung preferred" in ask(client, "What are my preferences?", session)["answer"]


def test_an_item_is_added_as_printed(client: httpx.Client) -> None:
    session = someone()

    added = add(client, session)

    when = added["items"][0].pop("added_at")
    assert TIME.fullmatch(when)
    assert added == {"items": [{**IPHONE, "quantity": 1}], "count": 1, "total": 999}
    shown = look(client, session, "cart")
    assert shown["items"][0].pop("added_at") == when
    assert shown == added
    assert look(client, session, "info")["session_info"]["shopping_cart"][0]["sku"] == "IPH15PRO-256"


def test_the_same_item_adds_up_and_lines_are_counted(client: httpx.Client) -> None:
    session = someone()
    add(client, session, {**IPHONE, "quantity": 2})
    add(client, session, {"name": "Case", "price": 25.99, "category": "accessory", "sku": "CASE-1"})

    shown = add(client, session)

    assert quantities(shown) == {"IPH15PRO-256": 3, "CASE-1": 1}
    assert (shown["count"], shown["total"]) == (2, 3022.99)
    assert look(client, session, "info")["analytics"]["cart"] == {"added": 4, "removed": 0, "purchased": 0}


def test_items_leave_the_cart_one_by_one_and_all_at_once(client: httpx.Client) -> None:
    session = someone()
    add(client, session, {**IPHONE, "quantity": 2})
    add(client, session, {**IPHONE, "sku": "IPH15PRO-512"})
    add(client, session, {**IPHONE, "sku": "IPH15PRO-1TB"})

    left = data_of(client.delete(of(session, "cart/items/IPH15PRO-256")))
    assert quantities(left) == {"IPH15PRO-512": 1, "IPH15PRO-1TB": 1}
    gone = client.delete(of(session, "cart/items/IPH15PRO-256"))
    assert "IPH15PRO-256" in error_of(gone, 404, "not_found")["error"]

    for _ in range(2):
        assert data_of(client.delete(of(session, "cart/clear"))) == EMPTY
    assert look(client, session, "cart") == EMPTY
    assert look(client, session, "info")["analytics"]["cart"] == {"added": 4, "removed": 4, "purchased": 0}


def test_a_checkout_becomes_a_purchase(client: httpx.Client) -> None:
    session = someone()
    add(client, session, {**IPHONE, "quantity": 2})
    add(client, session, {"name": "Case", "price": 25.99, "category": "accessory", "sku": "CASE-1"})

    bought = data_of(client.post(of(session, "cart/checkout")))

    purchase = bought.pop("purchase")
    assert bought == EMPTY
    assert (purchase["lines"], purchase["units"], purchase["total"]) == (2, 3, 2023.99)
    info = look(client, session, "info")
    assert info["session_info"]["purchases"] == [purchase]
    assert info["session_info"]["shopping_cart"] == []
    assert info["analytics"]["cart"] == {"added": 3, "removed": 0, "purchased": 3}
    assert "1 × Case" in ask(client, "what did I buy?", session)["answer"]
    error_of(client.post(of(session, "cart/checkout")), 409, "cart_empty")


def test_the_chat_and_the_addresses_share_one_cart(client: httpx.Client) -> None:
    session = someone()
    add(client, session)
    ask(client, "add two Pixel 8a to my cart", session)
    assert quantities(look(client, session, "cart")) == {"IPH15PRO-256": 1, "PIX8A-128": 2}

    client.delete(of(session, "cart/items/PIX8A-128"))
    said = ask(client, "what's in my cart?", session)["answer"]
    assert "iPhone 15 Pro" in said
    assert "Pixel" not in said


def test_the_frontend_of_the_seed_works(client: httpx.Client) -> None:
    session = str(uuid4())
    answer = data_of(client.post(QUERY, json={"q": QUESTION, "sessionId": session}))
    assert answer["answer"]
    assert look(client, session, "info")["analytics"]["user_message_count"] == 1


def test_a_trailing_slash_is_optional(client: httpx.Client) -> None:
    session = someone()
    assert data_of(client.post(f"{QUERY}/", json={"q": "hello", "sessionId": session}))
    for what in ("info", "conversation", "preferences", "cart"):
        assert look(client, session, f"{what}/")


# --- a talk -----------------------------------------------------------------------------------------------------------


def test_ten_messages_from_hello_to_the_order(client: httpx.Client) -> None:
    session = someone()

    def hears(message: str) -> tuple[str, list[dict[str, Any]]]:
        data = ask(client, message, session)
        return data["answer"], data["products"]

    assert "What are you looking for?" in hears("Hello!")[0]
    said, _ = hears("My name is Sam and my budget is 500 to 1000")
    assert "Nice to meet you, Sam!" in said
    assert look(client, session, "preferences")["preferences"] == {"budget_range": "500-1000"}

    said, shown = hears(QUESTION)
    assert len(shown) == 5
    assert all(500 <= product["price"] <= 1000 for product in shown)

    said, compared = hears("compare the first and the third")
    assert [product["sku"] for product in compared] == [shown[0]["sku"], shown[2]["sku"]]

    cheaper = min(compared, key=lambda product: int(product["price"]))
    assert f"{cheaper['brand']} {cheaper['name']}" in hears("add the cheaper one")[0]
    assert quantities(look(client, session, "cart")) == {cheaper["sku"]: 1}

    _, cases = hears("I also need a case for it")
    hears("add two of the first one")
    assert quantities(look(client, session, "cart")) == {cheaper["sku"]: 1, cases[0]["sku"]: 2}

    said, _ = hears("what's in my cart?")
    total = look(client, session, "cart")["total"]
    assert f"${total:,.2f}" in said

    hears("remove one case")
    assert "order" in hears("checkout")[0].lower()
    info = look(client, session, "info")
    assert info["session_info"]["conversation_count"] == 10
    assert info["session_info"]["shopping_cart"] == []
    assert info["session_info"]["purchases"][0]["units"] == 2
    assert info["analytics"]["cart"] == {"added": 3, "removed": 1, "purchased": 2}
    assert hears("what's my name?")[0] == "Your name is Sam."


# --- answers that are known -------------------------------------------------------------------------------------------


def test_a_question_is_answered_again_from_the_cache(client: httpx.Client) -> None:
    session = someone()
    first = ask(client, QUESTION, session)

    again = ask(client, "what  smartphones do you HAVE", session)

    assert again == {**first, "cached": True, "conversation_count": 2}
    assert look(client, session, "info")["analytics"]["cache"] == {"hits": 1, "misses": 1, "hit_rate": 0.5}
    assert ask(client, QUESTION, someone())["cached"] is False


def test_a_streamed_answer_comes_from_the_cache_too(client: httpx.Client) -> None:
    session = someone()
    first = ask(client, QUESTION, session)
    events = events_of(client.post(STREAM, json={"q": QUESTION, "sessionId": session}))

    assert [name for name, _ in events] == ["session", "token", "done"]
    assert events[1][1]["text"] == first["answer"]
    assert events[2][1]["data"]["cached"] is True


@pytest.mark.parametrize("change", ["preferences", "cart", "checkout", "chat"])
def test_it_is_answered_anew_when_the_context_changed(client: httpx.Client, change: str) -> None:
    session = someone()
    add(client, session)
    ask(client, QUESTION, session)
    assert ask(client, QUESTION, session)["cached"] is True

    if change == "preferences":
        client.post(of(session, "preferences"), json={"budget_range": "under 500"})
    elif change == "cart":
        add(client, session)
    elif change == "checkout":
        client.post(of(session, "cart/checkout"))
    else:
        ask(client, "I prefer Sony", session)

    assert ask(client, QUESTION, session)["cached"] is False
    assert ask(client, QUESTION, session)["cached"] is True


def test_what_refers_back_is_never_answered_from_the_cache(client: httpx.Client) -> None:
    session = someone()
    ask(client, QUESTION, session)
    phone = ask(client, "tell me about the first one", session)
    ask(client, "What laptops do you have?", session)
    laptop = ask(client, "tell me about the first one", session)

    assert (phone["cached"], laptop["cached"]) == (False, False)
    assert phone["products"][0]["category"] == "smartphone"
    assert laptop["products"][0]["category"] == "laptop"


# --- through the native API -------------------------------------------------------------------------------------------


def test_what_an_assistant_keeps_to_itself_is_in_no_answer(client: httpx.Client) -> None:
    said = {"message": QUESTION, "userId": someone(), "assistant": "shopping"}
    reply = client.post("/chat", json=said).json()
    streamed = events_of(client.post("/chat/stream", json=said))[-1][1]
    history = client.get(f"/sessions/{said['userId']}/history?assistant=shopping").json()

    assert len(reply["data"]["products"]) == 5
    assert streamed["data"] == {**reply["data"], "cached": True}
    for body in (reply, streamed, history):
        assert not [name for name in names_in(body) if name.startswith("_")]
