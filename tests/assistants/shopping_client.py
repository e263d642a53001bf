"""A shopper over HTTP: seed 004's requests as a client makes them, and what is true of every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from flask.testing import FlaskClient

from tests.app import application
from tests.fakes.openai_server import OpenAIServer
from tests.memory.harness import World

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
SHOP = "/api/v1/shopping"
QUERY = f"{SHOP}/query"
STREAM = f"{QUERY}/stream"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
QUESTION = "What smartphones do you have?"
IPHONE: dict[str, Any] = {"name": "iPhone 15 Pro", "price": 999, "category": "smartphone", "sku": "IPH15PRO-256"}
PREFERENCES: dict[str, Any] = {
    "budget_range": "500-1000",
    "preferred_brands": ["Apple", "Samsung"],
    "device_type": "smartphone",
    "shipping_preference": "express",
}
EMPTY: dict[str, Any] = {"items": [], "count": 0, "total": 0}


def someone() -> str:
    """A session that nobody opened before: the server is shared by the tests of this page."""
    return f"user-123-session-{uuid4().hex[:8]}"


def of(session: str, what: str) -> str:
    """The path of something of a session."""
    return f"{SHOP}/session/{session}/{what}"


def data_of(reply: httpx.Response) -> dict[str, Any]:
    """What a good answer holds. Nothing that an assistant keeps to itself is in any of them."""
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["success"] is True
    assert not [name for name in names_in(body) if name.startswith("_")]
    return dict(body["data"])


def names_in(value: Any) -> Iterator[str]:
    """All names of all objects within a JSON value."""
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(name, str):
            yield name
        if isinstance(inner, dict | list):
            yield from names_in(inner)


def error_of(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """An answer that must be this error."""
    body = dict(reply.json())
    assert (reply.status_code, body["success"], body["code"]) == (status, False, code), reply.text
    assert body["requestId"] == reply.headers["X-Request-Id"]
    return body


def ask(client: httpx.Client, question: str, session: str | None = None, **headers: str) -> dict[str, Any]:
    body = {"q": question} | ({"sessionId": session} if session else {})
    return data_of(client.post(QUERY, json=body, headers=headers))


def add(client: httpx.Client, session: str, item: dict[str, Any] = IPHONE, /, **headers: str) -> dict[str, Any]:
    return data_of(client.post(of(session, "cart/add"), json=item, headers=headers))


def look(client: httpx.Client, session: str, what: str, **headers: str) -> dict[str, Any]:
    return data_of(client.get(of(session, what), headers=headers))


def quantities(shown: dict[str, Any]) -> dict[str, int]:
    """SKU → units of a cart as it is shown."""
    return {item["sku"]: item["quantity"] for item in shown["items"]}


def is_uuid4(text: str) -> bool:
    return str(UUID(text)) == text and UUID(text).version == 4


def events_of(reply: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """Name and data of each server-sent event of a whole answer."""
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/event-stream")
    found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", reply.text)
    return [(name, orjson.loads(data)) for name, data in found]


REQUESTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "query", {"q": "hello"}),
    ("POST", "query/stream", {"q": "hello"}),
    ("GET", "info", None),
    ("GET", "conversation", None),
    ("POST", "preferences", {"budget_range": "500-1000"}),
    ("GET", "preferences", None),
    ("GET", "cart", None),
    ("POST", "cart/add", IPHONE),
    ("DELETE", "cart/items/IPH15PRO-256", None),
    ("DELETE", "cart/clear", None),
    ("POST", "cart/checkout", None),
]
"""Method, path (below the session's but for queries) and body of every endpoint."""


def request(client: Any, method: str, what: str, body: Any, session: str, headers: dict[str, str]) -> Any:
    """The answer to one of ``REQUESTS``."""
    if what.startswith("query"):
        path, body = f"{SHOP}/{what}", {**body, "sessionId": session}
    else:
        path = of(session, what)
    more = {"json": body} if body is not None else {}
    return client.request(method, path, headers=headers, **more)


@contextmanager
def at_work(world: World, **env: str) -> Iterator[FlaskClient]:
    """A client of the shopping assistant alone, in this process, where time is moved by hand."""
    with application(world.store, "shopping", DEFAULT_ASSISTANT="shopping", **env) as app:
        yield app.test_client()


def call(
    client: FlaskClient, method: str, what: str, body: Any = None, session: str = "s1", **headers: str
) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one of ``REQUESTS``; of a stream, no JSON."""
    path = f"{SHOP}/{what}" if what.startswith("query") else of(session, what)
    given = {**body, "sessionId": session} if what.startswith("query") else body
    reply = client.open(path, method=method, json=given, headers=headers)
    return reply.status_code, reply.get_json(silent=True) or {}


def tell(client: FlaskClient, question: str, session: str = "s1", **headers: str) -> dict[str, Any]:
    status, body = call(client, "POST", "query", {"q": question}, session, **headers)
    assert status == 200, body
    return dict(body["data"])


def seen(client: FlaskClient, what: str, session: str = "s1", **headers: str) -> dict[str, Any]:
    status, body = call(client, "GET", what, session=session, **headers)
    assert status == 200, body
    return dict(body["data"])


def of_model(model: OpenAIServer) -> dict[str, str]:
    return {"MODEL": "openai:gpt-4o-mini", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": model.url}
