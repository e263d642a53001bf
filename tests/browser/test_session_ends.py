"""A session ends, in each of the ways there are, and the page says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.app import ParleyServer
from tests.browser.acts import ask, turns

Visit = Callable[..., Page]


@pytest.mark.parametrize(
    ("assistant", "env", "why"),
    [
        ("weather", {"INACTIVITY_TIMEOUT": "3"}, "Nothing was said for 3 seconds."),
        ("weather", {"SESSION_DURATION": "4"}, "It had lasted 4 seconds"),
        ("shopping", {"SHOPPING_MAX_TURNS": "1"}, "All 1 messages of the session were used."),
    ],
)
def test_the_end_is_told_with_its_reason(
    serve: Callable[..., ParleyServer], visit: Visit, assistant: str, env: dict[str, str], why: str
) -> None:
    page = visit(serve(**env), f"/talk/{assistant}")
    ask(page, "Hello!")

    ended = page.locator(".ended")
    expect(ended).to_contain_text(why, timeout=15_000)
    ended.get_by_role("button", name="Go on in a new session").click()
    expect(ended).to_have_count(0)
    ask(page, "And again!")

    expect(turns(page)).to_have_count(2)
    expect(page.get_by_text("New session", exact=True)).to_be_visible()


def test_a_session_that_is_ended_by_hand_says_so(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/news")
    ask(page, "What is new?")

    page.get_by_role("button", name="Conversation").click()
    page.get_by_role("menuitem", name="End this session").click()

    expect(page.locator(".ended")).to_contain_text("It was ended by hand.")


def test_an_end_by_an_administrator_is_seen_at_once(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/junkjet")
    ask(page, "How much is copper?")
    user = page.evaluate("localStorage.getItem('parley.user')")

    with server.client() as client:
        client.post(f"/sessions/{user}/end?assistant=junkjet").raise_for_status()

    expect(page.locator(".ended")).to_contain_text("It was ended by hand.")


def test_the_meter_counts_and_warns(serve: Callable[..., ParleyServer], visit: Visit) -> None:
    page = visit(serve(MAX_CONVERSATIONS_PER_SESSION="4"), "/talk/weather")
    meter = page.locator(".meter")

    ask(page, "What is the weather in London?")
    expect(meter).to_contain_text("3 messages")
    expect(meter).to_have_attribute("data-level", "soon")
    ask(page, "And in Paris?")
    ask(page, "And in Rome?")

    expect(meter).to_contain_text("1 message")
    expect(meter).to_have_attribute("data-level", "now")
