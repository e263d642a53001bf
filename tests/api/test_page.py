"""The browser app's files, and what stands there without them."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from api import errors, page
from api.page import POLICY
from memory import open_store
from tests.app import services_on


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A build, as small as one can be."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Parley</title>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("hello()")
    (tmp_path / "assets" / "app-1a2b.js.gz").write_bytes(b"packed")
    (tmp_path / "secret.txt").write_text("not for the web")
    return tmp_path


def browser(dist: Path) -> FlaskClient:
    with services_on(open_store("memory://"), "weather") as services:
        app = Flask("page", static_folder=None)
        errors.register(app)
        app.before_request(lambda: setattr(g, "request_id", "of-the-test"))
        app.register_blueprint(page.blueprint(services, dist))
    return app.test_client()


@pytest.mark.parametrize("path", ["/", "/talk/weather", "/talk/news/an-id", "/conversations", "/dashboard"])
def test_each_of_the_apps_own_addresses_is_the_app(dist: Path, path: str) -> None:
    reply = browser(dist).get(path)

    assert reply.status_code == 200
    assert reply.mimetype == "text/html"
    assert "Parley" in reply.text
    assert reply.headers["Content-Security-Policy"] == POLICY
    assert reply.headers["Cache-Control"] == "no-cache"


def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


def test_assets_are_kept_for_good_and_come_compressed_to_those_who_take_it(dist: Path) -> None:
    client = browser(dist)

    packed = client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip, br"})
    plain = client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip;q=0"})

    assert packed.data == b"packed"
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.text == "hello()"
    assert "Content-Encoding" not in plain.headers
    for reply in (packed, plain):
        assert reply.mimetype == "text/javascript"
        assert "immutable" in reply.headers["Cache-Control"]
        assert reply.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/assets/nothing.js", "/assets/../secret.txt", "/assets/%2e%2e/secret.txt"])
def test_what_is_no_asset_is_not_found(dist: Path, path: str) -> None:
    assert browser(dist).get(path).status_code == 404


def test_a_build_that_is_there_already_costs_nothing_the_second_time(dist: Path) -> None:
    client = browser(dist)
    first = client.get("/")

    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304


def test_without_a_build_the_page_says_how_to_get_it_and_that_the_rest_works(tmp_path: Path) -> None:
    reply = browser(tmp_path).get("/", headers={"Host": 'x"><script>'})

    assert reply.status_code == 200
    assert "./process-manager.sh setup" in reply.text
    assert "curl http" in reply.text
    assert "<script>" not in reply.text
