"""What a server writes at its most talkative has nobody's words, names or keys in it."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from langchain_core.tools import tool

from agent.assistant import TurnContext
from agent.conversation import Conversation
from api import logs, sse
from memory import open_store
from tests.app import ParleyServer, application
from tests.fakes.openai_server import OpenAIServer, Reply, ToolUse
from tests.servers import RedisServer

WORDS, USER, SESSION, KEY, MODEL_KEY, REPLY, PASSWORD = (
    "kingfisher", "user-heron", "session-egret", "operators-key-osprey", "model-key-plover", "the-reply-dunlin",
    "redis-password-avocet",
)  # fmt: skip
CANARIES = (WORDS, "heron", "egret", "osprey", "plover", "dunlin", "avocet", "guessed-key-curlew", "secret-key-snipe")


def talk(server: ParleyServer, model: OpenAIServer) -> None:
    """Everything that is likely to be written about: turns, tools, refusals, failures, tokens, keys."""
    city = ToolUse("get_weather", {"city": WORDS})
    model.will(Reply(tools=[city]), REPLY, Reply(status=500), Reply(status=500), Reply(status=500), REPLY, REPLY)
    with server.client(headers={"Authorization": f"Bearer {KEY}"}) as client:
        said = {"message": f"my secret is {WORDS}", "userId": USER}
        assert client.post("/chat", json=said).status_code == 200
        client.post("/chat", json=said)
        client.post("/chat/stream", json={**said, "message": f"again {WORDS}"})
        shop = f"/api/v1/shopping/session/{SESSION}"
        client.post(f"{shop}/preferences", json={"preferred_brands": [WORDS]}, headers={"X-User-Id": USER})
        client.post("/api/v1/shopping/query", json={"q": WORDS, "sessionId": SESSION})
        client.get(f"/sessions/{USER}")
        client.get(f"/sessions/{USER}/{WORDS}")
        client.post("/chat", content=f'{{"message": "{WORDS}"', headers={"Content-Type": "application/json"})
        client.get(f"/users/{USER}/export")
        token = client.post("/auth/token", json={"userId": USER}).json()["token"]
        client.delete(f"/users/{USER}")
    with server.client() as client:
        client.get(f"/sessions/{USER}", headers={"Authorization": "Bearer guessed-key-curlew"})
        client.get(f"/sessions/{USER}", headers={"Authorization": f"Bearer {token}"})
        client.get(f"/sessions/{USER}?key={KEY}")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_server_at_debug_writes_no_canary(
    form: str, tmp_path: Path, start_redis: object, openai_server: OpenAIServer
) -> None:
    redis: RedisServer = start_redis("--requirepass", PASSWORD)  # type: ignore[operator]
    env = {
        "REDIS_URL": redis.url().replace("redis://", f"redis://:{PASSWORD}@"), "LOG_LEVEL": "DEBUG", "LOG_FORMAT": form,
        "AUTH": "on", "API_KEYS": f"*={KEY}", "MODEL": "openai:fake", "OPENAI_BASE_URL": openai_server.url,
        "OPENAI_API_KEY": MODEL_KEY, "SECRET_KEY": "secret-key-snipe",
    }  # fmt: skip
    with ParleyServer(env, folder=tmp_path / "server") as server:
        talk(server, openai_server)
        redis.kill()
        with server.client(headers={"Authorization": f"Bearer {KEY}"}) as client:
            client.post("/chat", json={"message": WORDS, "userId": USER})
        log = server.log

    assert "/chat 200" in log or "POST /chat" in log, "it does write"
    assert [canary for canary in CANARIES if canary in log] == []
    if form == "json":
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        assert len(lines) > 10
        assert all(line["requestId"] for line in lines)


@pytest.fixture(params=["text", "json"])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """All that this process logs meanwhile, at its most talkative, as a server would write it."""
    root, page = logging.getLogger(), io.StringIO()
    handler, before = logging.StreamHandler(page), (root.level, threading.excepthook)
    handler.setFormatter(logs.formatter(request.param))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield page
    root.removeHandler(handler)
    root.setLevel(before[0])


def quotes(text: str) -> NoReturn:
    """Fails as many libraries do: with what they were given in the error, its cause and its notes."""
    try:
        raise KeyError(f"the cause has {text} in it")
    except KeyError as error:
        failed = ExceptionGroup(f"the group quotes {text}", [ValueError(text), OSError(2, text, text)])
        failed.add_note(f"a note on {text}")
        raise failed from error


@tool
def look_at(words: str) -> str:
    """Look."""
    quotes(words)


def fails_at(where: str, openai_server: OpenAIServer) -> dict[str, object]:
    """What an assistant is given in order to fail there with the user's words."""

    def before(context: TurnContext) -> str:
        return quotes(context.message) if where == "hook" else ""

    def after(context: TurnContext, reply: str) -> str:
        return quotes(reply + context.message) if where == "end" else reply

    if where == "tool":
        openai_server.will(Reply(tools=[ToolUse("look_at", {"words": WORDS})]), REPLY)
    elif where == "arguments":
        openai_server.will(Reply(tools=[ToolUse("look_at", {"words": {"no": WORDS}})]), REPLY)
    elif where == "provider":
        openai_server.answers = lambda call: Reply(f"you may not say {WORDS}", status=400)
    return {"before": before, "after": after, "tools": (look_at,)}


