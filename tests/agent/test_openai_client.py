"""The lighter way to OpenAI's API says what ``ChatOpenAI`` would have said, over fewer steps."""

from __future__ import annotations

from typing import Any

import openai
import pytest
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
from langchain_openai import ChatOpenAI

from agent.openai_client import light_model
from tests.fakes.openai_server import OpenAIServer, Reply, ToolUse

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


def models(server: OpenAIServer, **more: Any) -> tuple[BaseChatModel, BaseChatModel]:
    """The lighter one, and the one that it is measured by."""
    options = {"model": "parrot-1", "api_key": "sk-test", "base_url": server.url, "stream_usage": True, "timeout": 5.0, **more}
    return light_model(1, **options), ChatOpenAI(**options)


@pytest.mark.parametrize("stream", [False, True])
def test_requests_are_those_of_the_model_that_it_stands_for(openai_server: OpenAIServer, stream: bool) -> None:
    for model in models(openai_server):
        for messages in (MESSAGES, MESSAGES[:2]):  # the second request of a client goes another way
            bound = model.bind_tools([TOOL])
            list(bound.stream(messages)) if stream else bound.invoke(messages)

    ours, ours_again, theirs, theirs_again = openai_server.chats
    assert (ours.body, ours_again.body) == (theirs.body, theirs_again.body)
    for call, like in ((ours, theirs), (ours_again, theirs_again)):
        said = {**call.headers, "accept-encoding": like.headers["accept-encoding"]}  # ours wants nothing packed
        assert said.items() <= like.headers.items()  # theirs tells besides how the SDK was asked


@pytest.mark.parametrize("reply", [Reply("Cloudy, 9 °C."), Reply("One moment.", tools=[ToolUse("get_weather", {})])])
def test_replies_are_the_same_whole_or_streamed(openai_server: OpenAIServer, reply: Reply) -> None:
    openai_server.answers = lambda call: reply
    light, heavy = models(openai_server)

    def essence(message: BaseMessage) -> dict[str, Any]:
        return message.model_dump(exclude={"id", "response_metadata", "additional_kwargs"})

    def streamed(model: BaseChatModel) -> BaseMessage:
        first, *rest = model.stream("Hi")
        return message_chunk_to_message(sum(rest, first))

    def without_ids(message: dict[str, Any]) -> str:
        return str({**message, "tool_calls": [{**call, "id": ""} for call in message["tool_calls"]]})

    assert without_ids(essence(light.invoke("Hi"))) == without_ids(essence(heavy.invoke("Hi")))
    assert without_ids(essence(streamed(light))) == without_ids(essence(streamed(heavy)))


def test_the_sdks_retries_and_errors_stay(openai_server: OpenAIServer) -> None:
    light, _ = models(openai_server, max_retries=1)
    light.invoke("The first request is built by the SDK")

    openai_server.will(Reply(status=500, retry_after=0.01), "Here I am.")
    assert light.invoke("Are you there?").text == "Here I am."
    retried = openai_server.chats[-1]
    assert retried.headers["x-stainless-retry-count"] == "1"

    openai_server.will(*[Reply(status=429, retry_after=0.01)] * 2)
    with pytest.raises(openai.RateLimitError):
        light.invoke("Are you there?")


def test_connections_serve_many_turns(openai_server: OpenAIServer) -> None:
    light, _ = models(openai_server)

    for _ in range(3):
        light.invoke("Hi")
        list(light.stream("Hi"))

    assert openai_server.accepted == 1
