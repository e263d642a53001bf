"""Pictures of every view, for the README and docs: ``.venv/bin/python -m tests.browser.screenshots``.

The real server with the offline model, on a Redis of its own; what is said and shown is the same each time.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, ViewportSize, expect

from memory import open_store
from memory.stores.base import Counted
from tests.app import ROOT, ParleyServer
from tests.browser.acts import ask, is_ready
from tests.browser.chromium import chromium
from tests.fakes.open_meteo import OpenMeteoServer
from tests.servers import RedisServer

FOLDER = ROOT / "docs" / "screenshots"
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)

SAID = {
    "weather": ("What is the weather in London?", "Do I need an umbrella tomorrow?", "And in Tokyo?"),
    "junkjet": ("How much do I get for 12 kg of copper?", "Who buys scrap metal in Pune?"),
    "news": ("What is new in science?", "Tell me more about the night nurse and the comet"),
    "chat": ("My name is Ada and I like tea", "What is 17% of 2,340?", "What do you know about me?"),
    "shopping": ("Compare the iPhone 15 and the Galaxy S24", "Show me laptops under $1,000"),
}
CITIES = ("London", "Tokyo", "Paris") * 5 + ("London", "Paris")
"""As many as are left of a session's twenty messages."""

OTHERS = (
    "Plan a picnic for twelve",
    "How many days until New Year?",
    "Convert 26.2 miles to km",
    "What day was 4 July 1976?",
    "A name for a sailing boat",
    "What is the square root of two?",
    "My favourite colour is green",
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="screenshots-"))
    try:
        with (
            OpenMeteoServer() as sky,
            RedisServer(folder / "redis", options=("--maxmemory", "64mb")) as redis,
            ParleyServer(
                {
                    "REDIS_URL": redis.url(),
                    "WEATHER_URL": sky.forecast_url,
                    "GEOCODING_URL": sky.geocoding_url,
                    "CLEANUP_INTERVAL": "20000",
                },
                folder=folder / "server",
            ) as server,
            chromium() as browser,
        ):
            _a_day_before(redis)
            _populate(server)
            _desktop(browser, server, redis)
            _phone(browser, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _a_day_before(redis: RedisServer) -> None:
    """Counts of a day that was not: busy at noon, quiet at night."""
    store = open_store(redis.url())
    now = store.now()
    for ago in range(1, 1_440):
        busy = 62 + 38 * math.sin(ago / 229) + 9 * math.sin(ago / 3.1) + ago % 7
        turns = max(0, round(busy))
        ended = turns // 5
        deltas = {
            "weather.turns": turns,
            "weather.started": ended,
            "weather.errors": int(ago % 97 == 0),
            "weather.ended.inactivity": ended,
            "weather.ended.conversation_limit": ago % 4,
            "weather.ended.manual": ago % 3,
            f"weather.ms.{round(37 + math.sin(ago / 9))}": turns,
            f"weather.ms.{round(43 + 2 * math.sin(ago / 6))}": turns // 12,
        }
        store.count(Counted(now - ago * 60_000, {name: number for name, number in deltas.items() if number}))
    store.close_store()


def _populate(server: ParleyServer) -> None:
    """People who talk, so that lists and charts have something to show."""
    with server.client() as client:
        for number in range(24):
            for assistant in ("weather", "junkjet", "news", "shopping")[: 1 + number % 4]:
                for message in SAID[assistant][: 1 + number % 2]:
                    _said(client, assistant, f"visitor-{number:02}", message)
        for number, message in enumerate(OTHERS):
            _said(client, "chat", f"earlier-{number}", message)
        for number in range(5):
            client.post(f"/sessions/visitor-{number:02}/end?assistant=weather").raise_for_status()


def _said(client: httpx.Client, assistant: str, subject: str, message: str) -> None:
    body = {"message": message, "userId": subject, "assistant": assistant}
    client.post("/chat", json=body).raise_for_status()


def _desktop(browser: Browser, server: ParleyServer, redis: RedisServer) -> None:
    for scheme in ("light", "dark"):
        context = browser.new_context(
            base_url=server.url, viewport=DESKTOP, color_scheme=scheme, locale="en-GB", device_scale_factor=1.5
        )
        page = context.new_page()
        page.goto("/")
        expect(page.locator(".welcome-card").first).to_be_visible()
        _shoot(page, f"welcome-{scheme}")
        for assistant, messages in SAID.items():
            page.goto(f"/talk/{assistant}")
            is_ready(page)
            if scheme == "light" and assistant == "chat":
                _shoot(page, "starters-light")
            for message in messages:
                ask(page, message)
            if assistant == "shopping":
                page.get_by_role("button", name="to the cart").nth(-4).click()
                expect(page.locator(".cart-side li")).to_have_count(1)
            _shoot(page, f"{assistant}-{scheme}")
        if scheme == "light":
            page.goto("/talk/weather")
            expect(page.locator("li.turn")).to_have_count(3)
            for city in CITIES:
                ask(page, f"And in {city}?")
            expect(page.locator(".ended")).to_be_visible()
            _shoot(page, "session-over-light")
        page.goto("/conversations")
        expect(page.locator(".row").first).to_be_visible()
        _shoot(page, f"conversations-{scheme}")
        if scheme == "light":
            page.locator(".row-name").first.click()
            expect(page.get_by_role("dialog").locator(".turn, .quiet").first).to_be_visible()
            _shoot(page, "history-light")
        page.goto("/dashboard")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        expect(page.locator(".sessions tbody tr").nth(3)).to_be_visible()
        _shoot(page, f"dashboard-{scheme}")
        with server.client() as client:
            for assistant in ("weather", "junkjet", "news"):
                _said(client, assistant, f"newcomer-{scheme}", SAID[assistant][0])
        expect(page.locator(".recent li").nth(5)).to_be_visible()
        page.locator(".panels").evaluate("element => element.scrollIntoView({block: 'start'})")
        _shoot(page, f"dashboard-below-{scheme}")
        if scheme == "light":
            _outage(page, redis)
        context.close()


def _outage(page: Page, redis: RedisServer) -> None:
    """Redis dies and comes back."""
    page.goto("/dashboard")
    expect(page.locator(".tile", has_text="serving")).to_be_visible()
    redis.kill()
    expect(page.locator(".banner")).to_contain_text("The session store is away", timeout=20_000)
    expect(page.locator(".tile", has_text="away")).to_be_visible(timeout=20_000)
    _shoot(page, "redis-away-light")
    redis.restart()
    expect(page.locator(".banner")).to_be_hidden(timeout=30_000)


def _phone(browser: Browser, server: ParleyServer) -> None:
    context = browser.new_context(
        base_url=server.url, viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True, locale="en-GB"
    )
    page = context.new_page()
    page.goto("/")
    expect(page.locator(".welcome-card").first).to_be_visible()
    _shoot(page, "phone-welcome")
    page.goto("/talk/weather")
    is_ready(page)
    ask(page, "What is the weather in London?")
    _shoot(page, "phone-weather")
    page.goto("/talk/shopping")
    is_ready(page)
    ask(page, "Show me laptops under $1,000")
    _shoot(page, "phone-shopping")
    page.goto("/conversations")
    expect(page.locator(".row").first).to_be_visible()
    _shoot(page, "phone-conversations")
    page.goto("/dashboard")
    expect(page.locator(".tile", has_text="serving")).to_be_visible()
    _shoot(page, "phone-dashboard")
    context.close()


def _shoot(page: Page, name: str) -> None:
    page.evaluate("document.fonts.ready")
    page.mouse.move(0, 0)
    page.wait_for_timeout(600)  # what slides or fades has come to rest
    page.screenshot(path=FOLDER / f"{name}.png")
    print(FOLDER.relative_to(ROOT) / f"{name}.png")


if __name__ == "__main__":
    main()
