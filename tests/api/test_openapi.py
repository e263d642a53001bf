"""The description of the API is whole, valid and true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

import api
import assistants
from api.errors import DESCRIBED
from api.openapi import undescribed, unlisted, views
from tests.api.conftest import Client, MakeClient
from tests.api.described import Checked, Json

SOURCES = [Path(str(api.__file__)).parent, Path(str(assistants.__file__)).parent]


@pytest.fixture
def app(make_client: MakeClient) -> Flask:
    application: Flask = make_client().application
    return application


@pytest.fixture
def document(app: Flask) -> Json:
    found: Json = app.test_client().get("/openapi.json").json  # type: ignore[assignment]
    return found


def test_it_is_valid_openapi(document: Json) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_is_described(app: Flask) -> None:
    assert undescribed(app) == []


def test_a_route_that_is_not_described_is_noticed(app: Flask) -> None:
    app.add_url_rule("/nowhere", "nowhere", lambda: "", methods=["PUT"])
    app.add_url_rule("/file", "file", unlisted(lambda: ""))

    assert undescribed(app) == ["PUT /nowhere"]


def test_the_document_and_the_route_map_are_the_same(app: Flask, document: Json) -> None:
    in_document = {(path, method) for path, item in document["paths"].items() for method in item}
    in_map = {
        (path, method) for path, method, _, view in views(app) if getattr(view, "parley_description", None) is not None
    }

    assert in_document == in_map
    assert {("/chat", "post"), ("/v1/chat/completions", "post"), ("/users/{user}", "delete")} <= in_document


def test_ids_of_operations_are_unique_and_tags_are_explained(document: Json) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(tags[tag] for operation in operations for tag in operation["tags"])
    assert all(operation["summary"] for operation in operations)


def test_every_code_that_the_server_knows_is_described_with_its_status() -> None:
    source = "\n".join(path.read_text() for folder in SOURCES for path in folder.rglob("*.py"))
    raised = set(re.findall(r"ApiError\(\s*(\d{3}),\s*\"(\w+)\"", source))
    table = set(re.findall(r"\((\d{3}), \"([a-z_]+)\"\)", source))

    assert len(raised) > 10
    assert [(status, code) for status, code in raised | table if DESCRIBED.get(code, (0,))[0] != int(status)] == []


def test_every_error_says_what_it_means(document: Json) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                if status[0] in "45":
                    assert "`" in response["description"], (path, method, status)
                    assert "application/json" in response["content"], (path, method, status)


def test_the_examples_are_true_to_their_schemas(client: Client) -> None:
    checked = Checked(client)
    for path, item in checked.document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                if media := response["content"].get("application/json"):
                    checked.check(media["schema"], media["example"], f"the example of {method} {path} {status}")
            if body := operation.get("requestBody"):
                media = body["content"]["application/json"]
                checked.check(media["schema"], media["example"], f"the example of the body of {method} {path}")


def test_security_is_told_as_it_is(make_client: MakeClient) -> None:
    open_ = make_client().get("/openapi.json").json
    guarded = make_client(AUTH="on", API_KEYS="*=operators-key").get("/openapi.json").json

    assert all("security" not in operation for item in open_["paths"].values() for operation in item.values())
    without = {path for path, item in guarded["paths"].items() if any("security" not in each for each in item.values())}
    assert without == {"/health", "/ready", "/docs", "/openapi.json"} | ({"/api/health"} & set(guarded["paths"]))


def test_the_page_needs_nothing_from_elsewhere(client: Client) -> None:
    page, script, style = (client.get(path) for path in ("/docs", "/docs/docs.js", "/docs/docs.css"))

    assert [page.status_code, script.status_code, style.status_code] == [200, 200, 200]
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"(?:src|href)=\"(?!/|data:,\")|<script>|<style|\son\w+=|style=", page.text)
    assert "innerHTML" not in script.text
    assert client.get("/docs/elsewhere.py").status_code == 404


def test_the_page_is_open_where_keys_are_needed(make_client: MakeClient) -> None:
    client = make_client(AUTH="on", API_KEYS="*=operators-key")

    assert [client.get(path).status_code for path in ("/docs", "/docs/docs.js", "/openapi.json")] == [200, 200, 200]
    assert client.get("/system/memory").status_code == 401


def walk_junkjet(ask: Checked) -> None:
    for message in ("I have 20 kg of plastic bottles to sell near me", "who buys copper?"):
        ask("post", "/chatbot/chatbotquery", json={"message": message, "userId": "ada"})
    ask("get", "/chatbot/session/ada")
    ask("get", "/chatbot/sessions/analytics")
    ask("delete", "/chatbot/session/ada")
    ask("get", "/chatbot/session/ada")


def walk_news(ask: Checked) -> None:
    news = ask("post", "/api/session/create").json["sessionId"]
    ask("post", "/api/send-message", json={"question": "What is new in solar power?"}, headers={"session-id": news})
    ask("get", f"/api/session/{news}/history")
    ask("get", f"/api/session/{news}/validate")
    ask("delete", f"/api/session/{news}")
    ask("delete", f"/api/session/{news}")


def walk_shopping(ask: Checked) -> None:
    shop = "/api/v1/shopping"
    cart = f"{shop}/session/shop1"
    ask("post", f"{shop}/query", json={"q": "phones under 500", "sessionId": "shop1"})
    ask("post", f"{shop}/query/stream", json={"q": "the first one?", "sessionId": "shop1"})
    ask("post", f"{cart}/preferences", json={"budget_range": "100-500", "preferred_brands": ["Samsung"]})
    ask("post", f"{cart}/preferences", json={"budget_range": {}})
    ask("get", f"{cart}/preferences")
    item = {"name": "Phone", "price": 99.5, "category": "phones", "sku": "P-1", "quantity": 2}
    ask("post", f"{cart}/cart/add", json=item)
    ask("post", f"{cart}/cart/checkout")
    ask("post", f"{cart}/cart/checkout")
    ask("post", f"{cart}/cart/add", json=item)
    ask("get", f"{cart}/cart")
    ask("delete", f"{cart}/cart/items/P-1")
    ask("delete", f"{cart}/cart/items/P-1")
    ask("delete", f"{cart}/cart/clear")
    ask("get", f"{cart}/info")
    ask("get", f"{cart}/conversation")
    ask("get", f"{shop}/session/nobody/cart")


def walk_chat(ask: Checked) -> None:
    made = ask("post", "/api/generate", json={"prompt": "Hello, who are you?"}).json["session_id"]
    ask("post", "/api/get_history", json={"session_id": made})
    ask("post", "/api/get_history", json={"session_id": "nobody"})
    ask("get", "/api/session_names?q=hello&limit=5")
    ask("patch", f"/api/sessions/{made}", json={"chat_name": "Hello", "tags": ["a"]})
    for path in ("sessions", "session_stats", "tags", "templates", "health", "cleanup_sessions?days_old=1"):
        ask("get", f"/api/{path}")
    exported = ask("get", f"/api/sessions/{made}/export").data
    ask("get", f"/api/sessions/{made}/export?format=md")
    ask("get", f"/api/sessions/{made}/export?format=pdf")
    ask("post", "/api/sessions/import", data=exported, content_type="application/json")
    ask("post", "/api/clear_history", json={"session_id": made})
    ask("delete", f"/api/sessions/{made}")
    ask("post", "/api/sessions/import", data=exported, content_type="application/json")
    ask("post", "/api/cleanup_sessions", json={"days_old": 0})


TALKS = {"junkjet": walk_junkjet, "news": walk_news, "shopping": walk_shopping, "chat": walk_chat}
"""Assistants with a face of their own; those that are there are talked to."""


def walk(ask: Checked) -> None:
    """One request at least to every endpoint, and some that are refused."""
    asked = {"json": {"message": "Weather in London?", "userId": "ada"}}
    reply = ask("post", "/chat", **asked).json
    ask("post", "/chat/stream", **asked)
    ask("post", "/chat/stop", json={"userId": "ada"})
    ask("post", "/chat/stop", json={})
    ask("post", "/chat", data=b"{", content_type="application/json")
    ask("post", "/chat", data=b"hello")
    ask("post", "/chat", json={"message": "x" * 9_000})
    ask("post", "/chat", json={"message": "again", "userId": "ada", "messageId": "k"})
    ask("post", "/chat", json={"message": "other", "userId": "ada", "messageId": "k"})
    ask("get", "/sessions/ada")
    ask("get", "/sessions/_")
    ask("get", "/sessions/ada/history?limit=5")
    ask("get", "/sessions/ada/history?limit=0")
    ask("get", f"/sessions/ada/history/{reply['sessionId']}")
    ask("get", "/sessions/ada/history/session:ada:1")
    ask("get", "/history/ada")
    ask("post", "/sessions/ada/end", json={"reason": "done"})
    ask("get", "/sessions/ada")
    ask("delete", "/sessions/ada")
    for path in ("/health", "/ready", "/system/status", "/system/memory", "/system/series?minutes=5", "/assistants"):
        ask("get", path)
    ask("post", "/system/cleanup")
    ask("post", "/auth/token", json={"userId": "ada"})
    ask("get", "/metrics")
    for path in ("/system/sessions", "/system/insights", "/openapi.json", "/docs"):
        ask("get", path)

    for name, talk in TALKS.items():
        if name in ask.client.application.extensions["parley"].registry:
            talk(ask)

    ask("get", "/v1/models")
    ask("get", "/v1/models/weather")
    ask("get", "/v1/models/none")
    said: dict[str, Any] = {"model": "weather", "messages": [{"role": "user", "content": "Weather in London?"}]}
    ask("post", "/v1/chat/completions", json=said)
    ask("post", "/v1/chat/completions", json={**said, "stream": True, "user": "ada"})
    ask("post", "/v1/chat/completions", json={**said, "model": "none"})
    ask("post", "/v1/chat/completions", json={**said, "n": 2})

    ask("get", "/users/ada/export")
    ask("delete", "/users/ada")
    ask("get", "/users/ada/export")


def test_live_answers_are_as_described(client: Client) -> None:
    ask = Checked(client)

    walk(ask)

    answered = {(path, method) for path, method, status in ask.seen if status == "200"}
    described = {(path, method) for path, item in ask.document["paths"].items() for method in item}
    # A feed without an end; tests/api/test_events.py reads from it.
    assert described - answered - {("/system/events", "get")} == set()
