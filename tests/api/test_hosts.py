"""By which names a server lets itself be asked: on one's own machine, by none that somebody else has made up."""

from __future__ import annotations

from typing import Any

import pytest

import settings
from api.hosts import name_of
from tests.api.conftest import Client, MakeClient

FOREIGN = ("evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.7", "[::2]")
HOME = ("localhost", "localhost:3000", "LOCALHOST.", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:3000")
PATHS = ("/", "/assistants", "/sessions/ada", "/system/status", "/openapi.json", "/docs", "/v1/models", "/nothing")


def asked_as(client: Client, host: str, path: str = "/assistants", **options: Any) -> Any:
    return client.open(path, headers={"Host": host}, **options)


def test_a_name_of_others_is_refused_on_ones_own_machine(make_client: MakeClient) -> None:
    client = make_client()
    for host in FOREIGN:
        for path in PATHS:
            answer = asked_as(client, host, path)
            code = answer.json["error"]["code"] if path.startswith("/v1") else answer.json["code"]
            assert (answer.status_code, code) == (421, "misdirected_request"), (host, path)
        said = asked_as(client, host, "/chat", method="POST", json={"message": "hello", "userId": "ada"})
        assert said.status_code == 421
    assert client.get("/sessions/ada").json["activeSessions"] == 0


def test_the_names_of_ones_own_machine_are_taken(make_client: MakeClient) -> None:
    client = make_client()
    assert [asked_as(client, host).status_code for host in HOME] == [200] * len(HOME)


def test_a_page_whose_name_was_turned_on_us_can_t_write(make_client: MakeClient) -> None:
    """Its requests are of the same origin to the browser and to our own check; its name gives it away."""
    headers = {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
    answer = make_client().post("/chat", json={"message": "hello"}, headers=headers)

    assert (answer.status_code, answer.headers.get("Set-Cookie")) == (421, None)


def test_probes_may_use_any_name(make_client: MakeClient) -> None:
    client = make_client(ALLOWED_HOSTS="parley.example.org")
    assert [asked_as(client, "10.1.2.3:3000", path).status_code for path in ("/health", "/ready")] == [200, 200]
    assert asked_as(client, "10.1.2.3:3000").status_code == 421


def test_names_can_be_added(make_client: MakeClient) -> None:
    client = make_client(ALLOWED_HOSTS="Parley.example.org, chat.local")
    codes = [
        asked_as(client, host).status_code
        for host in ("parley.example.org", "parley.example.org:8443", "chat.local", "localhost", "example.org")
    ]
    assert codes == [200, 200, 200, 200, 421]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"AUTH": "on", "API_KEYS": "*=operators-key"}, 200),
        ({"HOST": "0.0.0.0", "ALLOW_ANONYMOUS": "1"}, 200),
        ({"AUTH": "on", "API_KEYS": "*=operators-key", "ALLOWED_HOSTS": "other.example"}, 421),
        ({"HOST": "0.0.0.0", "ALLOW_ANONYMOUS": "1", "ALLOWED_HOSTS": "other.example"}, 421),
    ],
)
def test_where_others_are_meant_to_come_names_count_only_if_they_are_set(
    make_client: MakeClient, environ: dict[str, str], expected: int
) -> None:
    headers = {"Host": "parley.example.org", "Authorization": "Bearer operators-key"}
    assert make_client(**environ).get("/assistants", headers=headers).status_code == expected


@pytest.mark.parametrize("text", ["*", "http://parley.example.org", "parley.example.org:80", "a b", "*.example.org"])
def test_a_name_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(settings.BadSetting, match="ALLOWED_HOSTS"):
        settings.load({"ALLOWED_HOSTS": text}, dotenv=None)


@pytest.mark.parametrize("host", ["", "a b", "evil.example/", "user@localhost", "localhost:99999999", 'x"><script>'])
def test_what_is_no_name_is_nobodys(host: str) -> None:
    assert name_of(host) == ""
