"""What a person is called: «My name is Ada», and later «What's my name?»."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from assistants.weather.places import titled
from assistants.weather.tokens import Token, keys, tokens
from assistants.weather.vocabulary import COMMON, TRAVEL, WEATHER

MAX_NAME: Final = 40
MAX_WORDS: Final = 3

SURELY: Final = (("my", "name", "is"), ("my", "name's"), ("call", "me"), ("i", "am", "called"), ("i'm", "called"))
PERHAPS: Final = (("i", "am"), ("i'm",), ("im",))
"""After these a word with a capital is a name, and one without is not: «I'm cold»."""

ASKING: Final = (("my", "name"), ("who", "i", "am"), ("who", "am", "i"))


def introduced(words: Sequence[Token]) -> str:
    """The name that a person gives as theirs, or nothing. Its words are marked as used."""
    said = keys(words)
    for phrases, need_capital in ((SURELY, False), (PERHAPS, True)):
        for phrase in phrases:
            for index in range(len(said) - len(phrase)):
                if tuple(said[index : index + len(phrase)]) != phrase:
                    continue
                name = _name(words[index + len(phrase) :], need_capital=need_capital)
                if name:
                    for word in words[index : index + len(phrase)]:
                        word.used = True
                    return name
    return ""


def asks_for_name(said: Sequence[str]) -> bool:
    """Whether a person asks what they are called."""
    return any(tuple(said[i : i + len(phrase)]) == phrase for phrase in ASKING for i in range(len(said)))


def remembered_name(history: Sequence[tuple[str, str]]) -> str:
    """The name that was given last in a conversation (role and text), or nothing."""
    names = (introduced(tokens(text)) for role, text in reversed(history) if role == "human")
    return next((name for name in names if name), "")


def _name(words: Sequence[Token], *, need_capital: bool) -> str:
    found: list[Token] = []
    for word in words:
        is_part = word.is_word and word.key not in COMMON and word.key not in TRAVEL and word.key not in WEATHER
        if not is_part or any(char.isdigit() for char in word.key) or (need_capital and not word.is_name):
            break
        if found and not word.is_name and found[0].is_name:
            break  # «My name is Ada living in Rome»
        found.append(word)
    if not found or len(found) > MAX_WORDS:
        return ""
    name = " ".join(word.text for word in found)
    if len(name) > MAX_NAME:
        return ""
    for word in found:
        word.used = True
    return titled(name)
