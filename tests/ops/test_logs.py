"""What a server writes at its most talkative has nobody's words, names or keys in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.app import ParleyServer
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


def test_a_request_is_found_by_its_id(tmp_path: Path) -> None:
    with ParleyServer(folder=tmp_path / "server") as server:
        with server.client() as client:
            client.get("/assistants", headers={"X-Request-Id": "my-own-id"})
            client.get("/assistants", headers={"X-Request-Id": "two words"})
        assert "[my-own-id] GET /assistants 200" in server.log
        assert "two words" not in server.log
