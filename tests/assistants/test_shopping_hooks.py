"""What a model is told of the session, and what is remembered of its reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agent.assistant import TurnContext
from agent.models import ModelSettings
from assistants.shopping import ASSISTANT
from assistants.shopping.hooks import after, before
from tests.assistants.shopping_conversation import Shop, run_tool
from tests.fakes.openai_server import Call, OpenAIServer, Reply
from tests.fakes.openai_wire import ToolUse

LINE = {"name": "Apple iPhone 15", "price": "799.00", "category": "smartphone", "quantity": 2, "added_at": 1}


def turn(message: str, **attributes: Any) -> TurnContext:
    return TurnContext("shopping", "s1", message, 1_700_000_000_000, attributes=attributes)


def test_a_model_is_told_what_is_known() -> None:
    known = before(
        turn(
            "how about a case?",
            name="Sam",
            preferences={"budget_range": "500-1000", "preferred_brands": ["Apple"]},
            avoided=["LG"],
            cart={"IPH15-128": LINE},
            purchases=[{}],
            last_results=["PIX8-128", "GALS24-256"],
            focus=["GALS24-256"],
        )
    )
    assert "- Name: Sam" in known
    assert "- Preferences: budget $500 to $1,000, Apple preferred" in known
    assert "- Wants nothing from: LG" in known
    assert "- Cart: 2 × Apple iPhone 15 (IPH15-128); total $1,598" in known
    assert "- Orders placed in this session: 1" in known
    assert "1. Google Pixel 8 (PIX8-128, $599); 2. Samsung Galaxy S24 (GALS24-256, $799)" in known
    assert "now means: GALS24-256" in known
    assert "Perhaps relevant to this message: " in known
    assert "Case (" in known


def test_a_new_session_has_little_to_tell() -> None:
    assert before(turn("hello")).splitlines() == ["## Known in this session (data)", "- Cart: empty"]


def test_what_is_told_stays_short() -> None:
    lines = {f"S{n}": {**LINE, "name": "N" * 120, "added_at": n} for n in range(100)}
    assert len(before(turn("phones", cart=lines))) < 4_000


def test_preferences_and_name_are_noted_before_the_model_answers() -> None:
    context = turn("My name is Sam. My budget is 500 to 1000 and I prefer Apple!")
    before(context)
    assert context.attributes["name"] == "Sam"
    assert context.attributes["preferences"] == {"budget_range": "500-1000", "preferred_brands": ["Apple"]}
    assert len(context.changes) == 1


def test_a_message_that_tells_nothing_changes_nothing() -> None:
    context = turn("smartphones under $500")
    before(context)
    assert context.changes == []


def test_the_reply_stays_as_it_is() -> None:
    context = turn("smartphones")
    before(context)
    assert after(context, "Any *reply* at all.") == "Any *reply* at all."


def test_what_the_reply_shows_is_what_travels_and_what_ordinals_mean() -> None:
    context = turn("smartphones")
    before(context)
    run_tool("search_products", {"query": "iphone 15"}, context)
    assert len(context.data["products"]) == 5
    after(context, "I would take the iPhone 15 Pro Max, or else the **Apple iPhone 15** (IPH15-128).")
    assert [product["sku"] for product in context.data["products"]] == ["IPH15PM-256", "IPH15-128"]
    assert context.attributes["last_results"] == ["IPH15PM-256", "IPH15-128"]
    assert "_listed" not in context.data
    assert "_asked" not in context.data


def test_adding_does_not_renumber_the_list() -> None:
    context = turn("add the second one", last_results=["PIX8-128", "GALS24-256"])
    before(context)
    run_tool("add_to_cart", {"sku": "GALS24-256"}, context)
    after(context, "The Samsung Galaxy S24 is in your cart.")
    assert context.attributes["last_results"] == ["PIX8-128", "GALS24-256"]
    assert context.attributes["focus"] == ["GALS24-256"]


def test_a_model_is_not_told_what_was_said_before_the_session_was_opened(
    shop: Shop, openai_server: OpenAIServer
) -> None:
    shop.hears("I am Alice, and this is a secret")
    shop.engine.end("s1", "manual")
    shop.hears("hello")
    shop.hears("hello again")
    assert [text for role, text in openai_server.chats[1].said if role == "user"] == ["hello"]
    assert [text for role, text in openai_server.chats[2].said if role == "user"] == ["hello", "hello again"]
    assert not any("Alice" in text for call in openai_server.chats[1:] for _, text in call.said)


@pytest.fixture
def shop(openai_server: OpenAIServer) -> Iterator[Shop]:
    server = Shop(ModelSettings("openai:gpt-4o-mini", api_key="k", base_url=openai_server.url, timeout=20))
    yield server
    server.close()


def test_a_model_searches_and_its_own_order_counts(shop: Shop, openai_server: OpenAIServer) -> None:
    seen: list[list[dict[str, Any]]] = []

    def answers(call: Call) -> Reply:
        seen.append(call.body["messages"])
        if call.body["messages"][-1]["role"] == "tool":
            return Reply("1. Google Pixel 8a at $449\n2. Samsung Galaxy A55 at $399")
        if "second" in call.body["messages"][-1]["content"]:
            return Reply(tools=[ToolUse("add_to_cart", {"sku": "GALA55-128"})])
        return Reply(tools=[ToolUse("search_products", {"query": "smartphones under 500"})])

    openai_server.answers = answers
    assert "Pixel 8a" in shop.hears("Hi, I'm Sam. Which phones under $500 do you have?")
    assert shop.shown() == ["PIX8A-128", "GALA55-128"]
    assert shop.document()["name"] == "Sam"
    assert seen[0][0]["content"].startswith(ASSISTANT.prompt.splitlines()[0])
    shop.hears("add the second")
    assert shop.cart() == {"GALA55-128": 1}
    told = next(messages[0]["content"] for messages in seen if messages[-1]["content"] == "add the second")
    assert "Shown last: 1. Google Pixel 8a (PIX8A-128, $449); 2. Samsung Galaxy A55" in told
    assert "- Name: Sam" in told


def test_a_failed_turn_leaves_the_cart_as_it_was(shop: Shop, openai_server: OpenAIServer) -> None:
    def answers(call: Call) -> Reply:
        if call.body["messages"][-1]["role"] == "tool":
            return Reply(status=400)
        return Reply(tools=[ToolUse("add_to_cart", {"sku": "PIX8-128"})])

    openai_server.answers = answers
    with pytest.raises(Exception, match="model"):
        shop.hears("my budget is 500; add a Pixel 8")
    assert shop.document() == {}
