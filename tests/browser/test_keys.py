"""With AUTH=on the page asks who one is."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.app import ParleyServer
from tests.browser.acts import ask, turns

Visit = Callable[..., Page]

KEYS = "ada=key-of-ada,*=key-of-the-house"


def come_in(page: Page, key: str) -> None:
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Come in").click()


def test_a_user_talks_and_sees_no_dashboard(serve: Callable[..., ParleyServer], visit: Visit) -> None:
    page = visit(serve(AUTH="on", API_KEYS=KEYS), "/talk/news")

    come_in(page, "not the key")
    expect(page.get_by_role("alert")).to_contain_text("That key is not known here.")
    come_in(page, "key-of-ada")
    ask(page, "What is new?")
    page.reload()

    expect(turns(page)).to_have_count(1)
    expect(page.get_by_role("link", name="Dashboard")).to_have_count(0)
    page.goto("/dashboard")
    expect(page.get_by_text("For administrators")).to_be_visible()
    page.goto("/talk/weather")
    ask(page, "What is the weather in London?")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your key")).to_be_visible()


def test_an_administrator_has_the_dashboard(serve: Callable[..., ParleyServer], visit: Visit) -> None:
    page = visit(serve(AUTH="on", API_KEYS=KEYS), "/dashboard")

    come_in(page, "key-of-the-house")

    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_one_user_does_not_find_the_conversation_of_another(serve: Callable[..., ParleyServer], visit: Visit) -> None:
    server = serve(AUTH="on", API_KEYS=f"{KEYS},bob=key-of-bob")
    page = visit(server, "/talk/news")
    come_in(page, "key-of-ada")
    ask(page, "What is new?")

    other = visit(server, page.url.removeprefix(server.url))
    come_in(other, "key-of-bob")

    expect(other.locator(".starters")).to_be_visible()
    expect(turns(other)).to_have_count(0)
