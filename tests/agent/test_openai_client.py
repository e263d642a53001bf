"""The lighter way to OpenAI's API says what ``ChatOpenAI`` would have said, over fewer steps."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import urlsplit

import openai
import orjson
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    message_chunk_to_message,
)
from langchain_core.tracers.context import collect_runs
from langchain_openai import ChatOpenAI

from agent.openai_client import LightChatOpenAI, light_model
from tests.fakes.http import Connection, HTTPRequest, chunk
from tests.fakes.openai_server import CHAT, JSON, Call, OpenAIServer, Reply, ToolUse
from tests.processes import program, wait_until

CALL = ToolCall(name="get_weather", args={"city": "London"}, id="call_1")
MESSAGES: list[BaseMessage] = [
    SystemMessage("You are brief."),
    HumanMessage("Weather in London? ☂"),
    AIMessage("", tool_calls=[CALL]),
    ToolMessage("9 °C", tool_call_id="call_1", name="get_weather"),
    AIMessage("9 °C."),
    HumanMessage([{"type": "text", "text": "And in blocks?"}]),
    AIMessage([{"type": "text", "text": "In blocks."}]),
    HumanMessage("And named?", name="ada"),
    AIMessage("Wrong call", invalid_tool_calls=[{"name": "f", "args": "{", "id": "x", "error": None}]),
    ToolMessage("not JSON", tool_call_id="x"),
    AIMessage(""),
    HumanMessage("Goodbye"),
]
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
REPLIES = [
    Reply("Cloudy, 9 °C."),
    Reply("One moment.", tools=[ToolUse("get_weather", {"city": "London"}), ToolUse("get_time", {})]),
    Reply(tools=[ToolUse("get_weather", {})]),
]


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Whether the model is to answer word by word."""
    return bool(request.param)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited, without a wait."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def options(url: str) -> dict[str, Any]:
    return {"model": "parrot-1", "api_key": "sk-test", "base_url": url, "stream_usage": True, "timeout": 5.0}


def light(url: str, **more: Any) -> LightChatOpenAI:
    return light_model(1, **options(url) | more)


def models(url: str) -> tuple[LightChatOpenAI, ChatOpenAI]:
    """The lighter one, and the one that it is measured by."""
    return light(url), ChatOpenAI(**options(url))


def unheard(words: str) -> None:
    """For whom it is enough that the model speaks word by word."""


def answer(model: LightChatOpenAI, stream: bool, text: str = "Hi") -> AIMessage:
    return model.answer([HumanMessage(text)], unheard if stream else None)


def essence(message: BaseMessage) -> dict[str, Any]:
    """What two replies to one request have in common."""
    assert isinstance(message, AIMessage)
    return {
        "content": message.content,
        "tool_calls": [{**call, "id": ""} for call in message.tool_calls],
        "invalid_tool_calls": message.invalid_tool_calls,
        "usage": message.usage_metadata,
        "finish_reason": message.response_metadata["finish_reason"],
    }


@pytest.mark.parametrize("direct", [False, True])
def test_requests_are_those_of_the_model_that_it_stands_for(
    openai_server: OpenAIServer, stream: bool, direct: bool
) -> None:
    ours, theirs = models(openai_server.url)
    for messages in (MESSAGES, MESSAGES[:2]):
        for model in (ours, theirs):
            if direct and model is ours:
                ours.answer(messages, unheard if stream else None, tools=[TOOL])
            else:
                bound = model.bind_tools([TOOL])
                list(bound.stream(messages)) if stream else bound.invoke(messages)

    for call, like in zip(openai_server.chats[::2], openai_server.chats[1::2], strict=True):
        assert call.body == like.body
        said = {**call.headers, "accept-encoding": like.headers["accept-encoding"]}  # ours wants nothing packed
        assert said.items() <= like.headers.items()  # theirs tells besides how the SDK was asked


@pytest.mark.parametrize("reply", REPLIES)
def test_replies_are_the_same_whole_or_streamed(openai_server: OpenAIServer, reply: Reply) -> None:
    openai_server.answers = lambda call: reply
    ours, theirs = models(openai_server.url)

    def streamed(model: BaseChatModel) -> BaseMessage:
        first, *rest = model.stream("Hi")
        return message_chunk_to_message(sum(rest, first))

    assert essence(ours.invoke("Hi")) == essence(theirs.invoke("Hi"))
    assert essence(streamed(ours)) == essence(streamed(theirs))


