"""Whatever a model says stays text: no script, no request to elsewhere, no frozen page."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.app import ParleyServer
from tests.browser.acts import ask, is_ready, reply
from tests.fakes.openai_server import OpenAIServer
from tests.injections import injections

Visit = Callable[..., Page]

ATTACK = """
<script>window.hit = 1</script> <img src=x onerror="window.hit = 1"> <svg onload="window.hit = 1"></svg>

[one](javascript:window.hit=1) [two](data:text/html,<script>parent.hit=1</script>)

![three](https://elsewhere.example/pixel.png) ![four](//elsewhere.example/pixel.png)

<iframe src="https://elsewhere.example/"></iframe> <style>body{display:none}</style>
<form action="https://elsewhere.example/"><input autofocus onfocus="window.hit=1"></form>

| a |
|---|
| <img src=x onerror="window.hit=1"> |

The end.
"""


def test_what_attacks_the_page_is_shown_as_text(
    serve: Callable[..., ParleyServer], visit: Visit, openai_server: OpenAIServer
) -> None:
    server = serve(OPENAI_BASE_URL=openai_server.url, MODEL="openai:test")
    openai_server.answers = lambda call: ATTACK
    page = visit(server, "/talk/chat")
    is_ready(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    turn = ask(page, ATTACK)

    expect(reply(turn)).to_contain_text("The end.")
    expect(reply(turn)).to_contain_text("<script>window.hit = 1</script>")
    assert page.evaluate("window.hit") is None
    assert page.locator(".turns :is(script, iframe, form, style, img, [onerror], [onload])").count() == 0
    assert page.locator(".turns a:not([href^='https://'])").count() == 0
    assert [url for url in asked if not url.startswith(server.url)] == []


def test_orders_for_a_model_do_nothing_on_the_page(
    serve: Callable[..., ParleyServer], visit: Visit, openai_server: OpenAIServer
) -> None:
    server = serve(OPENAI_BASE_URL=openai_server.url, MODEL="openai:test")
    orders = "\n\n".join(injections())
    openai_server.answers = lambda call: f"{orders}\n\nThe end."
    page = visit(server, "/talk/chat")
    is_ready(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    turn = ask(page, orders)

    expect(reply(turn)).to_contain_text("The end.")
    assert page.evaluate("window.hit") is None
    assert page.locator(".turns :is(script, iframe, form, style, img, [onerror], [onload])").count() == 0
    assert page.locator(".turns a:not([href^='https://'], [href^='http://'])").count() == 0
    assert [url for url in asked if not url.startswith(server.url)] == []


def test_a_hundred_kilobytes_leave_the_page_quick(
    serve: Callable[..., ParleyServer], visit: Visit, openai_server: OpenAIServer
) -> None:
    server = serve(OPENAI_BASE_URL=openai_server.url, MODEL="openai:test")
    paragraph = "**Word** after `word` and [a link](https://a.example), on and on. " * 8
    text = "\n\n".join(f"{number}: {paragraph}" for number in range(200))
    openai_server.answers = lambda call: text
    page = visit(server, "/talk/chat")
    is_ready(page)

    turn = ask(page, "Say very much")

    assert len(text) > 100_000
    expect(reply(turn)).to_contain_text("199: Word")
    page.get_by_role("textbox", name="Message to").fill("still here")
    late = page.evaluate(
        "() => new Promise(done => { const at = performance.now();"
        " setTimeout(() => done(performance.now() - at), 50); })"
    )
    assert late < 500
    assert page.evaluate("document.querySelector('.talk').scrollWidth <= document.querySelector('.talk').clientWidth")


def test_one_endless_word_does_not_break_the_layout(
    serve: Callable[..., ParleyServer], visit: Visit, openai_server: OpenAIServer
) -> None:
    server = serve(OPENAI_BASE_URL=openai_server.url, MODEL="openai:test")
    openai_server.answers = lambda call: "x" * 20_000 + "\n\n```\n" + "y" * 5_000 + "\n```"
    page = visit(server, "/talk/chat", viewport={"width": 390, "height": 844})
    is_ready(page)

    ask(page, "z" * 3_000)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
