"""``AUTH=on``: nobody gets what is not theirs, on any route and verb; keys and tokens come and go."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask

import settings
from api import keys
from api.identity import is_open
from api.key_store import FILE, KeyRing, KeyStore
from api.openapi import views
from api.tokens import ProviderTokens, UserTokens
from tests.api.conftest import Client, MakeClient
from tests.app import ROOT, ParleyServer
from tests.servers import RedisServer

ALICE, BOB, OPERATOR = "alices-key", "bobs-key-1", "operators-key"
KEYS = f"alice={ALICE},bob={BOB},*={OPERATOR}"
CANARY = "kingfisher"
SHOP = "alice-shop-1"
FEED = "/system/events"
"""Has no end; it is for administrators, which is looked at before it begins."""


def as_(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def guarded(make_client: MakeClient) -> Client:
    return make_client(AUTH="on", API_KEYS=KEYS)


def routes(app: Flask) -> list[tuple[str, str, bool]]:
    """(address with variables, method, for administrators) of every route that is not open."""
    found = [
        (path, method.upper(), hasattr(view, "parley_admin"))
        for path, method, _, view in views(app)
        if not is_open(path.replace("{", "").replace("}", ""))
    ]
    assert len(found) > 30
    return found


VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


def test_no_other_verb_is_a_way_around_the_key(guarded: Client) -> None:
    """Each address with each verb, its own or not: without a key it is 401, and with one no verb that it has not."""
    own = {(path, method) for path, method, _ in routes(guarded.application)}
    for path in sorted({path for path, _ in own}):
        place = addressed(path, {"user": "alice", "session_id": SHOP})
        for verb in VERBS:
            assert guarded.open(place, method=verb, json={}).status_code == 401, (verb, path)
            if verb not in ("HEAD", "OPTIONS") and (path, verb) not in own and path != FEED:
                answer = guarded.open(place, method=verb, headers=as_(BOB), json={})
                assert answer.status_code in (400, 403, 404, 405), (verb, path)  # or another route's of such an address


def addressed(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda variable: ids.get(variable[1], "something"), path)


BODIES: list[dict[str, Any]] = [
    {},
    {"userId": "alice", "message": "hello"},
    {"sessionId": SHOP, "assistant": "shopping", "message": "hello"},
    {"q": CANARY, "sessionId": SHOP},
    {"session_id": "alice-chat-1", "prompt": "hello"},
    {"question": "hello"},
    {"model": "weather", "messages": [{"role": "user", "content": "hello"}], "user": "alice"},
    {"name": "Phone", "price": 1.0, "category": "phones", "sku": "P-1"},
]


@pytest.mark.parametrize("header", [{}, as_("wrong-key-1"), {"Authorization": "Basic YTpi"}, as_(ALICE[:-1]), as_("")])
def test_without_a_good_key_no_route_answers(guarded: Client, header: dict[str, str]) -> None:
    for path, method, _ in routes(guarded.application):
        for body in BODIES[:2]:
            answer = guarded.open(addressed(path, {"user": "alice"}), method=method, headers=header, json=body)
            assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (401, "Bearer"), (method, path)


def test_what_is_for_administrators_is_refused_to_others(guarded: Client) -> None:
    admin = [(path, method) for path, method, admin in routes(guarded.application) if admin]
    assert {("/system/memory", "GET"), ("/system/cleanup", "POST"), ("/chatbot/sessions/analytics", "GET")} <= {*admin}
    for path, method in admin:
        answer = guarded.open(addressed(path, {}), method=method, headers=as_(ALICE), json={})
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), (method, path)


def test_status_has_no_details_for_others(guarded: Client) -> None:
    assert set(guarded.get("/system/status", headers=as_(ALICE)).json) == {"success", "status", "timestamp", "version"}
    assert "store" in guarded.get("/system/status", headers=as_(OPERATOR)).json


def alices_things(client: Client) -> dict[str, str]:
    """Alice talks to everybody; the ids that she got."""
    for assistant in ("weather", "junkjet"):
        said = {"message": f"my word is {CANARY}", "userId": "alice", "assistant": assistant}
        assert client.post("/chat", json=said, headers=as_(ALICE)).status_code == 200
    news = client.post("/api/session/create", headers=as_(ALICE)).json["sessionId"]
    ask = {"question": f"{CANARY} and solar power?"}
    client.post("/api/send-message", json=ask, headers={**as_(ALICE), "session-id": news})
    prefer = {"preferred_brands": [CANARY]}
    path = f"/api/v1/shopping/session/{SHOP}"
    assert client.post(f"{path}/preferences", json=prefer, headers=as_(ALICE)).status_code == 200
    item = {"name": CANARY, "price": 5.0, "category": "birds", "sku": "BIRD-1"}
    assert client.post(f"{path}/cart/add", json=item, headers=as_(ALICE)).status_code == 200
    said = {"message": CANARY, "assistant": "chat", "sessionId": "alice-chat-1"}
    assert client.post("/chat", json=said, headers=as_(ALICE)).status_code == 200
    return {"news": news, "shopping": SHOP, "chat": "alice-chat-1"}


def held_by_alice(client: Client) -> Any:
    """All that alice can see of hers, less what a clock changes."""
    export = client.get("/users/alice/export", headers=as_(ALICE)).json
    cart = client.get(f"/api/v1/shopping/session/{SHOP}/cart", headers=as_(ALICE)).json
    text = f"{export['assistants']}{export['archive']}{cart}"
    return re.sub(r"'(remainingSeconds|duration)': \d+", "", text)


def test_whoever_has_a_key_of_their_own_gets_nothing_of_anothers(guarded: Client) -> None:
    """Every route and verb, with every id of alice's in its address, its headers and its body, and bob's key."""
    ids = alices_things(guarded)
    before = held_by_alice(guarded)
    assert before.count(CANARY) >= 4

    for path, method, _ in routes(guarded.application):
        for session in [*ids.values(), "alice"]:
            place = addressed(path, {"user": session, "session_id": session, "sku": "BIRD-1", "name": "weather"})
            for body in BODIES:
                for more in ({}, {"X-User-Id": "alice"}, {"session-id": session}):
                    answer = guarded.open(place, method=method, headers={**as_(BOB), **more}, json=body)
                    assert answer.status_code < 500, (method, place, answer.text)
                    if CANARY not in str(body):
                        assert CANARY not in answer.text, (method, place, body, more)
                    if "{user}" in path and session == "alice":
                        assert answer.status_code == 403, (method, place)
            for verb in VERBS:
                answer = guarded.open(place, method=verb, headers=as_(BOB), json={"userId": "alice"})
                assert answer.status_code < 500, (verb, place, answer.text)
                assert CANARY not in answer.text, (verb, place)

    assert held_by_alice(guarded) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/shopping/session/{}/cart"), ("GET", "/api/v1/shopping/session/{}/info"),
        ("GET", "/api/v1/shopping/session/{}/conversation"), ("GET", "/api/v1/shopping/session/{}/preferences"),
        ("DELETE", "/api/v1/shopping/session/{}/cart/clear"), ("POST", "/api/v1/shopping/session/{}/cart/checkout"),
        ("GET", "/api/session/{}/history"), ("DELETE", "/api/session/{}"), ("GET", "/sessions/{}?assistant=news"),
        ("GET", "/sessions/{}/history?assistant=shopping"), ("POST", "/sessions/{}/end?assistant=shopping"),
    ],
)  # fmt: skip
def test_a_foreign_session_looks_like_one_that_never_was(guarded: Client, method: str, path: str) -> None:
    ids = alices_things(guarded)
    subject = ids["news"] if "api/session" in path or "news" in path else SHOP

    foreign = guarded.open(path.format(subject), method=method, headers=as_(BOB))
    unknown = guarded.open(path.format("never-was"), method=method, headers=as_(BOB))

    def plain(answer: Any, subject: str) -> str:
        return re.sub(r'"(requestId|timestamp)":"[^"]*"', "", answer.text.replace(subject, "id"))

    assert foreign.status_code == unknown.status_code
    assert plain(foreign, subject) == plain(unknown, "never-was")


def test_an_ended_session_is_not_told_of_to_others(guarded: Client) -> None:
    news = alices_things(guarded)["news"]
    assert guarded.delete(f"/api/session/{news}", headers=as_(ALICE)).status_code == 200

    assert guarded.get(f"/sessions/{news}?assistant=news", headers=as_(BOB)).json["endedSessions"] == []
    assert len(guarded.get(f"/sessions/{news}?assistant=news", headers=as_(OPERATOR)).json["endedSessions"]) == 1


def test_an_operators_key_opens_sessions_for_the_user_that_it_names(guarded: Client) -> None:
    for_alice = {**as_(OPERATOR), "X-User-Id": "alice"}
    news = guarded.post("/api/session/create", headers=for_alice).json["sessionId"]

    assert guarded.get(f"/api/session/{news}/validate", headers=as_(ALICE)).json["valid"] is True
    assert guarded.get(f"/api/session/{news}/validate", headers=as_(BOB)).json["valid"] is False


# --- keys in a file ---------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "data" / FILE)


def test_a_key_has_256_bits_and_its_file_only_a_hash(store: KeyStore) -> None:
    secret, key = store.make("alice")

    assert len(secret.removeprefix("parley_")) == 43
    assert secret.encode() not in store.path.read_bytes()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert [(each.id, each.user, each.scopes) for each in store.all()] == [(key.id, "alice", ("chat",))]


def test_keys_come_and_go_while_the_server_runs(store: KeyStore) -> None:
    clock = iter(range(100))
    ring = KeyRing({}, store.path, clock=lambda: next(clock))
    first, key = store.make("alice")
    assert ring.find(first) is not None
    second, _ = store.make("alice")
    assert [ring.find(each) is not None for each in (first, second)] == [True, True]

    assert store.revoke(key.id) is True
    assert [ring.find(each) is not None for each in (first, second)] == [False, True]
    assert store.revoke(key.id) is False


def test_a_key_ends_with_its_time(store: KeyStore) -> None:
    secret, _ = store.make("alice", expires=1)

    assert KeyRing({}, store.path).find(secret) is None


def test_the_command_makes_lists_and_revokes(store: KeyStore, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--data-dir", str(store.path.parent)]
    assert keys.main([*where, "make", "--user", "*", "--scope", "admin", "--note", "CI", "--days", "30"]) == 0
    secret = capsys.readouterr().out.strip()
    (key,) = store.all()
    assert (key.user, key.scopes, key.note) == ("*", ("admin",), "CI")

    assert keys.main([*where, "list"]) == 0
    listed = capsys.readouterr().out
    assert key.id in listed
    assert secret not in listed
    assert key.digest not in listed

    assert keys.main([*where, "revoke", key.id]) == 0
    assert keys.main([*where, "revoke", key.id]) == 1
    assert keys.main(["--data-dir", str(store.path.parent / "nowhere"), "revoke", key.id]) == 1


def test_scopes_open_what_they_say(make_client: MakeClient, tmp_path: Path, store: KeyStore) -> None:
    (chats, _), (administers, _) = store.make("*", ("chat",)), store.make("alice", ("admin",))
    client = make_client(AUTH="on")
    codes = {
        (name, path): client.get(path, headers=as_(secret)).status_code
        for name, secret in (("chat", chats), ("admin", administers))
        for path in ("/sessions/bob", "/system/memory")
    }

    assert codes == {
        ("chat", "/sessions/bob"): 200, ("chat", "/system/memory"): 403,
        ("admin", "/sessions/bob"): 403, ("admin", "/system/memory"): 200,
    }  # fmt: skip


def test_a_running_server_hears_of_keys_within_seconds_while_redis_is_away(own_redis: RedisServer) -> None:
    env = {"REDIS_URL": own_redis.url(), "AUTH": "on", "API_KEYS": KEYS}
    with ParleyServer(env) as server, server.client() as client:
        own_redis.kill()
        made = subprocess.run(
            [sys.executable, "-m", "api.keys", "--data-dir", str(server.data), "make", "--user", "carol"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        secret = made.stdout.strip()

        def becomes(code: int) -> bool:
            until = time.monotonic() + 5
            while time.monotonic() < until:
                if client.get("/assistants", headers=as_(secret)).status_code == code:
                    return True
                time.sleep(0.1)
            return False

        assert becomes(200)
        store = KeyStore(server.data / FILE)
        assert store.revoke(store.all()[0].id)
        assert becomes(401)


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_acts_for_its_user_alone(guarded: Client) -> None:
    made = guarded.post("/auth/token", json={"userId": "carol", "seconds": 60}, headers=as_(OPERATOR)).json
    token = as_(made["token"])

    assert guarded.get("/assistants", headers=token).json["caller"] == {
        "authentication": True, "user": "carol", "admin": False,
    }  # fmt: skip
    assert guarded.get("/sessions/carol", headers=token).status_code == 200
    assert guarded.get("/sessions/alice", headers=token).status_code == 403
    assert guarded.post("/auth/token", json={"userId": "carol"}, headers=token).status_code == 403


@pytest.mark.parametrize("seconds", [59, 86_401, "900"])
def test_a_token_lives_a_minute_to_a_day(guarded: Client, seconds: object) -> None:
    asked = {"userId": "carol", "seconds": seconds}
    assert guarded.post("/auth/token", json=asked, headers=as_(OPERATOR)).status_code == 400


def test_a_token_ends_with_its_time_its_key_or_its_secret() -> None:
    good = {"key1"}
    tokens = UserTokens("secret", good.__contains__)
    token, _ = tokens.make("carol", 60, "key1")
    expired, _ = tokens.make("carol", -1, "key1")

    assert tokens.user(token) == "carol"
    assert tokens.user(expired) is None
    assert UserTokens("another", good.__contains__).user(token) is None
    good.clear()
    assert tokens.user(token) is None


class Provider:
    """An identity provider on a port of this machine, with a key of its own."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.asked = 0

    def document(self) -> bytes:
        import orjson

        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return orjson.dumps({"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]})

    def token(self, **changes: Any) -> str:
        now = int(time.time())
        head = {"kid": changes.pop("kid", "one")}
        claims = {"iss": "https://id.example", "aud": "parley", "sub": "dora", "exp": now + 60, **changes}
        return jwt.encode(claims, self.key, algorithm="RS256", headers=head)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Provider, str]]:
    import http.server
    import threading

    made = Provider()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked += 1
            body = made.document()
            self.send_response(302 if self.path == "/moved" else 200)
            if self.path == "/moved":
                self.send_header("Location", "/keys")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_providers_token_is_good_for_its_subject(make_client: MakeClient, provider: tuple[Provider, str]) -> None:
    issuer, url = provider
    client = make_client(AUTH="on", JWKS_URL=f"{url}/keys", JWT_ISSUER="https://id.example", JWT_AUDIENCE="parley")

    assert client.get("/sessions/dora", headers=as_(issuer.token())).status_code == 200
    assert client.get("/sessions/alice", headers=as_(issuer.token())).status_code == 403
    assert client.get("/system/memory", headers=as_(issuer.token(scope="admin"))).status_code == 403
    for wrong in ({"iss": "https://other"}, {"aud": "other"}, {"exp": 1}, {"sub": "*"}, {"kid": "two"}):
        assert client.get("/sessions/dora", headers=as_(issuer.token(**wrong))).status_code == 401, wrong