@pytest.mark.parametrize("reply", REPLIES)
def test_what_is_answered_directly_is_what_would_have_been(openai_server: OpenAIServer, reply: Reply) -> None:
    openai_server.answers = lambda call: reply
    ours, theirs = models(openai_server.url)
    heard: list[str] = []

    usual = essence(theirs.invoke("Hi"))
    assert essence(ours.answer([HumanMessage("Hi")])) == usual
    assert essence(ours.answer([HumanMessage("Hi")], heard.append)) == usual
    assert "".join(heard) == reply.text


def test_connections_serve_many_turns(openai_server: OpenAIServer) -> None:
    model = light(openai_server.url)

    for _ in range(3):
        answer(model, stream=False)
        answer(model, stream=True)
        model.invoke("Hi")

    assert openai_server.accepted == 1


def test_a_kept_connection_that_was_closed_is_opened_anew(openai_server: OpenAIServer, stream: bool) -> None:
    model = light(openai_server.url, max_retries=0)
    answer(model, stream)

    openai_server.will(Reply(cut_after=0))  # as where the server closes it at this very moment
    assert answer(model, stream).text == "You said: Hi"

    assert openai_server.accepted == 2


def test_threads_get_their_own_replies(openai_server: OpenAIServer) -> None:
    model = light(openai_server.url)

    def ask(number: int) -> str:
        return answer(model, bool(number % 2), f"I am {number}").text

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(ask, range(100))) == [f"You said: I am {number}" for number in range(100)]
    assert openai_server.accepted <= 100


def test_models_of_two_servers_are_two(openai_server: OpenAIServer) -> None:
    with OpenAIServer(lambda call: "The other one.") as other:
        here, there = light(openai_server.url, api_key="sk-here"), light(other.url, api_key="sk-there")
        for stream in (False, True):
            assert answer(here, stream).text == "You said: Hi"
            assert answer(there, stream).text == "The other one."

    assert {call.headers["authorization"] for call in openai_server.chats} == {"Bearer sk-here"}
    assert {call.headers["authorization"] for call in other.chats} == {"Bearer sk-there"}


# Who watches


@pytest.fixture
def cache() -> Iterator[None]:
    set_llm_cache(InMemoryCache())
    yield
    set_llm_cache(None)


def test_nobody_watches_unless_asked_to(openai_server: OpenAIServer) -> None:
    model = light(openai_server.url)
    assert model.unwatched(tools=[TOOL])

    with collect_runs():
        assert not model.unwatched()
    assert not light(openai_server.url, callbacks=[BaseCallbackHandler()]).unwatched()
    assert not light(openai_server.url, cache=InMemoryCache()).unwatched()
    assert model.unwatched()


def test_a_cache_of_langchains_is_not_passed_by(openai_server: OpenAIServer, cache: None) -> None:
    assert not light(openai_server.url).unwatched()


def test_what_is_no_chat_in_words_is_left_to_langchain(openai_server: OpenAIServer) -> None:
    assert not light(openai_server.url, use_responses_api=True).unwatched()
    assert not light(openai_server.url).unwatched(response_format={"type": "json_object"})


# What goes wrong


@pytest.mark.parametrize("failure", [Reply(status=500), Reply(cut_after=0)], ids=["refused", "broken"])
def test_a_failure_is_asked_again(
    openai_server: OpenAIServer, waits: list[float], stream: bool, failure: Reply
) -> None:
    openai_server.will(failure, "Here I am.")

    assert answer(light(openai_server.url), stream).text == "Here I am."

    first, second = openai_server.chats
    assert first.body == second.body
    assert second.headers["x-stainless-retry-count"] == "1"
    assert len(waits) == 1


def test_half_a_reply_is_asked_again(openai_server: OpenAIServer, waits: list[float]) -> None:
    openai_server.will(Reply("Half of it", cut_after=1), "All of it")

    assert answer(light(openai_server.url), stream=False).text == "All of it"


