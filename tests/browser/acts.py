"""What a person does on the page, in a few words."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message to")


def say(page: Page, text: str) -> Locator:
    """Send a message; its turn, which may still be on its way."""
    before = turns(page).count()
    composer(page).fill(text)
    composer(page).press("Enter")
    expect(turns(page)).to_have_count(before + 1)
    return turns(page).last


def ask(page: Page, text: str) -> Locator:
    """Send a message and wait for the whole reply."""
    turn = say(page, text)
    expect(turn).to_have_attribute("data-state", "done", timeout=15_000)
    return turn


def turns(page: Page) -> Locator:
    return page.locator("li.turn")


def reply(turn: Locator) -> Locator:
    return turn.locator(".prose")


def is_ready(page: Page) -> None:
    """Wait until a conversation is loaded."""
    expect(page.locator(".starters, li.turn").first).to_be_visible()
