"""A real model behind seed 004: what it is shown, when it is asked, and when it fails."""

from __future__ import annotations

import threading

import orjson

from tests.assistants.shopping_client import (
    IPHONE,
    PREFERENCES,
    QUERY,
    QUESTION,
    STREAM,
    at_work,
    call,
    of_model,
    quantities,
    seen,
    tell,
)
from tests.fakes.openai_server import Call, OpenAIServer, Reply
from tests.fakes.openai_wire import ToolUse
from tests.memory.harness import World
from tests.processes import wait_until


def test_a_model_gets_prompt_history_tools_and_documents(timed: World, openai_server: OpenAIServer) -> None:
    openai_server.will(
        Reply(tools=[ToolUse("search_products", {"query": "smartphones under 500"})]),
        "1. Google Pixel 8a at $449\n2. Samsung Galaxy A55 at $399",
        Reply(tools=[ToolUse("add_to_cart", {"sku": "GALA55-128"})]),
        "The Galaxy A55 is in your cart.",
    )
    with at_work(timed, **of_model(openai_server)) as client:
        call(client, "POST", "preferences", PREFERENCES)
        first = tell(client, "Hi, I'm Sam. Which phones under $500 do you have?")
        second = tell(client, "add the second")
        held = seen(client, "cart")

    assert [product["sku"] for product in first["products"]] == ["PIX8A-128", "GALA55-128"]
    assert [source["sku"] for source in first["sources"]] == ["PIX8A-128", "GALA55-128"]
    assert second["answer"] == "The Galaxy A55 is in your cart."
    assert quantities(held) == {"GALA55-128": 1}

    asked, told, asked_again, told_again = openai_server.chats
    role, prompt = asked.said[0]
    assert role == "system"
    assert prompt.startswith("You are the assistant of an electronics shop.")
    assert "- Preferences: budget $500 to $1,000, Apple and Samsung preferred" in prompt
    assert "- Name: Sam" in prompt
    assert "- Perhaps relevant to this message: " in prompt
    assert {"search_products", "compare_products", "add_to_cart", "checkout", "set_preferences"} <= set(asked.tools)
    assert asked.said[1:] == [("user", "Hi, I'm Sam. Which phones under $500 do you have?")]
    found = orjson.loads(told.said[-1][1])
    assert (told.said[-1][0], found["looked_for"]) == ("tool", "smartphones up to $500")
    assert [role for role, _ in asked_again.said] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert asked_again.said[4][1] == first["answer"]
    shown = "- Shown last: 1. Google Pixel 8a (PIX8A-128, $449); 2. Samsung Galaxy A55"
    assert shown in asked_again.said[0][1]
    assert orjson.loads(told_again.said[-1][1])["cart"]["count"] == 1


def test_a_model_is_not_asked_twice(timed: World, openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: f"Answer {len(openai_server.chats)}."
    with at_work(timed, **of_model(openai_server)) as client:
        first, again = tell(client, QUESTION), tell(client, QUESTION)
        assert (first["answer"], again["answer"]) == ("Answer 1.", "Answer 1.")
        assert (first["cached"], again["cached"]) == (False, True)
        assert len(openai_server.chats) == 1
        call(client, "POST", "cart/add", IPHONE)
        assert tell(client, QUESTION)["answer"] == "Answer 2."
        assert tell(client, QUESTION, "s2")["answer"] == "Answer 3."
        assert seen(client, "info")["analytics"]["cache"] == {"hits": 1, "misses": 2, "hit_rate": 0.333}


def test_the_cart_can_be_changed_while_the_model_thinks(timed: World, openai_server: OpenAIServer) -> None:
    def answers(call: Call) -> Reply:
        if call.said[-1][0] == "tool":
            return Reply("It is in your cart.", think=1.0)
        return Reply(tools=[ToolUse("add_to_cart", {"sku": "PIX8-128"})])

    openai_server.answers = answers
    with at_work(timed, **of_model(openai_server)) as client:
        call(client, "POST", "preferences", {})
        asking = threading.Thread(target=lambda: tell(client.application.test_client(), "I take a Pixel 8"))
        asking.start()
        wait_until(lambda: len(openai_server.chats) == 2, "the tool")
        assert quantities(call(client, "POST", "cart/add", IPHONE)[1]["data"]) == {"IPH15PRO-256": 1}
        asking.join(timeout=10)
        assert quantities(seen(client, "cart")) == {"IPH15PRO-256": 1, "PIX8-128": 1}


def test_a_turn_that_is_lost_with_its_connection_is_kept(timed: World, openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: Reply("one two three", think=0.3)
    with at_work(timed, **of_model(openai_server)) as client:
        reply = client.post(STREAM, json={"q": QUESTION, "sessionId": "s1"}, buffered=False)
        first = next(iter(reply.iter_encoded()))
        assert first.startswith(b"event: session")
        reply.close()
        again = client.post(QUERY, json={"q": "and another", "sessionId": "s1"})
        assert again.get_json()["data"]["conversation_count"] == 2


def test_a_stopped_answer_is_told_as_interrupted(timed: World, openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: Reply("one two three four five " * 100, drip=0.05)
    with at_work(timed, **of_model(openai_server)) as client:
        chunks = client.post(STREAM, json={"q": QUESTION, "sessionId": "s1"}, buffered=False).iter_encoded()
        next(chunk for chunk in chunks if chunk.startswith(b"event: token"))
        stop = {"sessionId": "s1", "userId": "s1", "assistant": "shopping"}
        assert client.post("/chat/stop", json=stop).get_json()["stopped"] is True
        last = list(chunks)[-1]
        assert last.startswith(b"event: done\ndata: ")
        done = orjson.loads(last.removeprefix(b"event: done\ndata: "))
        assert done["interrupted"] is True
        assert done["data"]["answer"].startswith("one ")
        assert (done["data"]["products"], done["data"]["conversation_count"]) == ([], 1)
        assert seen(client, "conversation")["conversation"][1]["content"] == done["data"]["answer"]
        assert seen(client, "info")["analytics"]["cache"]["misses"] == 0


def test_a_failing_model_is_an_error_that_keeps_the_session_as_it_was(
    timed: World, openai_server: OpenAIServer
) -> None:
    openai_server.answers = lambda call: Reply(status=400)
    with at_work(timed, **of_model(openai_server)) as client:
        call(client, "POST", "cart/add", IPHONE)
        before = seen(client, "info")
        status, body = call(client, "POST", "query", {"q": "my budget is 500; add a Pixel 8"})
        assert (status, body["code"]) == (502, "model_unavailable")
        assert seen(client, "info") == before
        streamed = client.post(STREAM, json={"q": "hello", "sessionId": "s1"}).text
        assert "event: error" in streamed
        assert "model_unavailable" in streamed


def test_a_server_that_is_stopping_takes_no_question(timed: World) -> None:
    with at_work(timed) as client:
        client.application.extensions["parley"].draining.set()
        for what in ("query", "query/stream"):
            status, body = call(client, "POST", what, {"q": "hello"})
            assert (status, body["code"]) == (503, "shutting_down")
