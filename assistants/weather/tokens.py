"""A message cut into words, so that the rules can read it in one pass: no patterns that could run away."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assistants.weather.places import fold

MAX_TOKENS: Final = 200
MAX_WORD: Final = 80
"""A question is told in fewer words, and in shorter ones (characters); what is beyond is not read."""

INSIDE_WORDS: Final = frozenset("-'’.°")


@dataclass(slots=True)
class Token:
    """A word, or a mark that separates words. ``used``: its meaning is taken (a time, a unit), so it is no city."""

    text: str
    key: str
    is_word: bool
    used: bool = False

    @property
    def is_name(self) -> bool:
        """Whether it begins like a name; in writing without capitals every word may be one."""
        return self.text[:1].isupper()


def tokens(message: str) -> list[Token]:
    """The words and marks of a message, at most ``MAX_TOKENS``."""
    found: list[Token] = []
    word: list[str] = []
    for char in message:
        category = unicodedata.category(char)[0]
        if category in "LMN" or char in INSIDE_WORDS:
            if len(word) < MAX_WORD:
                word.append(char)
            continue
        _add_word(found, "".join(word))
        word.clear()
        if category in "PS":
            found.append(Token(char, "and" if char == "&" else char, is_word=char == "&"))
        if len(found) >= MAX_TOKENS:
            break
    _add_word(found, "".join(word))
    return found[:MAX_TOKENS]


def _add_word(found: list[Token], raw: str) -> None:
    if raw and not any(unicodedata.category(char)[0] in "LN" for char in raw):
        found.append(Token(".", ".", is_word=False))  # a dash, or the invisible rest of a pictogram
        return
    text = raw.strip("-'’").lstrip(".")
    plain = text.rstrip(".")
    # "London." ends a sentence, "St." and "D.C." don't.
    ends = plain != text and len(plain) > 2 and "." not in plain
    if plain:
        found.append(Token(plain if ends else text, fold(plain), is_word=True))
    if ends:
        found.append(Token(".", ".", is_word=False))


def keys(words: Sequence[Token]) -> list[str]:
    return [word.key for word in words]