def test_a_server_that_comes_up_meanwhile_answers(monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    server = OpenAIServer()
    monkeypatch.setattr(time, "sleep", lambda seconds: server.start())
    try:
        assert answer(light(server.url), stream).text == "You said: Hi"
    finally:
        server.stop()


def test_a_server_that_is_not_there_is_told(waits: list[float], stream: bool) -> None:
    with pytest.raises(openai.APIConnectionError):
        answer(light(OpenAIServer().url, max_retries=1), stream)

    assert len(waits) == 1


def test_retries_have_an_end(openai_server: OpenAIServer, waits: list[float], stream: bool) -> None:
    openai_server.will(*[Reply(status=429)] * 2)

    with pytest.raises(openai.RateLimitError):
        answer(light(openai_server.url, max_retries=1), stream)

    assert len(openai_server.chats) == 2


@pytest.mark.parametrize(("asked_for", "waited"), [(7, [7.0]), (3_600, [])])
def test_the_server_says_how_long_to_wait(
    openai_server: OpenAIServer, waits: list[float], stream: bool, asked_for: int, waited: list[float]
) -> None:
    openai_server.will(*[Reply(status=429, retry_after=asked_for)] * 2)

    with pytest.raises(openai.RateLimitError):
        answer(light(openai_server.url, max_retries=1), stream)

    assert waits == waited  # the SDK does not wait for more than two minutes


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, openai.BadRequestError), (401, openai.AuthenticationError), (404, openai.NotFoundError)],
)
def test_what_was_wrong_is_not_asked_again(
    openai_server: OpenAIServer, stream: bool, status: int, error: type[openai.APIStatusError]
) -> None:
    openai_server.will(Reply("Not like this.", status=status))

    with pytest.raises(error, match="Not like this") as raised:
        answer(light(openai_server.url), stream)

    assert len(openai_server.chats) == 1
    assert raised.value.status_code == status


def test_a_conversation_that_is_too_long_is_told_as_such(openai_server: OpenAIServer, stream: bool) -> None:
    openai_server.will(Reply("context_length_exceeded", status=400))

    with pytest.raises(openai.BadRequestError) as raised:
        answer(light(openai_server.url), stream)

    assert "ContextOverflow" in type(raised.value).__name__


def test_a_silent_model_is_not_waited_for(openai_server: OpenAIServer, stream: bool) -> None:
    openai_server.will(Reply(hang=True))
    begun = time.monotonic()

    with pytest.raises(openai.APITimeoutError):
        answer(light(openai_server.url, timeout=0.1, max_retries=0), stream)

    assert time.monotonic() - begun < 2
    assert answer(light(openai_server.url), stream).text == "You said: Hi"


def test_the_time_is_for_the_whole_stream(openai_server: OpenAIServer) -> None:
    openai_server.will(Reply("word " * 1_000, drip=0.02))
    heard: list[str] = []

    with pytest.raises(openai.APITimeoutError):
        light(openai_server.url, timeout=0.2).answer([HumanMessage("Hi")], heard.append)

    assert "word " in heard
    assert len(openai_server.chats) == 1


def test_a_stream_that_breaks_off_is_not_begun_anew(openai_server: OpenAIServer) -> None:
    openai_server.will(Reply("One two three", cut_after=3))
    heard: list[str] = []

    with pytest.raises(openai.APIConnectionError):
        light(openai_server.url).answer([HumanMessage("Hi")], heard.append)

    assert heard == ["", "One ", "two "]
    assert len(openai_server.chats) == 1


@pytest.mark.parametrize("error", [TimeoutError, KeyboardInterrupt])
@pytest.mark.parametrize("second", [False, True], ids=["first", "second"])
def test_who_listens_can_end_the_stream(
    openai_server: OpenAIServer, waits: list[float], error: type[BaseException], second: bool
) -> None:
    openai_server.will(*[Reply(status=500)] * second, Reply("word " * 1_000, drip=0.01))
    model = light(openai_server.url)

    def heard(words: str) -> None:
        if words:
            raise error

    with pytest.raises(error):
        model.answer([HumanMessage("Hi")], heard)

    wait_until(lambda: openai_server.chats[-1].abandoned, "the stream is ended")
    assert len(openai_server.chats) == 1 + second
    assert answer(model, stream=True).text == "You said: Hi"  # the handle is as good as before
    assert answer(model, stream=False).text == "You said: Hi"


# Servers of another kind


class Written(OpenAIServer):
    """Answers every chat with these events, and breaks off after them where ``cut``."""

    def __init__(self, *pieces: bytes, cut: bool = False) -> None:
        super().__init__()
        self.pieces = pieces
        self.cut = cut

    async def _answer(self, call: Call, client: Connection) -> None:
        client.begin(200, "text/event-stream")
        client.write(b"".join(map(chunk, self.pieces)))
        if self.cut:
            client.cut()
        else:
            client.write(chunk(b""))


def event(words: str) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": {"content": words}}]}) + b"\r\n\r\n"


def test_a_stream_is_read_however_it_is_cut() -> None:
    data = b": keep-alive\r\n\r\n" + event("Grüße 🙂") + event(" ☂") + b"data: [DONE]\r\n\r\n"
    heard: list[str] = []

    with Written(*[data[i : i + 1] for i in range(len(data))]) as server:
        assert light(server.url).answer([HumanMessage("Hi")], heard.append).text == "Grüße 🙂 ☂"

    assert heard == ["Grüße 🙂", " ☂"]