def test_a_token_that_names_its_own_way_to_be_signed_is_none(provider: tuple[Provider, str]) -> None:
    issuer, url = provider
    tokens = ProviderTokens(f"{url}/keys", "https://id.example", "parley")
    assert tokens.user(issuer.token()) == "dora"
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})

    assert tokens.user(jwt.encode(claims, None, algorithm="none", headers={"kid": "one"})) is None  # type: ignore[arg-type]
    shared = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": "one"})
    assert tokens.user(shared) is None


def test_the_providers_keys_are_asked_for_rarely_and_kept(provider: tuple[Provider, str]) -> None:
    issuer, url = provider
    clock = [0.0]
    tokens = ProviderTokens(f"{url}/keys", "https://id.example", "parley", clock=lambda: clock[0])
    for _ in range(5):
        assert tokens.user(issuer.token()) == "dora"
        assert tokens.user(issuer.token(kid="unknown")) is None
    assert issuer.asked == 1

    tokens._url = f"{url}/moved"  # elsewhere is not followed, and what is known goes on to be used
    clock[0] = 700.0
    assert tokens.user(issuer.token()) == "dora"
    assert issuer.asked == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"JWKS_URL": "http://id.example/keys", "JWT_ISSUER": "i", "JWT_AUDIENCE": "a"},
        {"JWKS_URL": "https://id.example/keys"},
        {"AUTH": "on", "DATA_DIR": "/nonexistent"},
        {"API_KEYS": "alice=short"},
        {"API_KEYS": "al ice=long-enough"},
        {"TRUSTED_PROXIES": "proxy.example"},
        {"CORS_ORIGINS": "*"},
        {"CORS_ORIGINS": "https://app.example/path"},
        {"HOST": "0.0.0.0"},
    ],
)
def test_a_setting_that_would_let_anybody_in_stops_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(settings.BadSetting):
        settings.load(wrong, dotenv=None).api("0")
