"""What pages of other sites, and proxies in between, can and can't do."""

from __future__ import annotations

from typing import Any

import pytest

from api import proxies
from tests.api.conftest import Client, MakeClient
from tests.app import ParleyServer

OURS, FRIEND, FOE = "http://localhost", "https://app.example.org", "https://evil.example"
WRITES = [("POST", "/sessions/ada/end"), ("POST", "/api/session/create"), ("DELETE", "/users/ada"), ("POST", "/chat")]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": FOE},
        {"Origin": "null"},
        {"Origin": f"{OURS}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": OURS},
        {"Sec-Fetch-Site": "cross-site", "Origin": f"{FRIEND}.evil.example"},
    ],
)
def test_another_sites_page_writes_nothing(
    make_client: MakeClient, method: str, path: str, headers: dict[str, str]
) -> None:
    client = make_client(CORS_ORIGINS=FRIEND)
    body = {"json": {"message": "Hello", "userId": "ada"}} if path == "/chat" else {}
    answer = client.open(path, method=method, headers=headers, **body)

    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OURS},
        {"Origin": OURS, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_our_page_a_friends_page_and_programs_do(make_client: MakeClient, headers: dict[str, str]) -> None:
    client = make_client(CORS_ORIGINS=FRIEND)
    said = client.post("/chat", json={"message": "Hello", "userId": "ada"}, headers=headers)

    assert said.status_code == 200


def preflight(client: Client, origin: str) -> Any:
    wanted = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options("/chat", headers=wanted)


def test_a_browser_is_told_who_may_read(make_client: MakeClient) -> None:
    client = make_client(CORS_ORIGINS=FRIEND, AUTH="on", API_KEYS="ada=adas-own-key")
    asked = preflight(client, FRIEND)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]

    refused = client.get("/assistants", headers={"Origin": FRIEND})  # an error can be read as well
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, FRIEND)
    assert "Access-Control-Allow-Credentials" not in refused.headers


@pytest.mark.parametrize("origin", [FOE, f"{FRIEND}:8443", "http://app.example.org", f"{FRIEND}.evil.example", "null"])
def test_no_other_page_is_told_so(make_client: MakeClient, origin: str) -> None:
    client = make_client(CORS_ORIGINS=FRIEND)
    for answer in (preflight(client, origin), client.get("/assistants", headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


def test_the_cookie_is_out_of_reach(make_client: MakeClient) -> None:
    client = make_client(TRUSTED_PROXIES="192.0.2.0/24")

    def cookie(address: str) -> str:
        found: str = (
            client.application.test_client()
            .post(
                "/chat",
                json={"message": "Hello"},
                headers={"X-Forwarded-Proto": "https"},
                environ_base={"REMOTE_ADDR": address},
            )
            .headers["Set-Cookie"]
        )
        return found

    behind_tls, not_ours = cookie("192.0.2.1"), cookie("198.51.100.1")
    assert all(mark in behind_tls for mark in ("HttpOnly", "SameSite=Lax", "Secure"))
    assert "Secure" not in not_ours
    assert "HttpOnly" in not_ours


TRUSTED = proxies.networks(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "hops", "client"),
    [
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.5, 10.0.0.9", "203.0.113.5"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_only_a_trusted_proxy_is_believed(peer: str, hops: str, client: str) -> None:
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": hops}
    proxies.believe(environ, TRUSTED)

    assert environ["REMOTE_ADDR"] == client


def test_a_server_behind_a_proxy_knows_its_clients_apart() -> None:
    env = {"TRUSTED_PROXIES": "127.0.0.1", "RATE_LIMIT": "2/hour"}
    with ParleyServer(env) as server, server.client() as client:
        codes = [
            client.get("/assistants", headers={"X-Forwarded-For": hops}).status_code
            for hops in ("203.0.113.1", "203.0.113.1", "1.1.1.1, 203.0.113.1", "203.0.113.2")
        ]

    assert codes == [200, 200, 429, 200]
