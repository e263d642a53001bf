"""``/metrics``: what is counted, whose it is to see, and that several processes add up."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Client, MakeClient, needs
from tests.app import ParleyServer
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.servers import RedisServer

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of what has these labels at least."""
    return sum(
        value for (found, has), value in samples.items() if found == name and labels.items() <= dict(has).items()
    )


def say(client: Client, user: str, **more: str) -> int:
    code: int = client.post("/chat", json={"message": "Hello", "userId": user, **more}).status_code
    return code


@needs("junkjet")
def test_turns_are_counted_by_assistant_and_outcome(client: Client) -> None:
    for _ in range(2):
        assert say(client, "ada", messageId="m1") == 200  # the second is a replay
    assert say(client, "grace", assistant="junkjet") == 200
    assert say(client, "grace", assistant="junkjet", messageId="x" * 300) == 400
    page = client.get("/metrics")
    samples = read(page.text)

    assert page.mimetype == "text/plain"
    assert total(samples, "parley_turns_total", assistant="weather", outcome="done") == 1
    assert total(samples, "parley_turns_total", assistant="weather", outcome="replayed") == 1
    assert total(samples, "parley_turns_total", assistant="junkjet") == 1
    assert total(samples, "parley_sessions_active", assistant="weather") == 1
    assert total(samples, "parley_turns_running") == 0
    assert total(samples, "parley_http_requests_total", route="/chat", status="200") == 3
    assert "ada" not in page.text


def test_the_parts_of_a_turn_are_the_turn(model_client: Client, openai_server: OpenAIServer) -> None:
    openai_server.will(Reply("Cloudy, 9 °C.", think=0.2))
    assert say(model_client, "ada") == 200
    samples = read(model_client.get("/metrics").text)

    whole = total(samples, "parley_turn_seconds_sum")
    parts = {part: total(samples, "parley_turn_part_seconds_sum", part=part) for part in ("store", "model", "rest")}
    assert abs(sum(parts.values()) - whole) < 1e-6
    assert 0.2 <= parts["model"] < whole
    assert total(samples, "parley_tokens_total", kind="input") > 0
    assert total(samples, "parley_tokens_total", kind="output") > 0


def test_a_model_that_fails_is_counted_as_what_it_did(model_client: Client, openai_server: OpenAIServer) -> None:
    openai_server.will(*[Reply(status=500) for _ in range(6)])
    assert say(model_client, "ada") == 502

    assert total(read(model_client.get("/metrics").text), "parley_turns_total", outcome="model_unavailable") == 1


@needs("shopping")
def test_an_answer_that_is_known_is_a_cache_hit(client: Client) -> None:
    for _ in range(2):
        client.post("/api/v1/shopping/query", json={"q": "phones under 300", "sessionId": "shop1"})

    assert total(read(client.get("/metrics").text), "parley_cache_hits_total", assistant="shopping") == 1


def test_ends_are_counted_by_reason(client: Client) -> None:
    say(client, "ada")
    client.post("/sessions/ada/end")

    samples = read(client.get("/metrics").text)
    assert total(samples, "parley_sessions_ended_total", assistant="weather", reason="manual") == 1
    assert total(samples, "parley_sessions_active", assistant="weather") == 0


def test_a_turn_costs_two_round_trips_to_redis(make_client: MakeClient, redis_url: str) -> None:
    client = make_client(REDIS_URL=redis_url)
    say(client, "ada")

    def trips() -> float:
        return total(read(client.get("/metrics").text), "parley_store_round_trips_total")

    trips()
    cost_of_looking = trips()
    cost_of_looking = trips() - cost_of_looking
    before = trips()
    for _ in range(10):
        say(client, "ada")
    told = trips() - before - cost_of_looking
    assert 20 <= told <= 24  # a prober may ping in between


def test_it_is_for_administrators(make_client: MakeClient) -> None:
    client = make_client(AUTH="on", API_KEYS="alice=alices-key,*=operators-key")
    codes = [
        client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code
        for key in ("wrong-key", "alices-key", "operators-key")
    ]

    assert codes == [401, 403, 200]


def test_an_outage_is_told_and_stops_nothing(own_redis: RedisServer) -> None:
    with ParleyServer({"REDIS_URL": own_redis.url()}) as server, server.client() as client:
        assert client.post("/chat", json={"message": "Hello", "userId": "ada"}).status_code == 200
        assert total(read(client.get("/metrics").text), "parley_store_degraded") == 0
        own_redis.kill()
        assert client.post("/chat", json={"message": "Hello", "userId": "ada"}).json()["degraded"] is True
        samples = read(client.get("/metrics").text)

    assert total(samples, "parley_store_degraded") == 1
    assert total(samples, "parley_store_state", state="open") == 1
    assert total(samples, "parley_unsynced_turns") >= 1


def test_several_workers_add_up(redis_url: str) -> None:
    """New connections land on whichever worker is free; each of them tells of all."""
    with ParleyServer({"REDIS_URL": redis_url, "WORKERS": "3"}) as server:
        for number in range(30):
            with server.client() as client:
                said = client.post("/chat", json={"message": "Hello", "userId": f"user{number}"})
                assert said.status_code == httpx.codes.OK
        for _ in range(6):
            with server.client() as client:
                samples = read(client.get("/metrics").text)
            assert total(samples, "parley_turns_total", assistant="weather", outcome="done") == 30
            assert total(samples, "parley_turn_seconds_count", assistant="weather") == 30
            assert total(samples, "parley_sessions_active", assistant="weather") == 30
        server.restart()
        with server.client() as client:
            assert total(read(client.get("/metrics").text), "parley_turns_total") == 0
