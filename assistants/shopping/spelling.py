"""The words of names and brands: spelled as their makers do, and found behind typos and nicknames."""

from __future__ import annotations

from functools import lru_cache

from assistants.shopping.catalogue import catalogue
from assistants.shopping.typos import Speller
from assistants.shopping.vocabulary import ALIASES, CATEGORY_OF, FEATURE_OF, LINES
from assistants.shopping.words import STOP_WORDS, normal, words

MOST_WORDS = 120
"""How many words of a message are looked at."""


@lru_cache(maxsize=1)
def _speller() -> Speller:
    known = set()
    for phrase in (*CATEGORY_OF, *LINES, *brand_words(), *FEATURE_OF):
        known.update(phrase.split())
    for product in catalogue().products:
        known.update(product.words)
    return Speller(known - STOP_WORDS)


@lru_cache(maxsize=1)
def makers_spelling() -> dict[str, str]:
    """Word of a name → as its maker writes it: ``iPhone``."""
    return {normal(word): word for product in catalogue().products for word in product.name.split()}


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    return frozenset(word for product in catalogue().products for word in product.words)


def corrected(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """The words with slight typos put right and other spellings of names replaced."""
    fixed = [token if token in STOP_WORDS else _speller().correct(token) for token in tokens[:MOST_WORDS]]
    out: list[str] = []
    at = 0
    while at < len(fixed):
        for length in (3, 2, 1):
            phrase = " ".join(fixed[at : at + length])
            if length <= len(fixed) - at and phrase in ALIASES:
                out += ALIASES[phrase].split()
                at += length
                break
        else:
            out += _split_name(fixed[at])
            at += 1
    return tuple(out)


def _split_name(word: str) -> list[str]:
    """``iphone15`` → ``iphone 15``: a line's name with its number stuck to it."""
    for line in ("iphone", "pixel", "galaxy", "ipad", "playstation"):
        rest = word.removeprefix(line)
        if rest != word and rest[:1].isdigit() and word not in names():
            return [line, rest]
    return [word]


def brand_of(text: str | None) -> str | None:
    """The catalogue's spelling of a brand, or None where it has none of that name."""
    return brand_words().get(" ".join(words(normal(text)))) if text else None


@lru_cache(maxsize=1)
def brand_words() -> dict[str, str]:
    return {" ".join(words(normal(brand))): brand for brand in catalogue().brands}
