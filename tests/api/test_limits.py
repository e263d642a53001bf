"""Rate limits: whom a request counts for, what a client is told, and that nothing but this process is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api import limits
from api.limits import Counters
from tests.api.conftest import Client, MakeClient, needs
from tests.app import ParleyServer
from tests.servers import RedisServer

KEYS = "alice=alices-key,bob=bobs-key-1,*=operators-key"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


Limited = Callable[..., tuple[Client, Clock]]


@pytest.fixture
def limited(make_client: MakeClient) -> Limited:
    """An application with these settings, five requests a minute unless they say else, and its clock."""

    def make(**environ: str) -> tuple[Client, Clock]:
        client, clock = make_client(**{"RATE_LIMIT": "5/minute", **environ}), Clock()
        client.application.extensions["parley-limits"] = limits.of(
            client.application.extensions["parley"].config, clock
        )
        return client, clock

    return make


def asked(client: Client, times: int, path: str = "/assistants", **options: Any) -> list[int]:
    return [client.get(path, **options).status_code for _ in range(times)]


def as_(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_the_request_beyond_the_limit_is_told_when_to_come_back(limited: Limited) -> None:
    client, clock = limited()
    first = client.get("/sessions/ada")
    assert [first.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset", "Policy")] == [
        "5", "4", "60", "5;w=60",
    ]  # fmt: skip
    clock.now += 20
    assert asked(client, 5, "/sessions/ada") == [200, 200, 200, 200, 429]

    refused = client.get("/sessions/ada")
    assert refused.json["code"] == "rate_limited"
    assert (refused.headers["Retry-After"], refused.headers["RateLimit-Remaining"]) == ("40", "0")
    clock.now += 40
    assert asked(client, 1, "/sessions/ada") == [200]


def test_each_user_has_a_limit_of_their_own_however_they_are_named(limited: Limited) -> None:
    client, _ = limited()
    say = {"message": "Hello", "userId": "ada"}
    assert [client.post("/chat", json=say).status_code for _ in range(2)] == [200, 200]
    assert asked(client, 2, headers={"X-User-Id": "ada"}) == [200, 200]
    assert asked(client, 2, "/sessions/ada") == [200, 429]

    assert client.post("/chat", json={**say, "userId": "grace"}).status_code == 200
    assert client.post("/chat", json=say).status_code == 429


@needs("news", "shopping")
def test_a_session_that_is_nobodys_has_its_own(limited: Limited) -> None:
    client, _ = limited()
    shop = "/api/v1/shopping/session"
    assert asked(client, 6, f"{shop}/one/cart") == [404] * 5 + [429]
    assert client.post("/api/v1/shopping/query", json={"q": "phones", "sessionId": "one"}).status_code == 429
    assert client.get("/api/session/any/validate", headers={"session-id": "one"}).status_code == 200
    assert asked(client, 1, f"{shop}/two/cart") == [404]


def test_an_anonymous_user_is_known_by_the_cookie_and_before_by_the_address(limited: Limited) -> None:
    client, _ = limited()
    with_cookie = client.application.test_client()
    assert with_cookie.post("/chat", json={"message": "Hello"}).status_code == 200
    assert asked(client, 5) == [200] * 4 + [429]

    assert asked(with_cookie, 6) == [200] * 5 + [429]


def test_a_key_counts_for_its_user_from_wherever_it_comes(limited: Limited) -> None:
    client, _ = limited(AUTH="on", API_KEYS=KEYS)
    for address in ("192.0.2.1", "192.0.2.2"):
        asked(client, 3, headers=as_("alices-key"), environ_base={"REMOTE_ADDR": address})

    assert asked(client, 1, headers=as_("alices-key")) == [429]
    assert asked(client, 1, headers=as_("bobs-key-1")) == [200]


def test_a_server_that_acts_for_everybody_uses_up_its_users_shares_not_its_own(limited: Limited) -> None:
    client, _ = limited(AUTH="on", API_KEYS=KEYS)
    for user in ("ada", "grace", "joan"):
        named = {**as_("operators-key"), "X-User-Id": user}
        assert asked(client, 5, headers=named) == [200] * 5
    assert asked(client, 1, headers={**as_("operators-key"), "X-User-Id": "ada"}) == [429]


def test_wrong_credentials_are_counted_and_use_up_nobody_elses_share(limited: Limited) -> None:
    client, _ = limited(AUTH="on", API_KEYS=KEYS)
    wrong = {**as_("guessed-key"), "X-User-Id": "alice"}
    assert asked(client, 6, "/sessions/alice", headers=wrong) == [401] * 5 + [429]

    assert asked(client, 1, "/sessions/alice", headers=as_("alices-key")) == [200]


def test_an_address_has_a_limit_over_all_whom_it_names(limited: Limited) -> None:
    client, _ = limited(RATE_LIMIT_ADDRESS="7/minute")
    away = {"REMOTE_ADDR": "192.0.2.7"}
    codes = [client.get(f"/sessions/user{number}", environ_base=away).status_code for number in range(9)]

    assert codes == [200] * 7 + [429] * 2
    assert asked(client, 1, environ_base={"REMOTE_ADDR": "192.0.2.8"}) == [200]


def test_health_and_the_page_may_be_asked_for_at_any_time(limited: Limited) -> None:
    client, _ = limited()
    asked(client, 6)

    for path in ("/health", "/ready", "/openapi.json", "/"):
        answer = client.get(path, buffered=True)
        assert (answer.status_code, answer.headers.get("RateLimit-Limit")) == (200, None)
    assert client.get("/metrics").status_code != 429


def test_off_is_off(make_client: MakeClient) -> None:
    client = make_client(RATE_LIMIT="off")
    answer = client.get("/assistants")

    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer.headers


def test_what_is_remembered_is_bounded() -> None:
    clock = Clock()
    counters = Counters(clock, most=10)
    for number in range(1_000):
        counters.incr(f"user {number}", 60)

    assert len(counters._windows) == 10
    assert counters.get("user 999") == 1


def test_limits_hold_while_redis_is_away(own_redis: RedisServer) -> None:
    env = {"REDIS_URL": own_redis.url(), "RATE_LIMIT": "3/hour"}
    with ParleyServer(env) as server, server.client() as client:
        own_redis.kill()
        codes = [client.get("/assistants").status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        assert client.get("/health").status_code == 200
