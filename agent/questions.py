"""Several questions in one message, answered one after the other: for rules that can answer one at a time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from agent.offline import Answer, Ask, Rules, ToolCall, ToolResult

MOST: Final = 3
"""Questions of one message that are answered by themselves; who asks more is answered as a whole."""

_LONGEST: Final = 600
"""Characters of a message that is cut into questions."""

_ASKING: Final = (
    r"(?:what|who|whose|where|when|why|which|how|is|are|was|were|do|does|did|can|could|will|would|should|has|have"
    r"|what's|who's|where's|how's|whats)\b"
)
_BETWEEN: Final = re.compile(
    rf"(?<=[.!?])\s+|\n+|(?:,\s*|\s+)(?:and|but|also)\s+(?:also\s+)?(?={_ASKING})", re.IGNORECASE
)
_QUESTION: Final = re.compile(
    rf"^(?:(?:hi|hey|hello|and|so|but|also|ok|okay|please|thanks|thank you|great|by the way)\b[ ,!]*)*{_ASKING}",
    re.IGNORECASE,
)


def questions_of(message: str) -> list[str]:
    """The questions of a message, in its order, each with what is told before it: two or three, or none where the
    message is best read as a whole.

    >>> questions_of("I'm Ada. Will it rain in Rome, and what is 2 + 2?")
    ["I'm Ada. Will it rain in Rome", 'what is 2 + 2?']
    """
    if len(message) > _LONGEST:
        return []
    asked: list[str] = []
    told = ""
    for part in filter(None, map(str.strip, _BETWEEN.split(message.replace("\u2019", "'")))):
        told = f"{told} {part}".strip()
        if len(part.split()) > 1 and (part.endswith("?") or _QUESTION.match(part)):
            asked.append(told)
            told = ""
    return asked if 2 <= len(asked) <= MOST else []


def one_by_one(ask: Ask, rules: Rules) -> Answer | None:
    """The answers of ``rules`` to the questions of a message, a paragraph each; None where it asks fewer than two.

    Each is asked as if it were the next message of the conversation, so that "and tomorrow?" knows the city of the
    question before it. Look-ups are wished for one question after the other.
    """
    results, history = list(ask.results), list(ask.history)
    answers: list[str] = []
    for question in questions_of(ask.message):
        this = replace(ask, message=question, history=tuple(history))
        looked_up: list[ToolResult] = []
        while not isinstance(answer := rules(replace(this, results=tuple(looked_up))), str):
            wished = 1 if isinstance(answer, ToolCall) else len(answer)
            if len(results) < wished:
                return answer
            looked_up += results[:wished]
            del results[:wished]
        answers.append(answer)
        history += [("human", question), ("ai", answer)]
    return "\n\n".join(dict.fromkeys(answers)) or None
