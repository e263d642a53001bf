"""What a first visit costs: ``.venv/bin/python -m tests.browser.figures``.

Bytes over the wire of each view, as Chromium counts them (compressed, headers included), with an empty cache; and the
time from pressing Enter to the first word on the screen, on a model that answers at once.
"""

from __future__ import annotations

import statistics
from typing import Any

from playwright.sync_api import Browser, expect

from tests.app import ParleyServer
from tests.browser.acts import ask, is_ready
from tests.browser.chromium import chromium
from tests.fakes.openai_server import OpenAIServer

VIEWS = ("/", "/talk/chat", "/conversations", "/dashboard")
TURNS = 20


def main() -> None:
    model = OpenAIServer(lambda call: "One two three four five.")
    with (
        model,
        ParleyServer({"OPENAI_BASE_URL": model.url, "MODEL": "openai:test"}) as server,
        chromium() as browser,
    ):
        print(f"{'view':<16}{'JavaScript':>12}{'all of it':>12}{'painted':>10}")
        for path in VIEWS:
            script, everything, painted = _transferred(browser, server, path)
            print(f"{path:<16}{script / 1000:>9.1f} kB{everything / 1000:>9.1f} kB{painted:>7.0f} ms")
        words = sorted(_first_words(browser, server))
        print(f"first word after {statistics.median(words):.0f} ms (median of {TURNS}; slowest {words[-1]:.0f} ms)")


def _transferred(browser: Browser, server: ParleyServer, path: str) -> tuple[int, int, float]:
    """(bytes of JavaScript, bytes of all, ms to the first contentful paint) of a first visit."""
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    client = context.new_cdp_session(page)
    client.send("Network.enable")
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    client.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))

    def finished(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = int(event["encodedDataLength"])

    client.on("Network.loadingFinished", finished)
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_timeout(1_500)
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
    context.close()
    script = sum(size for request, size in sizes.items() if kinds.get(request) == "Script")
    return script, sum(sizes.values()), float(painted)


def _first_words(browser: Browser, server: ParleyServer) -> list[float]:
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    page.goto("/talk/chat")
    is_ready(page)
    found = [float(ask(page, f"Question {number}").get_attribute("data-first-word") or 0) for number in range(TURNS)]
    context.close()
    return found


if __name__ == "__main__":
    main()
