"""The offline model is a LangChain chat model like any other: it passes LangChain's own standard tests."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_tests.unit_tests import ChatModelUnitTests

from agent.offline import Answer, Ask, OfflineModel, ToolCall


class TestStandard(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OfflineModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {}


def asked(answer: Answer) -> tuple[OfflineModel, list[Ask]]:
    """A model that gives this answer, and what its rules were asked."""
    seen: list[Ask] = []

    def rules(ask: Ask) -> Answer:
        seen.append(ask)
        return answer

    return OfflineModel(rules=rules), seen


def test_the_rules_are_asked_the_last_message_with_what_was_said_before() -> None:
    model, seen = asked("Hello again")

    reply = model.invoke(
        [SystemMessage("You are kind."), HumanMessage("Hello"), AIMessage("Hello you"), HumanMessage("Still there?")]
    )

    assert reply.content == "Hello again"
    assert seen == [Ask("Still there?", (("human", "Hello"), ("ai", "Hello you")))]


def test_a_tool_is_called_and_its_result_comes_back_to_the_rules() -> None:
    model, _ = asked([ToolCall("double", {"n": 2}), ToolCall("double", {"n": 3})])
    calling = model.invoke([HumanMessage("2 and 3")])
    results = [
        ToolMessage(str(call["args"]["n"] * 2), tool_call_id=call["id"], name="double") for call in calling.tool_calls
    ]

    model, seen = asked("4 and 6")
    model.invoke([HumanMessage("2 and 3"), calling, *results])

    assert [(r.name, r.args, r.content) for r in seen[0].results] == [
        ("double", {"n": 2}, "4"),
        ("double", {"n": 3}, "6"),
    ]


def test_a_streamed_reply_is_the_whole_reply_in_pieces() -> None:
    model, _ = asked("One two\n\n  three")

    pieces = list(model.stream([HumanMessage("Count")]))

    assert "".join(str(piece.content) for piece in pieces) == "One two\n\n  three"
    assert len(pieces) > 3


def test_a_streamed_tool_call_is_whole_when_its_pieces_are_added_up() -> None:
    model, _ = asked(ToolCall("double", {"n": 2}))

    first, *more = model.stream([HumanMessage("2")])
    for piece in more:
        first += piece

    assert [(call["name"], call["args"]) for call in first.tool_calls] == [("double", {"n": 2})]


def test_bound_tools_are_told_to_the_rules_by_name() -> None:
    model, seen = asked("ok")

    def double(n: int) -> int:
        """Doubles."""
        return 2 * n

    model.bind_tools([double]).invoke([HumanMessage("hi")])

    assert seen[0].tools == {"double"}


def test_a_reply_ends_where_a_stop_word_begins() -> None:
    model, _ = asked("one STOP two")

    assert model.invoke([HumanMessage("hi")], stop=["STOP"]).content == "one "
