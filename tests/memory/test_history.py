"""LangChain's face of the engine: messages come back as they went in, and turns are stored whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory

from memory import SessionChatMessageHistory, SessionEngine, SessionMemory, SessionPolicy, open_store
from memory.codec import decode_turn, encode_turn
from memory.history import to_message, to_record
from memory.session import Turn

CALLING = AIMessage(
    "",
    tool_calls=[{"name": "weather", "args": {"city": "Rome"}, "id": "call_1", "type": "tool_call"}],
    usage_metadata={"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
    id="run-1",
)
RESULT = ToolMessage("18 °C", tool_call_id="call_1", name="weather", artifact={"celsius": 18})
SAID = AIMessage("Sunny, 18 °C", response_metadata={"model_name": "m"}, additional_kwargs={"refusal": None})


@pytest.fixture
def engine(redis_url: str) -> SessionEngine:
    return SessionEngine(open_store(redis_url), SessionPolicy(inactivity=900, max_turns=20), namespace="history")


def configured(subject: str) -> Any:
    return {"configurable": {"session_id": subject}}


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage("Hello"),
        HumanMessage(
            [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "https://x.example"}}]
        ),
        HumanMessage("Hi", name="ada", id="1", additional_kwargs={"mood": "good"}),
        SystemMessage("Be kind"),
        CALLING,
        RESULT,
        SAID,
        ToolMessage("no", tool_call_id="2", status="error"),
        FunctionMessage(content="4", name="double"),
        ChatMessage(content="psst", role="whisperer"),
        AIMessage(
            "", invalid_tool_calls=[{"name": "x", "args": "{", "id": "1", "error": "cut", "type": "invalid_tool_call"}]
        ),
    ],
)
def test_a_message_comes_back_equal_to_what_went_in(message: BaseMessage) -> None:
    turn = Turn("id", 1, 2, 3, (to_record(message),))

    (record,) = decode_turn(encode_turn(turn)).messages

    assert to_message(record) == message


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(text: str) -> None:
    turn = Turn("id", 1, 2, 3, (to_record(HumanMessage(text)), to_record(AIMessage(text))))

    assert [to_message(m) for m in decode_turn(encode_turn(turn)).messages] == [HumanMessage(text), AIMessage(text)]


def test_a_chunk_is_kept_as_the_message_it_adds_up_to() -> None:
    assert to_message(to_record(AIMessageChunk(content="Hello"))) == AIMessage("Hello")


def test_an_artifact_that_is_no_json_is_left_out_and_the_rest_stays() -> None:
    message = ToolMessage("4", tool_call_id="1", name="double", artifact=object())

    assert to_message(to_record(message)) == ToolMessage("4", tool_call_id="1", name="double")


def test_a_turn_with_tools_is_kept_whole_and_in_order(engine: SessionEngine) -> None:
    history = SessionChatMessageHistory(engine, "tools")
    turn = [HumanMessage("Weather in Rome?"), CALLING, RESULT, SAID]

    history.add_messages(turn)

    assert SessionChatMessageHistory(engine, "tools").messages == turn
    assert len(engine.history("tools")) == 1


def test_a_message_without_its_answer_is_seen_here_and_stored_with_it(engine: SessionEngine) -> None:
    history = SessionChatMessageHistory(engine, "pending")

    history.add_messages([HumanMessage("Hello")])
    assert history.messages == [HumanMessage("Hello")]
    assert SessionChatMessageHistory(engine, "pending").messages == []

    history.add_messages([AIMessage("Hello you")])
    assert SessionChatMessageHistory(engine, "pending").messages == [HumanMessage("Hello"), AIMessage("Hello you")]


def test_several_turns_at_once_are_several_turns(engine: SessionEngine) -> None:
    history = SessionChatMessageHistory(engine, "many")

    history.add_messages([AIMessage("Welcome!"), HumanMessage("a"), AIMessage("A"), HumanMessage("b"), AIMessage("B")])

    assert [(t.message, t.response) for t in engine.history("many")] == [("", "Welcome!"), ("a", "A"), ("b", "B")]


def test_clearing_forgets_the_words(engine: SessionEngine) -> None:
    history = SessionChatMessageHistory(engine, "clear")
    history.add_messages([HumanMessage("Hello"), AIMessage("Hi")])

    history.clear()

    assert history.messages == []


@pytest.mark.filterwarnings("ignore:RunnableWithMessageHistory is deprecated")
def test_it_works_under_runnable_with_message_history(engine: SessionEngine) -> None:
    shown: list[list[BaseMessage]] = []

    def model(messages: list[BaseMessage]) -> AIMessage:
        shown.append(list(messages))
        return AIMessage(f"answer {len(shown)}")

    talk = RunnableWithMessageHistory(
        RunnableLambda(model), lambda session_id: SessionChatMessageHistory(engine, session_id)
    )
    talk.invoke([HumanMessage("one")], configured("runnable"))
    talk.invoke([HumanMessage("two")], configured("runnable"))

    assert shown[1] == [HumanMessage("one"), AIMessage("answer 1"), HumanMessage("two")]
    assert len(engine.history("runnable")) == 2


def test_two_lines_give_any_agent_the_session_s_memory(engine: SessionEngine) -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("Hello Ada"), AIMessage("Ada")]))
    agent = create_agent(model, middleware=[SessionMemory(engine)])

    agent.invoke({"messages": [HumanMessage("I am Ada")]}, configured("agent"))
    result = agent.invoke({"messages": [HumanMessage("Who am I?")]}, configured("agent"))

    assert [m.content for m in result["messages"]] == ["I am Ada", "Hello Ada", "Who am I?", "Ada"]
    assert [(t.message, t.response) for t in engine.history("agent")] == [
        ("I am Ada", "Hello Ada"),
        ("Who am I?", "Ada"),
    ]


async def _ask(agent: Any, text: str, subject: str) -> Any:
    return await agent.ainvoke({"messages": [HumanMessage(text)]}, configured(subject))


def test_the_agent_s_memory_works_for_async_agents(engine: SessionEngine) -> None:
    import asyncio

    model = GenericFakeChatModel(messages=iter([AIMessage("Hello Ada"), AIMessage("Ada")]))
    agent = create_agent(model, middleware=[SessionMemory(engine)])

    asyncio.run(_ask(agent, "I am Ada", "async"))
    result = asyncio.run(_ask(agent, "Who am I?", "async"))

    assert len(result["messages"]) == 4


def test_an_agent_that_fails_stores_nothing_and_blocks_nobody(engine: SessionEngine) -> None:
    failing = create_agent(GenericFakeChatModel(messages=iter([])), middleware=[SessionMemory(engine)])
    with pytest.raises((StopIteration, RuntimeError)):
        failing.invoke({"messages": [HumanMessage("Hello")]}, configured("fails"))

    assert engine.history("fails") == ()
    engine.begin_turn("fails", "next", wait=0)


def test_an_agent_without_a_session_is_told_what_to_say(engine: SessionEngine) -> None:
    agent = create_agent(GenericFakeChatModel(messages=iter([AIMessage("Hi")])), middleware=[SessionMemory(engine)])

    with pytest.raises(ValueError, match="session_id"):
        agent.invoke({"messages": [HumanMessage("Hello")]})


def test_the_older_name_still_works_and_warns(engine: SessionEngine) -> None:
    from memory import MemoryStore

    with pytest.warns(DeprecationWarning, match="SessionEngine"):
        store = MemoryStore(engine=engine)
    store.save_conversation("legacy", "Hello", "Hi")

    (entry,) = store.get_conversation_history("legacy")
    assert (entry["message"], entry["response"]) == ("Hello", "Hi")
    store.clear_conversation_history("legacy")
    assert store.get_conversation_history("legacy") == []
