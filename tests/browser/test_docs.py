"""``/docs`` in a real browser: the whole description, and a request made from it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.app import ParleyServer

Visit = Callable[..., Page]


def heard(page: Page) -> list[str]:
    """What the page's console says is wrong, from now on."""
    told: list[str] = []
    page.on(
        "console",
        lambda message: (
            told.append(f"{message.text} {message.location}") if message.type in ("error", "warning") else None
        ),
    )
    page.on("requestfailed", lambda request: told.append(f"{request.url} failed"))
    return told


def test_the_description_is_read_and_tried(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/docs")
    expect(page.locator("details.operation").first).to_be_visible(timeout=30_000)
    told, asked = heard(page), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.reload()

    expect(page.get_by_role("heading", name="Parley: the API")).to_be_visible()
    expect(page.locator("details.operation").first).to_be_visible()
    described = page.request.get("/openapi.json").json()
    operations = sum(len(item) for item in described["paths"].values())
    expect(page.locator("details.operation")).to_have_count(operations)

    chat = page.locator("details.operation").filter(has=page.get_by_text("/chat", exact=True))
    chat.locator("summary").first.click()
    chat.get_by_role("button", name="Try it").click()
    answer = chat.get_by_label("Answer")
    expect(answer).to_contain_text("200", timeout=15_000)
    expect(answer).to_contain_text('"success": true')

    page.get_by_label("Find").fill("409 stop")
    expect(page.locator("details.operation:visible")).not_to_have_count(operations)
    assert told == []
    assert [url for url in asked if not url.startswith(server.url)] == []


def test_with_a_key_it_asks_as_that_user(serve: Callable[..., ParleyServer], visit: Visit) -> None:
    page = visit(serve(AUTH="on", API_KEYS="ada=key-of-ada"), "/docs")
    told = heard(page)
    page.get_by_label("Key").fill("key-of-ada")
    one = page.locator("details.operation").filter(has=page.get_by_text("/assistants", exact=True))
    one.locator("summary").first.click()
    one.get_by_role("button", name="Try it").click()

    expect(one.get_by_label("Answer")).to_contain_text('"user": "ada"')
    assert told == []
