"""The stand-in for OpenAI, seen through the real clients."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import httpx
import openai
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

from tests.fakes.openai_server import OpenAIServer, Reply, ToolUse
from tests.processes import LOOPBACK, free_port, wait_until

KEY = SecretStr("sk-test")


@tool
def get_weather(city: str, days: int = 1) -> str:
    """The weather of a city."""
    return f"{city}: {days}"


def chat(server: OpenAIServer, *, timeout: float = 10.0) -> ChatOpenAI:
    return ChatOpenAI(
        model="gpt-test", base_url=server.url, api_key=KEY, max_retries=0, timeout=timeout, stream_usage=True
    )


def test_it_says_what_it_was_told_to_say_in_order(openai_server: OpenAIServer) -> None:
    openai_server.will("Cloudy, 9 °C.", "Sunny.")
    model = chat(openai_server)

    assert model.invoke("London?").content == "Cloudy, 9 °C."
    assert model.invoke("Rome?").content == "Sunny."
    assert model.invoke("Hello").content == "You said: Hello"


def test_it_shows_what_the_model_was_sent(openai_server: OpenAIServer) -> None:
    chat(openai_server).bind_tools([get_weather]).invoke([SystemMessage("Be brief."), HumanMessage("London?")])

    (call,) = openai_server.chats
    assert call.said == [("system", "Be brief."), ("user", "London?")]
    assert call.tools == ["get_weather"]
    assert call.body["model"] == "gpt-test"
    assert call.headers["authorization"] == "Bearer sk-test"
    assert not call.stream


def test_a_stream_comes_in_words_and_ends_with_its_usage(openai_server: OpenAIServer) -> None:
    openai_server.will("It is  cloudy\nin London")

    chunks = list(chat(openai_server).stream("London?"))

    assert [c.text for c in chunks if c.text] == ["It ", "is  ", "cloudy\n", "in ", "London"]
    whole = chunks[0]
    for piece in chunks[1:]:
        whole += piece
    assert isinstance(whole, AIMessageChunk)
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["output_tokens"] == 5
    assert whole.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("streamed", [False, True])
def test_tool_calls_reach_the_client_whole(openai_server: OpenAIServer, streamed: bool) -> None:
    uses = [ToolUse("get_weather", {"city": "São Paulo", "days": 3}), ToolUse("get_weather", {"city": "Rome"})]
    openai_server.will(Reply(tools=uses))
    model = chat(openai_server).bind_tools([get_weather])

    if streamed:
        chunks = [c for c in model.stream("Where is it warm?") if isinstance(c, AIMessageChunk)]
        message = chunks[0]
        for piece in chunks[1:]:
            message += piece
        assert len(chunks) > 6
        calls = message.tool_calls
    else:
        calls = model.invoke("Where is it warm?").tool_calls

    assert [(call["name"], call["args"]) for call in calls] == [(use.name, use.arguments) for use in uses]
    assert calls[0]["id"] != calls[1]["id"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, openai.AuthenticationError), (429, openai.RateLimitError), (500, openai.InternalServerError)],
)
def test_it_fails_as_the_real_service_does(openai_server: OpenAIServer, status: int, error: type[Exception]) -> None:
    openai_server.will(Reply(status=status))
    with pytest.raises(error):
        chat(openai_server).invoke("London?")


def test_a_rate_limit_says_when_to_come_back(openai_server: OpenAIServer) -> None:
    openai_server.will(Reply(status=429, retry_after=2))
    with pytest.raises(openai.RateLimitError) as raised:
        chat(openai_server).invoke("London?")
    assert raised.value.response.headers["retry-after"] == "2"


def test_a_tool_call_without_its_result_is_refused(openai_server: OpenAIServer) -> None:
    call: object = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    torn: list[dict[str, object]] = [
        {"role": "user", "content": "London?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "user", "content": "Well?"},
    ]
    whole: list[dict[str, object]] = [*torn[:2], {"role": "tool", "tool_call_id": "call_1", "content": "9 °C"}, torn[2]]

    def status(messages: list[dict[str, object]]) -> int:
        body = {"model": "gpt-test", "messages": messages}
        url = f"{openai_server.url}/chat/completions"
        return httpx.post(url, json=body, headers={"Authorization": "Bearer sk-test"}).status_code

    assert status(torn) == 400
    assert status(torn[:2]) == 400
    assert status([whole[2]]) == 400
    assert status([]) == 400
    assert status(whole) == 200


def test_a_model_that_hangs_runs_into_the_clients_time_out(openai_server: OpenAIServer) -> None:
    openai_server.will(Reply(hang=True))
    with pytest.raises(openai.APITimeoutError):
        chat(openai_server, timeout=0.2).invoke("London?")
    wait_until(lambda: openai_server.chats[0].abandoned, "the client's leave")


def test_a_cut_stream_gives_its_beginning_and_then_an_error(openai_server: OpenAIServer) -> None:
    openai_server.will(Reply("one two three four", cut_after=3))
    stream = chat(openai_server).stream("Count!")
    assert [next(stream).text for _ in range(3)] == ["", "one ", "two "]
    with pytest.raises((httpx.RemoteProtocolError, openai.APIError)):
        next(stream)


@pytest.mark.parametrize("cut_after", [0, 1])
def test_a_cut_reply_is_an_error(openai_server: OpenAIServer, cut_after: int) -> None:
    openai_server.will(Reply("one two three four", cut_after=cut_after))
    with pytest.raises((httpx.RemoteProtocolError, openai.APIError)):
        chat(openai_server).invoke("Count!")


def test_a_dripping_stream_takes_its_time(openai_server: OpenAIServer) -> None:
    openai_server.will(Reply("one two three four", think=0.1, drip=0.05))
    begun = time.monotonic()
    arrivals = [time.monotonic() - begun for piece in chat(openai_server).stream("Count!") if piece.text]
    assert arrivals[0] >= 0.1
    assert arrivals[-1] - arrivals[0] >= 0.1


def test_texts_that_share_words_have_vectors_that_are_near(openai_server: OpenAIServer) -> None:
    with httpx.Client() as client:
        model = OpenAIEmbeddings(
            model="text-embedding-3-small",
            openai_api_base=openai_server.url,
            openai_api_key=KEY,
            check_embedding_ctx_length=False,
            http_client=client,
        )
        storm, again, cats = model.embed_documents(["a storm in London", "London after a storm", "cats sleep"])

    def dot(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert dot(storm, again) > 0.7
    assert dot(storm, cats) < 0.3


def test_a_thousand_clients_think_at_the_same_time() -> None:
    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        body = b'{"model": "gpt-test", "messages": [{"role": "user", "content": "Hello"}], "stream": true}'
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer sk-test\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        reply = await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return reply

    async def ask_all(port: int) -> list[bytes]:
        return await asyncio.gather(*(ask(port) for _ in range(1_000)))

    with OpenAIServer(lambda call: Reply("yes", think=0.5)) as server:
        begun = time.monotonic()
        replies = asyncio.run(ask_all(server.port))
        took = time.monotonic() - begun
    assert all(reply.startswith(b"HTTP/1.1 200 OK") and b"[DONE]" in reply for reply in replies)
    # One after the other they would take 500 s.
    assert took < 30


def test_it_runs_alone_for_measurements() -> None:
    port = free_port()
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", str(port), "--think", "0", "--tokens", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip().removeprefix("OPENAI_BASE_URL=")
            model = ChatOpenAI(model="gpt-test", base_url=base_url, api_key=KEY, max_retries=0)
            reply = model.invoke("Hello")
        finally:
            process.terminate()
    assert len(str(reply.content).split()) == 7
