"""Fixtures of the browser tests: the real server on a Redis of its own, and pages that must not break our policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from api.page import DIST
from tests.app import ParleyServer
from tests.browser.chromium import chromium
from tests.fakes.open_meteo import OpenMeteoServer
from tests.servers import RedisServer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not (DIST / "index.html").is_file():
        pytest.skip("the page has not been built: ./process-manager.sh setup, with Node.js")
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def sky() -> Iterator[OpenMeteoServer]:
    with OpenMeteoServer() as server:
        yield server


@pytest.fixture
def serve(sky: OpenMeteoServer, tmp_path: Path) -> Iterator[Callable[..., ParleyServer]]:
    """Starts a server for this test alone: ``serve(redis, AUTH="on")``; in memory where no Redis is given."""
    with ExitStack() as stack:

        def start(redis: RedisServer | None = None, **env: str) -> ParleyServer:
            return stack.enter_context(ParleyServer({**_settings(sky, redis), **env}, folder=tmp_path / "server"))

        yield start


@pytest.fixture(scope="module")
def server(sky: OpenMeteoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParleyServer]:
    """One server with a Redis of its own for the tests of a file that don't change it."""
    with (
        RedisServer(tmp_path_factory.mktemp("redis")) as redis,
        ParleyServer(_settings(sky, redis), folder=tmp_path_factory.mktemp("server")) as started,
    ):
        yield started


def _settings(sky: OpenMeteoServer, redis: RedisServer | None) -> Mapping[str, str]:
    weather = {"WEATHER_URL": sky.forecast_url, "GEOCODING_URL": sky.geocoding_url}
    return {**weather, "REDIS_URL": redis.url() if redis else "memory://"}


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A new visitor, with storage of their own: ``visit(server, "/talk/weather", color_scheme="dark")``.

    At the end of the test: no script failed, and nothing was refused by the Content-Security-Policy.
    """
    faults: list[str] = []
    contexts: list[BrowserContext] = []

    def open_page(server: ParleyServer, path: str = "/", **options: object) -> Page:
        context = browser.new_context(base_url=server.url, **{"locale": "en-GB", **options})  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        contexts.append(context)
        context.on("page", lambda page: watch(page, faults))
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def watch(page: Page, faults: list[str]) -> None:
    """Puts down what a page must never do."""
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None,
    )
