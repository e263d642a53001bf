"""Words as search knows them, the same for every database: without case and accents; where nothing separates words
(Chinese, Japanese) each character is one. Also finds them in a text again, for snippets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from memory.archive.models import Marks, Snippet

WORD_LENGTH: Final = 64
"""Longer words are told apart by this many characters."""

QUERY_WORDS: Final = 16
"""More words of a query are not looked at."""

_SNIPPET: Final = 160
_BEFORE: Final = 48
_ACCENTS = re.compile("[\u0300-\u036f]+")
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: messages with all ``words``, the last of which may be the beginning of one."""

    words: tuple[str, ...]

    @property
    def whole(self) -> tuple[str, ...]:
        return self.words[:-1]

    @property
    def prefix(self) -> str:
        return self.words[-1]

    def matches(self, word: str) -> bool:
        return word in self.whole or word.startswith(self.prefix)


def query(text: str) -> Query | None:
    """Any text of a person's as a query; None where no word is in it. Nothing in it is syntax."""
    found = [word for _, _, word in _tokens(text)]
    return Query(tuple(found[:QUERY_WORDS])) if found else None


def words(text: str) -> list[str]:
    """The different words of a text, in the order in which they come."""
    return list(dict.fromkeys(word for _, _, word in _tokens(text)))


def found(text: str, searched: Query) -> int:
    """How many different words of a text match."""
    return len({word for _, _, word in _tokens(text) if searched.matches(word)})


def marks(text: str, searched: Query) -> Marks:
    """Where the words of a query are in a text."""
    return tuple((start, end) for start, end, word in _tokens(text) if searched.matches(word))


def snippet(text: str, searched: Query) -> Snippet:
    """About 160 characters of a text around the first of the words; its beginning where none is found."""
    hit = next((start for start, _, word in _tokens(text) if searched.matches(word)), 0)
    start = _word_boundary(text, max(0, hit - _BEFORE), hit)
    end = min(len(text), start + _SNIPPET)
    if end < len(text):
        end = max(text.rfind(" ", hit + 1, end), end - 24)
    piece = " ".join(text[start:end].split())
    piece = f"{'… ' if start else ''}{piece}{' …' if end < len(text) else ''}"
    return Snippet(piece, marks(piece, searched))


def _word_boundary(text: str, start: int, hit: int) -> int:
    """The first place at or after ``start`` where a word begins, but not behind ``hit``."""
    if start == 0:
        return 0
    space = text.find(" ", start, hit)
    return space + 1 if space >= 0 else start


def _tokens(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, word) of every word of a text."""
    for found in _pattern().finditer(text):
        word = _fold(found.group())
        if word:
            yield found.start(), found.end(), word[:WORD_LENGTH]


def _fold(run: str) -> str:
    if run.isascii():
        return run.lower()
    bare = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", run.casefold())))
    # Compatibility forms may bring in what no word has: one half is 1⁄2.
    return "".join(_pattern().findall(bare))


@cache
def _pattern() -> re.Pattern[str]:
    r"""One unspaced character, or a run of letters and digits with the marks on them (which ``\w`` leaves out)."""
    combining = _ranges([code for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"])
    return re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\\W_])(?:(?![{_UNSPACED}])[^\\W_]|[{combining}])*")


def _ranges(codes: Sequence[int]) -> str:
    """Code points as the inside of a character class."""
    parts: list[list[int]] = []
    for code in codes:
        if parts and code == parts[-1][1] + 1:
            parts[-1][1] = code
        else:
            parts.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in parts)