@pytest.mark.parametrize("where", ["hook", "tool", "arguments", "end", "provider", "view", "stream"])
def test_what_fails_on_the_way_is_told_without_the_words_in_it(
    where: str, written: io.StringIO, openai_server: OpenAIServer
) -> None:
    env = {"MODEL": "openai:fake", "OPENAI_BASE_URL": openai_server.url}
    with application(open_store("memory://"), "weather", **env) as app:
        services = app.extensions["parley"]
        kept = services.conversations["weather"]
        assistant = replace(kept.assistant, **fails_at(where, openai_server))
        changed = Conversation(assistant, kept.engine, services.models, services.workers)
        app.extensions["parley"].conversations["weather"] = changed
        app.add_url_rule("/chat/view", "view", lambda: quotes(WORDS))
        app.add_url_rule("/chat/stream-off", "stream", lambda: sse.respond(quotes(WORDS) for _ in "once"))
        client, said = app.test_client(), {"message": f"my secret is {WORDS}", "userId": USER}
        if where == "view":
            assert client.get("/chat/view").status_code == 500
        elif where == "stream":
            assert client.get("/chat/stream-off").data == b""
        else:
            client.post("/chat", json=said)
            client.post("/chat/stream", json={**said, "message": f"again {WORDS}"}).get_data()

    told = written.getvalue()
    assert "/chat" in told, "it does write"
    assert [canary for canary in CANARIES if canary in told] == []
    if where in ("hook", "tool", "end", "view", "stream"):
        assert "ExceptionGroup" in told
        assert "KeyError" in told
        assert "in quotes" in told, "where it happened is told"


def test_an_error_in_a_thread_is_told_without_the_words_in_it(written: io.StringIO) -> None:
    before = threading.excepthook
    threading.excepthook = logs.of_thread
    try:
        thread = threading.Thread(target=quotes, args=(WORDS,))
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before

    assert "a thread ended" in written.getvalue()
    assert WORDS not in written.getvalue()


def test_errors_that_lead_to_each_other_are_told_once() -> None:
    first, second = ValueError("a"), OSError(13, "b")
    first.__cause__, second.__cause__ = second, first

    assert logs.told(first) == "builtins.ValueError, from\nbuiltins.PermissionError [errno 13], from"


def test_a_request_is_found_by_its_id(tmp_path: Path) -> None:
    with ParleyServer(folder=tmp_path / "server") as server:
        with server.client() as client:
            client.get("/assistants", headers={"X-Request-Id": "my-own-id"})
            client.get("/assistants", headers={"X-Request-Id": "two words"})
        assert "[my-own-id] GET /assistants 200" in server.log
        assert "two words" not in server.log
