"""Questions about the conversation itself: what was said first, last, and in all. For rules without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MOST_QUOTED: Final = 120
"""Characters of a message that are quoted."""

_SAID: Final = r"(?:say|said|ask|asked|tell|told|write|wrote)"
_FIRST: Final = re.compile(
    r"\bwhat (?:was|is) (?:my|the) (?:very )?first (?:message|question|thing)\b(?! about)(?:.{0,12}\b(?:said|asked)\b)?"
    rf"|\bwhat (?:did|have) i {_SAID}(?: you)? (?:first|at the (?:start|beginning))\b"
    r"|\bhow did (?:we|this conversation|this chat) (?:start|begin)\b"
)
_LAST: Final = re.compile(
    rf"\bwhat did i (?:just )?{_SAID}(?: you)?(?: before| last| just now| a moment ago)?\W*$"
    r"|\bwhat (?:was|is) my (?:last|previous) (?:message|question)\b|\brepeat what i (?:just )?said\b"
)
_YOURS: Final = re.compile(
    r"\bwhat did you (?:just )?(?:say|answer|tell me)\b|\b(?:repeat|say) that(?: again)?\b"
    r"|^(?:repeat|again|pardon|what\?|sorry\?|come again)\W*$"
)
_ALL: Final = re.compile(
    r"\bwhat (?:have|did) we (?:talk|talked|discuss|discussed|speak|spoken|chat|chatted)\b"
    rf"|\bwhat (?:have|did) i {_SAID}(?: you)? so far\b"
    r"|\bsumm(?:ari[sz]e|ary of) (?:this|our|the) (?:chat|conversation|talk|discussion)\b|\brecap\b"
)


def asks_what_was_said(message: str) -> bool:
    """Whether a message asks what was said before in this conversation."""
    text = _plain(message)
    return any(pattern.search(text) for pattern in (_ALL, _FIRST, _LAST, _YOURS))


def what_was_said(message: str, history: Sequence[tuple[str, str]]) -> str | None:
    """The answer to "what did I ask first?" and the like, from ``history`` (role and text, oldest first), as far back
    as it reaches; None where a message asks nothing of the kind."""
    text = _plain(message)
    said = [earlier for role, earlier in history if role == "human"]
    if _ALL.search(text):
        if not said:
            return "We have only just begun. What would you like to talk about?"
        return "So far you said:\n\n" + "\n".join(f"{place}. {_quoted(one)}" for place, one in enumerate(said, start=1))
    if _FIRST.search(text):
        return f"The first message that I can see is: {_quoted(said[0])}" if said else "This is your first message."
    if _LAST.search(text):
        return f"You said: {_quoted(said[-1])}" if said else "This is your first message."
    reply = next((earlier for role, earlier in reversed(history) if role == "ai"), None)
    if reply is not None and _YOURS.search(text):
        return reply if reply.startswith("I said: ") else f"I said: {reply}"
    return None


def shortened(message: str, most: int = MOST_QUOTED) -> str:
    """On one line, and cut where it is long."""
    words = " ".join(message.split())
    return words if len(words) <= most else words[: most - 3].rstrip() + "…"


def _quoted(message: str) -> str:
    return f"“{shortened(message)}”"


def _plain(message: str) -> str:
    return " ".join(message[:500].lower().replace("\u2019", "'").split())
