"""A turn as two rows of ``chat_messages``, and back again, equal in every field.

The words stand in ``content``, once; the AI's row has the rest of the turn as JSON in ``detail``:

    {"started", "began", "took", "interrupted"?, "data"?, "messages": [[role, rest?] or [role, rest, content], …]}

A message without its content is the one whose words are in a row: the first human one, the last one of the AI.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from memory.archive.tables import AI, HUMAN
from memory.session import Message, Turn

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Text that every database takes: NUL and lone surrogates become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def encode(turn: Turn, taken: Collection[int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two rows of a turn, without their session.

    Their timestamps are when the message came and when the reply was whole, moved on by a millisecond where they are
    ``taken``, so that a page can begin after any message.
    """
    asked = _free(turn.began, taken)
    told = _free(max(turn.ended, asked + 1), taken)
    question, answer = storable(turn.message), storable(turn.response)
    return (
        {"turn_id": turn.id, "sender": HUMAN, "content": question, "timestamp": asked, "detail": None},
        {
            "turn_id": turn.id,
            "sender": AI,
            "content": answer,
            "timestamp": told,
            "detail": _detail(turn, question, answer),
        },
    )


def decode(turn_id: str, asked: str, told: str, detail: str) -> Turn:
    """The turn of two rows: their id, both contents, and the detail of the AI's."""
    known = json.loads(detail)
    first, last = _in_rows([role for role, *_ in known["messages"]])
    texts = {first: asked, last: told}
    return Turn(
        id=turn_id,
        session_started=known["started"],
        began=known["began"],
        took=known["took"],
        messages=tuple(
            Message(role, more[1] if len(more) > 1 else texts[place], more[0] if more else {})
            for place, (role, *more) in enumerate(known["messages"])
        ),
        data=known.get("data", {}),
        interrupted=known.get("interrupted", False),
    )


def _detail(turn: Turn, asked: str, told: str) -> str:
    detail: dict[str, Any] = {"started": turn.session_started, "began": turn.began, "took": turn.took}
    if turn.interrupted:
        detail["interrupted"] = True
    if turn.data:
        detail["data"] = dict(turn.data)
    detail["messages"] = list(_messages(turn, asked, told))
    # Pure ASCII, so that what a column can't hold (NUL, half a surrogate pair) is kept as an escape.
    return json.dumps(detail, separators=(",", ":"))


def _messages(turn: Turn, asked: str, told: str) -> Iterator[list[Any]]:
    first, last = _in_rows([message.role for message in turn.messages])
    texts = {first: asked, last: told}
    for place, message in enumerate(turn.messages):
        if place in texts and message.content == texts[place]:
            yield [message.role, dict(message.rest)] if message.rest else [message.role]
        else:
            yield [message.role, dict(message.rest), message.content]


def _in_rows(roles: list[str]) -> tuple[int, int]:
    """The places of the messages that have rows: the first human one and the last of the AI (-1: there is none)."""
    first = roles.index("human") if "human" in roles else -1
    last = len(roles) - 1 - roles[::-1].index("ai") if "ai" in roles else -1
    return first, last


def _free(at: int, taken: Collection[int]) -> int:
    while at in taken:
        at += 1
    return at
