"""Text into search terms: what two wordings of one thing have in common."""

from __future__ import annotations

import re
import threading
import unicodedata
from typing import Final

import Stemmer

from agent import english

MOST_CHARACTERS: Final = 200_000
"""Of one text, no more than this is read; a bound for callers who did not set their own."""

_ACCENT = re.compile("[\u0300-\u036f]")
_THOUSANDS = re.compile(r"(?<=\d)[,\u2019'](?=\d{3}(?!\d))")
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|\d+(?:\.\d+)*|(?:(?![\d_{_UNSPACED}])\w)+(?:['\u2019](?:(?![\d_])\w)+)*")
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]")


LANGUAGES: Final[tuple[str, ...]] = tuple(Stemmer.algorithms())
"""Snowball's names of the languages it knows."""


class Terms:
    """Turns text into the terms that an index holds and a question is matched by. Safe to share between threads.

    Case, accents, possessives and endings are taken away (Snowball's stemmer of ``language``); "twelve" is 12 and
    "3,100" is 3100; Chinese and Japanese, which have no spaces, become pairs of characters. Stop words are known for
    English only; other languages rely on their words' low weight. ``everyday`` holds the stems of words that are too
    common in the language to tell by themselves what a question is about.
    """

    def __init__(self, language: str = "english") -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language must be one that the stemmer knows ({', '.join(LANGUAGES)}), got {language!r}")
        self.language = language
        self._stop_words = english.STOP_WORDS if language == "english" else frozenset()
        self._number_words = english.NUMBER_WORDS if language == "english" else {}
        everyday = sorted(english.EVERYDAY_WORDS) if language == "english" else []
        self.everyday: frozenset[str] = frozenset(Stemmer.Stemmer(language).stemWords(everyday))
        # A stemmer keeps a cache that two threads must not write at once.
        self._local = threading.local()

    def __call__(self, text: str) -> list[str]:
        """The terms of ``text``, in order, with repeats."""
        folded = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS])[:MOST_CHARACTERS].casefold()
        folded = _ACCENT.sub("", unicodedata.normalize("NFD", folded))
        folded = _THOUSANDS.sub("", folded)
        plain: list[str] = []
        for token in _TOKEN.findall(folded):
            if _UNSPACED_RUN.match(token):
                plain.extend(token[i : i + 2] for i in range(max(1, len(token) - 1)))
                continue
            word = token.replace("\u2019", "'").removesuffix("'s").replace("'", "")
            word = self._number_words.get(word, word)
            # Single letters are noise, single digits are facts.
            if word in self._stop_words or (len(word) < 2 and not word.isdigit()):
                continue
            plain.append(word)
        stems: list[str] = self._stemmer().stemWords(plain)
        return stems

    def _stemmer(self) -> Stemmer.Stemmer:
        found: Stemmer.Stemmer | None = getattr(self._local, "stemmer", None)
        if found is None:
            found = self._local.stemmer = Stemmer.Stemmer(self.language)
        return found
