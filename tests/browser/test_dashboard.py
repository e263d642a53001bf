"""The dashboard moves with what happens, and acts."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.app import ParleyServer
from tests.browser.acts import ask

Visit = Callable[..., Page]


def test_it_moves_by_itself(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/dashboard")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    turns = page.locator(".tile", has_text="Turns in the last hour").locator(".tile-value")
    before = int(turns.inner_text().replace(",", ""))

    with server.client() as client:
        for number in range(3):
            client.post("/chat", json={"message": "Weather in London?", "userId": f"dash-{number}"}).raise_for_status()

    expect(turns).to_have_text(str(before + 3))
    expect(page.get_by_text("Weather: a turn", exact=False).first).to_be_visible()
    expect(page.get_by_role("img", name="Turns.")).to_have_attribute(
        "aria-label", f"Turns. {before + 3} turns and 0 errors in the last hour."
    )


def test_it_shows_store_memory_cleanup_intents_and_topics(server: ParleyServer, visit: Visit) -> None:
    with server.client() as client:
        for assistant, message in (
            ("junkjet", "How much is copper?"),
            ("shopping", "laptops, please"),
            ("shopping", "laptops, please"),
        ):
            client.post("/chat", json={"message": message, "userId": "kay", "assistant": assistant}).raise_for_status()
    page = visit(server, "/dashboard")

    expect(page.locator(".tile", has_text="serving")).to_be_visible()
    expect(page.locator(".tile", has_text="Memory of Redis")).to_contain_text("MB")
    expect(page.locator(".panel", has_text="What people want")).to_contain_text("pricing")
    expect(page.locator(".panel", has_text="What shoppers talk about")).to_contain_text("laptop")
    expect(page.locator(".tile", has_text="Answers from the cache")).to_contain_text("1 of 2 shopping questions")
    page.get_by_role("button", name="Clean up now").click()
    expect(page.get_by_text("Cleaned up")).to_be_visible()
    page.get_by_role("button", name="24 hours").click()
    expect(page.get_by_text("in ten minutes").first).to_be_visible()


def test_a_session_is_ended_from_the_table(server: ParleyServer, visit: Visit) -> None:
    talk = visit(server, "/talk/news")
    ask(talk, "What is new?")
    subject = talk.url.rsplit("/", 1)[1]
    page = visit(server, "/dashboard")

    page.get_by_role("button", name=f"End the session of {subject}").click()
    page.get_by_role("dialog").get_by_role("button", name="End it").click()

    expect(page.get_by_role("button", name=f"End the session of {subject}")).to_have_count(0)
    expect(talk.locator(".ended")).to_contain_text("It was ended by hand.")