def test_an_error_within_a_stream_is_raised() -> None:
    heard: list[str] = []

    with Written(event("Hi"), b'data: {"error": {"message": "Overloaded"}}\n\n') as server:
        with pytest.raises(openai.APIError, match="Overloaded"):
            light(server.url).answer([HumanMessage("Hi")], heard.append)
        assert len(server.chats) == 1

    assert heard == ["Hi"]


def test_a_stream_is_over_where_it_says_so() -> None:
    with Written(event("Hi"), b"data: [DONE]\n\n", cut=True) as server:
        assert answer(light(server.url), stream=True).text == "Hi"


def test_a_stream_of_nothing_is_no_answer() -> None:
    with Written() as server, pytest.raises(ValueError, match="empty stream"):
        answer(light(server.url), stream=True)


class Forgiving(OpenAIServer):
    """Takes lone surrogates; ``said`` has the texts as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    async def _serve(self, request: HTTPRequest, client: Connection) -> None:
        body = json.loads(request.body)
        self.said.append(body["messages"][0]["content"])
        body["messages"] = [{"role": "user", "content": "Hi"}]
        await super()._serve(replace(request, body=orjson.dumps(body)), client)


def test_half_a_character_goes_both_ways(waits: list[float], stream: bool) -> None:
    with Forgiving() as server:
        server.will(Reply(status=500), "Half a \ud83d too")
        assert answer(light(server.url), stream, "Half a \ud83d").content == "Half a \ud83d too"

    assert server.said == ["Half a \ud83d"] * 2  # also where the SDK asks again


# Networks of another kind


class Proxy(OpenAIServer):
    """A proxy that answers by itself; ``targets`` has what it was asked for."""

    def __init__(self) -> None:
        super().__init__(lambda call: "By the proxy.")
        self.targets: list[str] = []

    async def _serve(self, request: HTTPRequest, client: Connection) -> None:
        self.targets.append(request.path)
        await super()._serve(replace(request, path=urlsplit(request.path).path), client)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as proxy:
        yield proxy


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.usefixtures("no_proxies")
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_environments_proxy_is_asked(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

    assert answer(light("http://model.test/v1", max_retries=0), stream=False).text == "By the proxy."

    assert proxy.targets == ["http://model.test/v1/chat/completions"]


@pytest.mark.usefixtures("no_proxies")
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("proxied", ["http_proxy", "HTTP_PROXY"])
def test_a_server_nearby_is_asked_directly(
    proxy: Proxy, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, name: str, proxied: str
) -> None:
    monkeypatch.setenv(proxied, f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv(name, "example.test,127.0.0.1")

    assert answer(light(openai_server.url), stream=True).text == "You said: Hi"

    assert proxy.targets == []


class Moved(OpenAIServer):
    """Has another path than it had."""

    async def _serve(self, request: HTTPRequest, client: Connection) -> None:
        if request.path == CHAT:
            await super()._serve(request, client)
        else:
            client.send(307, JSON, b"{}", {"Location": CHAT})


def test_a_server_that_has_moved_is_followed(stream: bool) -> None:
    with Moved() as server:
        assert answer(light(server.url + "/old"), stream).text == "You said: Hi"


class Encrypted(OpenAIServer):
    """Over TLS."""

    def __init__(self, certificate: Path, key: Path) -> None:
        super().__init__()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:")

    def _run(self, loop: AbstractEventLoop, listener: socket) -> None:
        loop.create_server = partial(loop.create_server, ssl=self._tls)  # type: ignore[method-assign]
        super()._run(loop, listener)


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[Encrypted]:
    """Its certificate is in ``tmp_path / "trusted"``, found by its name and by its hash."""
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    key, certificate = tmp_path / "key.pem", trusted / "certificate.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([program("openssl"), "req", "-x509", *kind, *files, *names], check=True, capture_output=True)
    subprocess.run([program("openssl"), "rehash", str(trusted)], check=True, capture_output=True)
    with Encrypted(certificate, key) as server:
        yield server


def test_who_cannot_be_trusted_is_told_nothing(encrypted: Encrypted) -> None:
    with pytest.raises(openai.APIConnectionError):
        answer(light(encrypted.url, max_retries=0), stream=False)

    assert encrypted.chats == []


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_certificate_of_ones_own_is_trusted_where_the_environment_names_it(
    encrypted: Encrypted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    trusted = tmp_path / "trusted"
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(name, str(trusted if name == "SSL_CERT_DIR" else trusted / "certificate.pem"))
    model = light(encrypted.url, max_retries=0)

    assert answer(model, stream=False).text == "You said: Hi"
    assert answer(model, stream=True).text == "You said: Hi"
    assert encrypted.accepted == 1
