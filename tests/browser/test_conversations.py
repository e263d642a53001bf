"""Old conversations are found again, read, renamed, tagged, taken out, brought back and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.app import ParleyServer
from tests.browser.acts import ask, turns

Visit = Callable[..., Page]


@pytest.fixture
def chats(server: ParleyServer) -> None:
    """Three conversations of an archive that is otherwise empty."""
    with server.client() as client:
        client.post("/api/cleanup_sessions/", json={"days_old": 0}).raise_for_status()
        said(client, "boats", "A name for a sailing boat")
        said(client, "numbers", "What is 17% of 2,340?", "And 12 × 12?")
        said(client, "tea", "My name is Ada and I like tea")


def said(client: httpx.Client, session: str, *messages: str) -> None:
    for message in messages:
        body = {"message": message, "assistant": "chat", "sessionId": session}
        client.post("/chat", json=body).raise_for_status()


def row(page: Page, name: str) -> Locator:
    return page.locator(".row", has=page.get_by_role("button", name=name, exact=True))


def choose(page: Page, name: str, item: str) -> None:
    page.get_by_role("button", name=f"More for “{name}”").click()
    page.get_by_role("menuitem", name=item).click()


@pytest.mark.usefixtures("chats")
def test_the_list_is_there_newest_first(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/conversations")

    expect(page.locator(".row-name")).to_have_text(
        ["My name is Ada and I like tea", "What is 17% of 2,340?", "A name for a sailing boat"]
    )
    expect(row(page, "What is 17% of 2,340?")).to_contain_text("4 messages")


@pytest.mark.usefixtures("chats")
def test_a_search_finds_words_of_messages_and_marks_them(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/conversations")

    page.get_by_role("searchbox").fill("397")

    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row-snippet mark")).to_contain_text("397")
    page.get_by_role("searchbox").fill("sailing")
    expect(page.locator(".row-name mark")).to_have_text("sailing")
    page.get_by_role("searchbox").fill("nothing has this word")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()


@pytest.mark.usefixtures("chats")
def test_histories_are_read_one_after_the_other(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/conversations")

    page.get_by_role("button", name="My name is Ada and I like tea", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nice to meet you")
    dialog.get_by_role("button", name="The next one").click()
    expect(dialog).to_contain_text("397.8")
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading", name="A name for a sailing boat")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    dialog.get_by_role("link", name="Continue").click()

    expect(turns(page)).to_have_count(2)
    ask(page, "Thank you")


@pytest.mark.usefixtures("chats")
def test_a_conversation_gets_another_name_and_tags(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/conversations")

    choose(page, "A name for a sailing boat", "Rename")
    page.get_by_role("textbox", name="Name", exact=True).fill("Boats")
    page.get_by_role("button", name="Save").click()
    choose(page, "Boats", "Tags")
    page.get_by_label("Tags, separated by commas").fill("Sea, summer")
    page.get_by_role("button", name="Save").click()

    expect(row(page, "Boats").locator(".tag")).to_have_text(["sea", "summer"])
    page.get_by_label("Tag", exact=True).select_option("sea")
    expect(page.locator(".row")).to_have_count(1)


@pytest.mark.usefixtures("chats")
def test_a_deletion_asks_first(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/conversations")
    name = "A name for a sailing boat"

    choose(page, name, "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(row(page, name)).to_be_visible()
    choose(page, name, "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(row(page, name)).to_have_count(0)
    with server.client() as client:
        assert client.post("/api/get_history/", json={"session_id": "boats"}).status_code == httpx.codes.NOT_FOUND


@pytest.mark.usefixtures("chats")
def test_what_was_taken_out_can_be_brought_back(server: ParleyServer, visit: Visit, tmp_path: Path) -> None:
    page = visit(server, "/conversations")
    name = "What is 17% of 2,340?"
    saved: dict[str, bytes] = {}
    for kind in ("JSON", "Markdown", "PDF"):
        with page.expect_download(timeout=30_000) as download:
            choose(page, name, f"Save as {kind}")
        saved[kind] = Path(download.value.path()).read_bytes()
    file = tmp_path / "chat.json"
    file.write_bytes(saved["JSON"])

    choose(page, name, "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, name)).to_have_count(0)
    page.get_by_label("An exported conversation").set_input_files(file)

    expect(row(page, name)).to_be_visible()
    expect(row(page, name)).to_contain_text("4 messages")
    assert json.loads(saved["JSON"])["session_id"] == "numbers"
    assert b"397.8" in saved["Markdown"]
    assert saved["PDF"].startswith(b"%PDF")
    page.get_by_label("An exported conversation").set_input_files(file)
    expect(page.get_by_text("A conversation with this id is there already")).to_be_visible()


@pytest.mark.usefixtures("chats")
def test_a_clean_up_says_before_how_much_it_deletes(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/conversations")
    page.get_by_role("button", name="Clean up").click()
    dialog = page.get_by_role("dialog")

    expect(dialog).to_contain_text("There are none")
    dialog.get_by_role("textbox").fill("0")
    expect(dialog).to_contain_text("That are 3 conversations.")
    dialog.get_by_role("button", name="Delete 3").click()

    expect(page.get_by_text("3 conversations were deleted.")).to_be_visible()
    expect(page.locator(".row")).to_have_count(0)


def test_conversations_without_an_archive_are_listed_while_this_browser_knows_them(
    server: ParleyServer, visit: Visit
) -> None:
    page = visit(server, "/talk/weather")
    ask(page, "What is the weather in London?")
    page.goto("/conversations")
    page.get_by_role("button", name="Weather", exact=True).click()

    expect(row(page, "What is the weather in London?")).to_contain_text("live, 15 min left")
    with page.expect_download() as download:
        choose(page, "What is the weather in London?", "Save as Markdown")
    assert b"London" in Path(download.value.path()).read_bytes()
    choose(page, "What is the weather in London?", "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".row")).to_have_count(0)
    page.goto("/talk/weather")
    expect(page.locator(".starters")).to_be_visible()


def test_ten_thousand_conversations_scroll(server: ParleyServer, visit: Visit) -> None:
    asked: list[int] = []

    def names(route: Route) -> None:
        """Ten thousand rows, in pages as the server makes them."""
        query = parse_qs(urlsplit(route.request.url).query)
        offset, limit = int(query["offset"][0]), int(query["limit"][0])
        asked.append(offset)
        at = "2026-11-20T10:00:00.000Z"
        rows = [
            {
                "session_id": f"s{n}",
                "chat_name": f"Number {n}",
                "created_at": at,
                "last_activity": at,
                "message_count": 2,
            }
            for n in range(offset, min(10_000, offset + limit))
        ]
        route.fulfill(json={"sessions": rows, "total": 10_000})

    page = visit(server)
    page.route("**/api/session_names/**", names)
    page.goto("/conversations")
    expect(page.get_by_text("10,000 conversations")).to_be_visible()
    expect(page.get_by_text("Number 0", exact=True)).to_be_visible()

    page.locator(".list").evaluate("list => { list.scrollTop = list.scrollHeight }")
    expect(page.get_by_text("Number 9999", exact=True)).to_be_visible()

    assert page.locator(".row").count() < 60
    assert len(asked) < 15
