"""Words as search knows them, the same for every database: without case and accents; where nothing separates words
(Chinese, Japanese) each character is one. Also finds them in a text again, for snippets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from memory.archive.models import Marks, Snippet

WORD_LENGTH: Final = 64
"""Longer words are told apart by this many characters."""

QUERY_WORDS: Final = 16
"""More words of a query are not looked at."""

_SNIPPET: Final = 160
_BEFORE: Final = 48
_ASCII = re.compile("[a-z0-9]+")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"


@dataclass(frozen=True)
class Query:
    """What to search for: texts with all ``words``, the last of which may be the beginning of one."""

    words: tuple[str, ...]

    @property
    def whole(self) -> tuple[str, ...]:
        return self.words[:-1]

    @property
    def prefix(self) -> str:
        return self.words[-1]

    def found(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, word) wherever one of the words is in a text."""
        if text.isascii():
            for hit in self._plain.finditer(text.lower()):
                yield hit.start(), hit.end(), hit.group()
            return
        for start, end, word in _tokens(text):
            if word in self.whole or word.startswith(self.prefix):
                yield start, end, word

    @cached_property
    def _plain(self) -> re.Pattern[str]:
        """The same for text in ASCII, where nothing has to be folded: many times as fast."""
        wanted = [word + "[a-z0-9]*" * (len(word) == WORD_LENGTH) for word in self.whole] + [f"{self.prefix}[a-z0-9]*"]
        return re.compile(f"(?<![a-z0-9])(?:{'|'.join(wanted)})(?![a-z0-9])")


def query(text: str) -> Query | None:
    """Any text of a person's as a query; None where no word is in it. Nothing in it is syntax."""
    found = [word for _, _, word in _tokens(text)]
    return Query(tuple(found[:QUERY_WORDS])) if found else None


def words(text: str) -> list[str]:
    """The different words of a text, in the order in which they come."""
    return list(dict.fromkeys(word for _, _, word in _tokens(text)))


def marks(text: str, searched: Query) -> Marks:
    """Where the words of a query are in a text."""
    return tuple(dict.fromkeys((start, end) for start, end, _ in searched.found(text)))


def snippet(texts: Sequence[str], searched: Query) -> Snippet:
    """About 160 characters around the first match in a text: of several, the first that has most of the words."""
    hits = [[(start, word) for start, _, word in searched.found(text)] for text in texts]
    best = max(range(len(texts)), key=lambda place: len({word for _, word in hits[place]}))
    return _cut(texts[best], hits[best][0][0] if hits[best] else 0, searched)


def _cut(text: str, hit: int, searched: Query) -> Snippet:
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
    if text.isascii():
        # The same, several times as fast.
        for found in _ASCII.finditer(text.lower()):
            yield found.start(), found.end(), found.group()[:WORD_LENGTH]
        return
    for found in _pattern().finditer(text):
        for word in _folded(found.group()):
            yield found.start(), found.end(), word[:WORD_LENGTH]


def _folded(run: str) -> list[str]:
    """A run of letters without case and accents: one word, or several where compatibility forms are taken apart."""
    if run.isascii():
        return [run.lower()]
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", run)).casefold()
    return _pattern().findall(unicodedata.normalize("NFKC", bare))


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
