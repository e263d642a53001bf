"""Greetings, thanks, jokes, and what Parley is: short replies to short messages. The words are in a data file."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from assistants.chat.phrases import any_of

Rule = tuple[re.Pattern[str], str]
"""What is said, and the reply to it."""

EXAMPLE_LIST: Final = (
    "“What is 15% of 80?”",
    "“26.2 miles in km”",
    "“How many days until Christmas?”",
    "“Tell me a joke”",
)
EXAMPLES: Final = f"{', '.join(EXAMPLE_LIST[:-1])} or {EXAMPLE_LIST[-1]}"

_WORDS: Final = tomllib.loads((Path(__file__).parent / "data" / "smalltalk.toml").read_text("utf-8"))
_ABOUT: Final[list[Rule]] = [(any_of(*entry["when"]), entry["reply"]) for entry in _WORDS["about"]]
_SMALL: Final[list[Rule]] = [(any_of(*entry["when"]), entry["reply"]) for entry in _WORDS["small"]]

JOKES: Final[list[str]] = _WORDS["jokes"]
"""Told in this order, so that nobody hears one twice before the last."""

_GREETING = re.compile(
    r"^(?:hi+|hello+|hey+|hiya|howdy|greetings|hallo|salut|hola|yo|"
    r"good (?:morning|afternoon|evening|day))\b(?: there\b)?"
)
_JOKE = any_of(r"jokes?\b", r"make me (?:laugh|smile)\b", r"something funny\b")
_ANOTHER = re.compile(r"^(?:and )?(?:tell me )?(?:another|one more|more|again|next)(?: one)?(?:,? please)?\W*$")
_COIN = any_of(r"(?:flip|toss|throw) (?:a|the) coin\b", r"heads or tails\b")
_DICE = any_of(r"(?:roll|throw) (?:(?P<count>\d{1,2}|an?|the|two|three) )?(?:dice|die|d(?P<sides>\d{1,3}))\b")
_COUNTS: Final = {"two": 2, "three": 3}
_MOST_DICE: Final = 20
_MOST_SIDES: Final = 100


def about(text: str) -> str | None:
    """The answer to a question about Parley or this assistant."""
    return next((reply for pattern, reply in _ABOUT if pattern.search(text)), None)


def pleasantry(text: str, name: str) -> str | None:
    """The answer to a pleasantry; ``name`` is the person's, or empty."""
    called = f", {name}" if name else ""
    return next((reply.replace("{name}", called) for pattern, reply in _SMALL if pattern.search(text)), None)


def greeting(text: str) -> str:
    """The greeting at the beginning of a message, empty where there is none."""
    found = _GREETING.match(text)
    return found.group() if found else ""


def joke(text: str, replies: Sequence[str]) -> str | None:
    """A joke that was not told in these ``replies`` yet, where one is asked for."""
    more = _ANOTHER.match(text) and replies and any(known in replies[-1] for known in JOKES)
    if not more and not _JOKE.search(text):
        return None
    fresh = [known for known in JOKES if not any(known in reply for reply in replies)]
    if fresh:
        return fresh[0]
    return f"You have heard all my jokes by now, so this is the first one again:\n\n{JOKES[0]}"


def chance(text: str, seed: int) -> str | None:
    """A coin or dice, where they are asked for; the same ``seed`` falls the same way."""
    luck = random.Random(seed)
    if _COIN.search(text):
        return f"The coin shows **{luck.choice(['heads', 'tails'])}**."
    found = _DICE.search(text)
    if found is None:
        return None
    wanted = found["count"] or "a"
    count = int(wanted) if wanted.isdigit() else _COUNTS.get(wanted, 1)
    sides = int(found["sides"] or 6)
    if not 1 <= count <= _MOST_DICE or not 2 <= sides <= _MOST_SIDES:
        return f"I have up to {_MOST_DICE} dice, with 2 to {_MOST_SIDES} sides each."
    rolls = [luck.randint(1, sides) for _ in range(count)]
    total = f", {sum(rolls)} in all" if count > 1 else ""
    return f"I rolled **{', '.join(map(str, rolls))}**{total}."
