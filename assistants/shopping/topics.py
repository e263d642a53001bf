"""What a conversation is about: its most frequent words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypedDict

from assistants.shopping.words import STOP_WORDS, bag, normal, singular, words

WORD_CHARS = 40


class Topic(TypedDict):
    """A word in its singular, and how often it was said."""

    word: str
    count: int


_CHAT = bag(
    """
    best better cheap cheaper cheapest expensive compare comparison versus vs difference cart basket checkout remove
    delete clear order prefer preference budget my name first second third last both that it details detail best top
    dont doesnt didnt isnt cant youre im ill ive id lets thats whats two three four five couple pair
    """
)


def top_topics(messages: Iterable[str], limit: int = 10) -> list[Topic]:
    """The ``limit`` most frequent words of the messages, most frequent first, then by alphabet.

    Stop words, numbers, single letters and the words of shopping itself are left out; plurals count with singulars.
    """
    counts: Counter[str] = Counter()
    for message in messages:
        for word in words(normal(message)):
            if len(word) < 2 or word in STOP_WORDS or word in _CHAT or word.isnumeric() or word[0].isdigit():
                continue
            counts[singular(word)[:WORD_CHARS]] += 1
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [{"word": word, "count": count} for word, count in ranked[:limit]]
