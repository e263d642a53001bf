"""Any text up to 8,000 characters is answered, soon, and leaves a small document behind."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assistant import TurnContext
from agent.offline import Ask, ToolCall, ToolResult
from assistants.shopping import ASSISTANT, hooks
from assistants.shopping.document import size
from assistants.shopping.topics import top_topics
from tests.assistants.shopping_conversation import run_tool

LIMIT = 16_384
LIST = {"last_results": ["IPH15PRO-256", "GALS24-256", "PIX8-128"], "focus": ["PIX8-128"]}

HARD = {
    "letters": "a" * 8000,
    "words": "the " * 2000,
    "wishes": "add two of " * 700,
    "put": "put " * 2000,
    "take": "take the phone " * 500,
    "ordinals": "the first " * 800,
    "names": "galaxy s24 and " * 500,
    "amounts": "between 1 and " * 570,
    "digits": "9" * 8000,
    "thousands": "1," * 4000,
    "grows when normalised": "ﷺ" * 8000,
    "dotted": "İ" * 8000,
    "surrogates": "\ud800" * 8000,
    "zeros": "\x00" * 8000,
    "marks": "e\u0301" * 4000,
    "apostrophes": "n't'" * 2000,
    "signs": "-$+#*_" * 1300,
    "unknown words": "abcdefghijklmno " * 500,
    "dislikes": "i don't like " * 600,
    "questions": "or the ? " * 800,
    "headset": "🎧" * 8000,
}


def talk(message: str, document: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The reply to a message in a session, and the session's document after it."""
    context = TurnContext("shopping", "s1", message, 1_700_000_000_000, attributes=document)
    hooks.before(context)
    results: list[ToolResult] = []
    for _ in range(4):
        answer = ASSISTANT.offline(Ask(message, (), tuple(results), turn=context))
        if isinstance(answer, str):
            return hooks.after(context, answer), context.attributes
        calls: Sequence[ToolCall] = [answer] if isinstance(answer, ToolCall) else answer
        results += [ToolResult(call.name, call.args, run_tool(call.name, call.args, context)) for call in calls]
    raise AssertionError(f"the rules never came to a reply for {message!r}")


@pytest.mark.parametrize("message", HARD.values(), ids=HARD.keys())
def test_hard_texts_are_answered_at_once(message: str) -> None:
    talk("warm up", {})
    began = time.process_time()
    reply, document = talk(message, dict(LIST))
    assert time.process_time() - began < 1.0
    assert reply
    reply.encode()
    assert size(document) < LIMIT
    assert len(top_topics([message])) <= 10


SAID = """
add remove buy compare checkout show the first second third last one it them both two 3 x of iphone galaxy pixel 15
pro case under over between 500 $1000 and or not apple samsung sony phone laptops cart my budget is prefer
i don't like more cheaper best cheapest which what ? ! 16 gb 5g oled for name sam yes no empty what's in
"""
WORDS = st.sampled_from(SAID.split())


@given(st.lists(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join)), max_size=8))
@settings(max_examples=150, deadline=None)
def test_no_conversation_breaks_the_rules(messages: list[str]) -> None:
    document: dict[str, Any] = {}
    for message in messages:
        reply, document = talk(message, document)
        assert reply.strip()
        assert size(document) < LIMIT


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_topics_of_any_text(text: str) -> None:
    for topic in top_topics([text]):
        assert topic["count"] >= 1
        assert topic["word"]
