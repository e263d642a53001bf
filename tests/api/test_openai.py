"""``/v1`` speaks OpenAI's language to the byte, keeps nothing that it should not, and tells every error in it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from agent.conversation import Conversation
from tests.api.conftest import Client, MakeClient
from tests.fakes.openai_server import OpenAIServer, Reply, ToolUse
from tests.processes import wait_until

PATH = "/v1/chat/completions"


def ask(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"json": {"model": "weather", "messages": [{"role": "user", "content": text}], **more}}


def chunks(text: str) -> list[Any]:
    """The JSON of a stream's events; ``[DONE]`` stays text."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else orjson.loads(line) for line in lines]


def held(client: Client, user: str) -> Any:
    return client.get(f"/users/{user}/export").json["assistants"]


# --- memory ---------------------------------------------------------------------------------------------------------


def test_without_a_user_nothing_is_stored(model_client: Client, openai_server: OpenAIServer) -> None:
    answer = model_client.post(PATH, **ask("remember xylophone")).json

    assert answer["choices"][0]["message"]["content"]
    assert model_client.get("/system/memory").json["inMemory"]["activeSessions"] == 0
    assert "Set-Cookie" not in model_client.post(PATH, **ask()).headers


def test_without_a_user_the_model_is_shown_the_clients_messages(
    model_client: Client, openai_server: OpenAIServer
) -> None:
    said = [
        {"role": "assistant", "content": "Welcome!"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        {"role": "tool", "content": "left out", "tool_call_id": "x"},
        {"role": "user", "content": [{"type": "text", "text": "second"}, {"type": "text", "text": "third"}]},
    ]
    model_client.post(PATH, json={"model": "weather", "messages": said})

    assert openai_server.calls[0].said[1:] == [
        ("assistant", "Welcome!"),
        ("user", "first"),
        ("assistant", "one"),
        ("user", "second\nthird"),
    ]


@pytest.mark.parametrize("more", [{"user": "ada"}, {}])
def test_with_a_user_only_the_last_message_counts(
    model_client: Client, openai_server: OpenAIServer, more: dict[str, str]
) -> None:
    headers = {} if more else {"X-User-Id": "ada"}
    model_client.post(PATH, **ask("first", **more), headers=headers)
    invented = [{"role": "user", "content": "never said"}, {"role": "assistant", "content": "never answered"}]
    body = {"model": "weather", "messages": [*invented, {"role": "user", "content": "second"}], **more}
    model_client.post(PATH, json=body, headers=headers)

    assert [text for _, text in openai_server.calls[1].said[1:]] == ["first", "You said: first", "second"]
    assert model_client.get("/sessions/ada/history").json["count"] == 2


@pytest.mark.parametrize("user", [None, "ada"])
def test_the_clients_instructions_are_part_of_the_prompt_and_marked(
    model_client: Client, openai_server: OpenAIServer, user: str | None
) -> None:
    body = ask("hello", user=user)["json"]
    body["messages"] = [{"role": "system", "content": "Speak like a pirate."}, *body["messages"]]
    body["messages"].insert(1, {"role": "developer", "content": "Be brief."})
    model_client.post(PATH, json=body)

    role, prompt = openai_server.calls[0].said[0]
    assert role == "system"
    assert prompt.endswith("<application_instructions>\nSpeak like a pirate.\n\nBe brief.\n</application_instructions>")
    assert sum(role == "system" for role, _ in openai_server.calls[0].said) == 1


def test_a_retry_with_the_same_key_is_answered_with_the_stored_reply(
    model_client: Client, openai_server: OpenAIServer
) -> None:
    first, second = (
        model_client.post(PATH, **ask(user="ada"), headers={"Idempotency-Key": "k"}).json for _ in range(2)
    )

    assert first["choices"] == second["choices"]
    assert len(openai_server.calls) == 1


# --- answers --------------------------------------------------------------------------------------------------------


def test_tokens_of_all_calls_of_the_model_are_counted(model_client: Client, openai_server: OpenAIServer) -> None:
    openai_server.will(Reply(tools=[ToolUse("get_current_weather", {"place": "London"})]), "Cloudy.")

    usage = model_client.post(PATH, **ask()).json["usage"]

    assert len(openai_server.calls) == 2
    alone = model_client.post(PATH, **ask()).json["usage"]
    assert usage["prompt_tokens"] > alone["prompt_tokens"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_stream_is_made_of_openais_chunks(model_client: Client, openai_server: OpenAIServer) -> None:
    openai_server.will("Cloudy, 9 °C.")
    answer = model_client.post(PATH, **ask(stream=True, stream_options={"include_usage": True}))

    assert answer.mimetype == "text/event-stream"
    first, *pieces, last, usage, done = chunks(answer.text)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(piece["choices"][0]["delta"]["content"] for piece in pieces) == "Cloudy, 9 °C."
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "stop")
    assert (usage["choices"], usage["usage"]["completion_tokens"] > 0) == ([], True)
    assert done == "[DONE]"
    assert {each["object"] for each in (first, *pieces, last, usage)} == {"chat.completion.chunk"}
    assert not any("usage" in each for each in chunks(model_client.post(PATH, **ask(stream=True)).text)[:-1])


def test_a_client_that_leaves_ends_a_call_that_nobody_waits_for(
    make_client: MakeClient, openai_server: OpenAIServer
) -> None:
    client = make_client(MODEL="openai:fake", OPENAI_BASE_URL=openai_server.url)
    conversation: Conversation = client.application.extensions["parley"].conversation("weather")
    openai_server.will(Reply("word " * 400, drip=0.02))

    events = conversation.answer((), "hello")
    next(events)
    events.close()  # type: ignore[attr-defined]

    wait_until(lambda: openai_server.calls[0].abandoned, "the model's call to be cut off")
    assert client.application.extensions["parley"].workers.running == 0


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "hello"}]}, "messages"),
        ({"messages": [{"role": "king", "content": "hello"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages"),
        ({"user": "../etc"}, None),
        ({"model": None}, "model"),
    ],
)
def test_what_is_not_served_is_a_clear_400(client: Client, more: dict[str, Any], param: str | None) -> None:
    answer = client.post(PATH, **ask(**more))

    assert answer.status_code == 400
    error = answer.json["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert len(error["message"]) > 10


@pytest.mark.parametrize(
    "more",
    [
        {"n": 1, "tools": [], "tool_choice": "none", "response_format": {"type": "text"}, "temperature": 0.5},
        {"logprobs": False, "stop": ["x"], "max_tokens": 5, "seed": 1, "metadata": {"a": "b"}, "stream": None},
        {"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "I was going to"}]},
    ],
)
def test_what_makes_no_difference_is_ignored(client: Client, more: dict[str, Any]) -> None:
    assert client.post(PATH, **ask(**more)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("get", "/v1/nothing", {}, 404, "not_found"),
        ("get", PATH, {}, 405, "method_not_allowed"),
        ("delete", "/v1/models/weather", {}, 405, "method_not_allowed"),
        ("get", "/v1/models/none", {}, 404, "model_not_found"),
        ("post", PATH, {"data": b"{", "content_type": "application/json"}, 400, "invalid_request"),
        ("post", PATH, {"data": b"{}"}, 415, "unsupported_media_type"),
        ("post", PATH, ask("x" * 9_000), 413, "too_large"),
        ("post", PATH, ask(metadata={"a": "x" * 1_100_000}), 413, "too_large"),
        ("post", PATH, ask(model="none"), 404, "model_not_found"),
    ],
)
def test_every_error_is_openais(
    client: Client, method: str, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    answer = client.open(path, method=method, **options)

    assert answer.status_code == status
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) == {"message", "type", "param", "code"}
    assert answer.json["error"]["code"] == code
    assert answer.headers["X-Request-Id"]


def test_a_long_conversation_of_the_client_is_taken(client: Client) -> None:
    turns = [{"role": role, "content": "word " * 1_000} for _ in range(20) for role in ("user", "assistant")]

    answer = client.post(PATH, json={"model": "weather", "messages": [*turns, {"role": "user", "content": "hello"}]})

    assert answer.status_code == 200


@pytest.mark.parametrize("user", [None, "ada"])
def test_a_model_that_fails_is_openais_server_error(
    make_client: MakeClient, openai_server: OpenAIServer, user: str | None
) -> None:
    client = make_client(MODEL="openai:fake", OPENAI_BASE_URL=openai_server.url)
    openai_server.answers = lambda call: Reply(status=400)

    whole = client.post(PATH, **ask(user=user))
    streamed = chunks(client.post(PATH, **ask(user=user, stream=True)).text)

    assert (whole.status_code, whole.json["error"]["code"]) == (502, "model_unavailable")
    assert whole.json["error"]["type"] == "server_error"
    assert streamed[-1]["error"]["code"] == "model_unavailable"
    assert not any(held(client, "ada")["weather"])


def test_a_wrong_key_is_openais_authentication_error(make_client: MakeClient) -> None:
    client = make_client(AUTH="on", API_KEYS="*=operators-key,ada=adas-key")

    nobody = client.get("/v1/models")
    other = client.post(PATH, **ask(user="bob"), headers={"Authorization": "Bearer adas-key"})

    assert (nobody.status_code, nobody.json["error"]["type"]) == (401, "authentication_error")
    assert (other.status_code, other.json["error"]["type"]) == (403, "permission_error")


@pytest.mark.parametrize("stream", [False, True])
def test_the_request_beyond_the_limit_is_openais_rate_limit_error(make_client: MakeClient, stream: bool) -> None:
    client = make_client(RATE_LIMIT="2/hour")
    answers = [client.post(PATH, **ask(user="ada", stream=stream)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    error, headers = answers[2].json["error"], answers[2].headers
    assert (error["type"], error["code"], error["param"]) == ("rate_limit_error", "rate_limited", None)
    assert 1 <= int(headers["Retry-After"]) == int(headers["RateLimit-Reset"]) <= 3_600
    assert (headers["RateLimit-Limit"], headers["RateLimit-Policy"]) == ("2", "2;w=3600")


def test_a_server_that_stops_says_so(client: Client) -> None:
    client.application.extensions["parley"].draining.set()

    answer = client.post(PATH, **ask())

    assert (answer.status_code, answer.json["error"]["code"]) == (503, "shutting_down")
    assert answer.headers["Retry-After"] == "1"
