"""A person talks to the assistants."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.app import ParleyServer
from tests.browser.acts import ask, composer, is_ready, reply, say, turns
from tests.fakes.openai_server import OpenAIServer, Reply

Visit = Callable[..., Page]


@pytest.mark.parametrize(
    ("assistant", "question", "answer"),
    [
        ("weather", "What is the weather in London?", "London"),
        ("junkjet", "How much do I get for 12 kg of copper?", "copper"),
        ("news", "What is new in science?", "science"),
        ("chat", "What is 17% of 2,340?", "397.8"),
        ("shopping", "Show me laptops under $1,000", "laptops"),
    ],
)
def test_each_assistant_answers(server: ParleyServer, visit: Visit, assistant: str, question: str, answer: str) -> None:
    page = visit(server)

    page.locator(".welcome-card", has=page.locator(f"[href='/talk/{assistant}']")).or_(
        page.locator(f".welcome-card[href='/talk/{assistant}']")
    ).click()
    is_ready(page)
    turn = ask(page, question)

    expect(reply(turn)).to_contain_text(answer)
    expect(page.get_by_text("offline model", exact=False).first).to_be_visible()


def test_a_starter_starts(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/weather")

    page.get_by_role("button", name="What is the weather in London?").click()

    expect(turns(page).first).to_have_attribute("data-state", "done")


def test_news_name_their_sources_also_after_a_reload(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/news")
    turn = ask(page, "What is new in science?")
    expect(turn.get_by_role("region", name="Sources").get_by_role("listitem").first).to_be_visible()

    page.reload()

    expect(turns(page).last.get_by_role("region", name="Sources").get_by_role("listitem").first).to_be_visible()


def test_products_go_into_the_cart_and_out_again(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/shopping")
    turn = ask(page, "Show me laptops under $1,000")
    cart = page.get_by_role("complementary", name="Cart")

    turn.get_by_role("button", name="to the cart").first.click()
    expect(cart.get_by_role("listitem")).to_have_count(1)
    ask(page, "add the second one to my cart")
    expect(cart.get_by_role("listitem")).to_have_count(2)
    cart.get_by_role("button", name="Remove").first.click()
    expect(cart.get_by_role("listitem")).to_have_count(1)
    cart.get_by_role("button", name="Check out").click()

    expect(cart.get_by_role("listitem")).to_have_count(0)
    expect(page.get_by_text("Ordered. Thank you!")).to_be_visible()


def test_a_conversation_is_there_after_a_reload(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/chat")
    ask(page, "My name is Ada")

    page.reload()

    expect(turns(page)).to_have_count(1)
    expect(reply(turns(page).last)).to_contain_text("Ada")
    expect(reply(ask(page, "What is my name?"))).to_contain_text("Ada")


def test_a_second_tab_keeps_in_step(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/junkjet")
    ask(page, "How much is copper?")
    other = page.context.new_page()
    other.goto("/talk/junkjet")
    expect(turns(other)).to_have_count(1)

    ask(page, "And what about paper?")
    expect(turns(other)).to_have_count(2)
    expect(turns(other).last).to_have_attribute("data-state", "done")
    ask(other, "Thank you!")

    expect(turns(page)).to_have_count(3)
    expect(turns(page).last).to_have_attribute("data-state", "done")


def test_what_is_said_elsewhere_is_seen_here(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/weather")
    ask(page, "What is the weather in London?")
    user = page.evaluate("localStorage.getItem('parley.user')")

    with server.client() as client:
        client.post("/chat", json={"message": "And in Paris?", "userId": user}).raise_for_status()

    expect(turns(page)).to_have_count(2)
    expect(page.get_by_text("And in Paris?")).to_be_visible()


def test_the_last_message_can_be_edited_and_sent_again(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/weather")
    ask(page, "What is the weather in London?")

    composer(page).press("ArrowUp")
    expect(composer(page)).to_have_value("What is the weather in London?")
    composer(page).press("Control+a")
    turn = ask(page, "What is the weather in Paris?")

    expect(reply(turn)).to_contain_text("Paris")


def test_a_reply_can_be_copied(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/chat", permissions=["clipboard-read", "clipboard-write"])
    turn = ask(page, "What is 17% of 2,340?")

    turn.get_by_role("button", name="Copy the reply").click()

    assert "**397.8**" in page.evaluate("navigator.clipboard.readText()")


def test_a_lost_reply_is_asked_for_again_and_nothing_is_said_twice(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/weather")
    is_ready(page)
    keys: list[str] = []

    def lose_the_first(route: Route) -> None:
        keys.append(json.loads(route.request.post_data or "{}")["messageId"])
        if len(keys) == 1:
            route.fetch()  # it arrives, and is answered
            route.abort("connectionreset")  # but the answer is lost
        else:
            route.continue_()

    page.route("**/chat/stream", lose_the_first)
    ask(page, "What is the weather in London?")

    assert len(keys) == 2
    assert keys[0] == keys[1]
    user = page.evaluate("localStorage.getItem('parley.user')")
    with server.client() as client:
        assert client.get(f"/sessions/{user}/history").json()["count"] == 1


def test_a_page_that_is_left_while_it_waits_takes_up_its_message(
    serve: Callable[..., ParleyServer], visit: Visit, openai_server: OpenAIServer
) -> None:
    server = serve(OPENAI_BASE_URL=openai_server.url, MODEL="openai:test")
    openai_server.will(Reply("A slow but complete answer.", think=2.0))
    page = visit(server, "/talk/chat")
    is_ready(page)
    say(page, "Take your time")

    page.reload()

    expect(reply(turns(page).last)).to_contain_text("A slow but complete answer.", timeout=15_000)
    expect(turns(page)).to_have_count(1)
    assert len(openai_server.chats) == 1


def test_words_appear_as_they_are_made_and_can_be_stopped(
    serve: Callable[..., ParleyServer], visit: Visit, openai_server: OpenAIServer
) -> None:
    server = serve(OPENAI_BASE_URL=openai_server.url, MODEL="openai:test")
    openai_server.will(Reply(" ".join(f"word{number}" for number in range(500)), drip=0.05))
    page = visit(server, "/talk/chat")
    is_ready(page)

    turn = say(page, "Talk at length")
    expect(turn).to_have_attribute("data-state", "streaming")
    expect(reply(turn)).to_contain_text("word10")
    composer(page).press("Escape")

    expect(turn).to_have_attribute("data-state", "stopped")
    expect(turn).to_contain_text("Stopped here.")
    expect(reply(turn)).not_to_contain_text("word499")
    page.reload()
    expect(reply(turns(page).last)).to_contain_text("word10")


def test_a_model_that_fails_is_told_and_can_be_asked_again(
    serve: Callable[..., ParleyServer], visit: Visit, openai_server: OpenAIServer
) -> None:
    server = serve(OPENAI_BASE_URL=openai_server.url, MODEL="openai:test")
    openai_server.answers = lambda call: Reply(status=400)
    page = visit(server, "/talk/chat")
    is_ready(page)

    turn = say(page, "Hello?")
    expect(turn).to_have_attribute("data-state", "failed", timeout=20_000)
    openai_server.answers = lambda call: "Now I am here."
    turn.get_by_role("button", name="Try again").click()

    expect(reply(turns(page).last)).to_contain_text("Now I am here.")
    expect(turns(page)).to_have_count(1)


def test_a_new_reply_is_announced(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/weather")

    ask(page, "What is the weather in London?")

    expect(page.locator("[aria-live=polite][aria-atomic]")).to_contain_text("Weather: ")
