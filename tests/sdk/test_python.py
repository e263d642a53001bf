"""The official Python SDK of OpenAI, and LangChain's ``ChatOpenAI`` on top of it."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from openai.types.chat import ChatCompletionMessageParam

from agent.registry import find
from tests.app import ParleyServer
from tests.sdk.conftest import KEY, NEEDS_CHAT

pytestmark = NEEDS_CHAT


@pytest.fixture
def client(parley: ParleyServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{parley.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def test_the_assistants_are_the_models(client: openai.OpenAI) -> None:
    models = client.models.list().data

    assert {model.id for model in models} == set(find())
    assert client.models.retrieve("chat").owned_by == "parley"


def test_with_a_user_the_server_remembers(client: openai.OpenAI) -> None:
    client.chat.completions.create(model="chat", user="sdk-1", messages=user("My name is Ada"))

    reply = client.chat.completions.create(model="chat", user="sdk-1", messages=user("What is my name?"))

    assert "Ada" in str(reply.choices[0].message.content)
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == "chat"
    assert reply.usage is not None
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_without_one_the_messages_are_all_there_is(client: openai.OpenAI) -> None:
    said: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "My name is Grace"},
        {"role": "assistant", "content": "Nice to meet you, Grace!"},
        {"role": "user", "content": [{"type": "text", "text": "What is my name?"}]},
    ]

    known = client.chat.completions.create(model="chat", messages=said)
    unknown = client.chat.completions.create(model="chat", messages=user("What is my name?"))

    assert "Grace" in str(known.choices[0].message.content)
    assert "Grace" not in str(unknown.choices[0].message.content)


def test_streams(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="chat",
        messages=user("My name is Ada"),
        stream=True,
        stream_options={"include_usage": True},
        temperature=0.2,
        max_completion_tokens=100,
        seed=1,
    )
    chunks = list(stream)

    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Ada" in words
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert len({chunk.id for chunk in chunks}) == 1
    assert len(chunks) > 4


def test_errors_are_the_sdks_own(client: openai.OpenAI, parley: ParleyServer) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-none", messages=user("hello"))
    with pytest.raises(openai.BadRequestError) as many:
        client.chat.completions.create(model="chat", messages=user("hello"), n=2)
    with pytest.raises(openai.BadRequestError) as tools:
        client.chat.completions.create(
            model="chat", messages=user("hello"), tools=[{"type": "function", "function": {"name": "f"}}]
        )
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="chat", input="hello", encoding_format="float")
    with (
        openai.OpenAI(base_url=f"{parley.url}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        stranger.models.list()
    with (
        openai.OpenAI(base_url=f"{parley.url}/v1", api_key="adas-key", max_retries=0) as ada,
        pytest.raises(openai.PermissionDeniedError),
    ):
        ada.chat.completions.create(model="chat", user="bob", messages=user("hello"))

    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    assert many.value.param == "n"
    assert tools.value.param == "tools"
    assert refused.value.type == "authentication_error"


def chat_openai(parley: ParleyServer, **options: object) -> ChatOpenAI:
    return ChatOpenAI(model="chat", base_url=f"{parley.url}/v1", api_key=KEY, max_retries=0, **options)


def test_chat_openai_invokes(parley: ParleyServer) -> None:
    model = chat_openai(parley)

    reply = model.invoke(
        [SystemMessage("Be brief."), HumanMessage("My name is Ada"), AIMessage("Hello!"), HumanMessage("Who am I?")]
    )

    assert "Ada" in str(reply.text)
    assert reply.usage_metadata is not None
    assert reply.usage_metadata["total_tokens"] > 0


def test_chat_openai_streams_and_remembers(parley: ParleyServer) -> None:
    model = chat_openai(parley, stream_usage=True, model_kwargs={"user": "langchain-1"})

    list(model.stream("My name is Ada"))
    pieces = list(model.stream("What is my name?"))

    assert len(pieces) > 2
    assert "Ada" in "".join(str(piece.text) for piece in pieces)
    assert any(piece.usage_metadata for piece in pieces)
