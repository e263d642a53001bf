"""Phone width, dark mode, and what axe says of each view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.app import ParleyServer
from tests.browser.acts import ask, is_ready

Visit = Callable[..., Page]

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 375, "height": 740}
VIEWS = (
    "/",
    "/talk/weather",
    "/talk/junkjet",
    "/talk/news",
    "/talk/chat",
    "/talk/shopping",
    "/conversations",
    "/dashboard",
)


def settled(page: Page) -> None:
    """Wait until the view is there."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if page.url.endswith("/dashboard"):
        expect(page.get_by_role("img", name="Turns.")).to_be_visible()


def serious(page: Page) -> list[Any]:
    """What axe finds that is serious or critical: (rule, where)."""
    page.evaluate(AXE.read_text() + ";null")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (violation["id"], [node["target"] for node in violation["nodes"]][:4])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", VIEWS)
def test_axe_finds_nothing_serious(server: ParleyServer, visit: Visit, path: str, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in web/")
    page = visit(server, "/", color_scheme=scheme, bypass_csp=True)  # so that axe may be put into the page
    page.goto(path)
    if path.startswith("/talk/"):
        is_ready(page)
        ask(page, "Show me laptops under $1,000" if "shopping" in path else "What is new in science?")
    settled(page)

    assert serious(page) == []


@pytest.mark.parametrize("path", VIEWS)
def test_a_phone_shows_everything_without_scrolling_sideways(server: ParleyServer, visit: Visit, path: str) -> None:
    page = visit(server, path, viewport=PHONE, has_touch=True, is_mobile=True)
    if path.startswith("/talk/"):
        is_ready(page)
        ask(page, "Compare the iPhone 15 and the Galaxy S24")
    settled(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate("document.querySelector('main').scrollWidth") <= PHONE["width"]


def test_the_cart_of_a_phone_opens_in_a_dialog(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/talk/shopping", viewport=PHONE)
    ask(page, "Show me laptops under $1,000").get_by_role("button", name="to the cart").first.click()

    page.get_by_role("button", name="Cart, 1 items").click()

    dialog = page.get_by_role("dialog", name="Cart")
    expect(dialog.get_by_role("button", name="Check out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_dark_is_dark_and_can_be_chosen(server: ParleyServer, visit: Visit) -> None:
    page = visit(server, "/", color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")

    button = page.get_by_role("button", name="Colours")
    button.click()
    button.click()

    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert _brightness(light) > 200
    assert _brightness(dark) < 60
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_everything_can_be_done_by_keyboard(server: ParleyServer, visit: Visit) -> None:
    page = visit(server)
    expect(page.locator(".welcome-card").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the conversation")).to_be_focused()
    card = page.locator(".welcome-card[href='/talk/news']")
    for _ in range(40):
        if card.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("textbox", name="Message to News")).to_be_focused()
    page.keyboard.type("What is new?")
    page.keyboard.press("Enter")
    expect(page.locator("li.turn[data-state=done]")).to_have_count(1)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("textbox", name="Message to News")).to_have_value("What is new?")


def _brightness(colour: str) -> float:
    numbers = [float(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    return sum(numbers) / len(numbers)
