"""Redis dies, and comes back: the page stays calm, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.app import ParleyServer
from tests.browser.acts import ask, turns
from tests.servers import RedisServer

Visit = Callable[..., Page]


def test_redis_dies_and_returns(serve: Callable[..., ParleyServer], visit: Visit, own_redis: RedisServer) -> None:
    server = serve(own_redis)
    page = visit(server, "/talk/chat")
    ask(page, "My name is Ada")
    dashboard = page.context.new_page()
    dashboard.goto("/dashboard")
    tile = dashboard.locator(".tile", has_text="Redis").first
    expect(tile).to_contain_text("serving")

    own_redis.kill()
    page.bring_to_front()
    turn = ask(page, "What is my name?")

    expect(turn).to_contain_text("Ada")
    expect(page.locator(".banner")).to_contain_text("The session store is away", timeout=15_000)
    expect(dashboard.locator(".tile", has_text="away").first).to_be_visible(timeout=15_000)

    own_redis.restart()
    expect(page.locator(".banner")).to_be_hidden(timeout=20_000)
    expect(tile).to_contain_text("serving", timeout=20_000)
    page.reload()
    expect(turns(page)).to_have_count(2)


def test_a_server_that_is_away_is_waited_for(serve: Callable[..., ParleyServer], visit: Visit) -> None:
    server = serve()
    page = visit(server, "/talk/weather")
    ask(page, "What is the weather in London?")

    server.kill()
    page.get_by_role("textbox", name="Message to").fill("And in Paris?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The connection was lost.")).to_be_visible()
    server.restart()

    expect(turns(page).last).to_have_attribute("data-state", "done", timeout=30_000)
    expect(turns(page).last).to_contain_text("Paris")
