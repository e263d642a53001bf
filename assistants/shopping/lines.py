"""Which line of the cart a message means: ``the case``, ``the second one``, ``it``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistants.shopping import cart, references
from assistants.shopping.search import index
from assistants.shopping.spelling import corrected
from assistants.shopping.vocabulary import CATEGORY_OF, NARROW, category_of
from assistants.shopping.words import STOP_WORDS, bag, normal, singular, words

_DOING = bag("remove delete discard drop rid take out off away back cart basket dont want anymore line")


def line_meant(text: str, document: Mapping[str, Any]) -> str | None:
    """The SKU of the line that a ``normal`` text means, or None where that can't be told."""
    lines = cart.in_order(document)
    held = {sku for sku, _ in lines}
    pointed = references.resolve(text, document, pronouns=False)
    if pointed and pointed[0] in held:
        return pointed[0]
    fitting = _by_name(text, lines)
    singled = [sku for sku in references.focus(document) if sku in held]
    if fitting:
        return fitting[0] if len(fitting) == 1 else singled[0] if len(singled) == 1 and singled[0] in fitting else None
    if pointed is not None:
        # "the second one" of a list that is not in the cart: the cart is a list too.
        numbered = references.resolve(text, {"last_results": [sku for sku, _ in lines]}, pronouns=False)
        return numbered[0] if numbered else None
    if _tells(text):
        return None
    if len(singled) == 1:
        return singled[0]
    return lines[0][0] if len(lines) == 1 else None


def _is_kind(word: str, kind: str | None) -> bool:
    """Whether the word means the category as a whole: "phone", but not "controller", which is a part of gaming."""
    return kind is not None and word not in NARROW and CATEGORY_OF.get(word) == kind


def _tells(text: str) -> list[str]:
    """The words that could name a line."""
    return [word for word in corrected(words(text)) if word not in STOP_WORDS and word not in _DOING]


def _by_name(text: str, lines: list[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """The lines that the words fit best; more than one where they don't tell them apart."""
    wanted = [singular(word) for word in _tells(text) if not (word.isdecimal() and len(word) > 3)]
    names: dict[str, set[str]] = {}
    scores: dict[str, int] = {}
    for sku, line in lines:
        names[sku] = {singular(word) for word in words(normal(f"{line['name']} {sku}"))}
        tags = index().names.get(sku, frozenset())
        kind = category_of(line["category"])
        scores[sku] = sum(3 if word in names[sku] else 2 if word in tags else _is_kind(word, kind) for word in wanted)
    best = max(scores.values(), default=0)
    fitting = [sku for sku, score in scores.items() if score == best > 0]
    if len(fitting) > 1:
        # "the iPhone 15 Pro" is the phone and not the case for it, whose name holds the phone's.
        shortest = min(fitting, key=lambda sku: len(names[sku]))
        called = {word for word in names[shortest] if word in wanted}
        if all(
            names[sku] > called and len(names[sku]) > len(names[shortest]) for sku in fitting if sku != shortest
        ) and (len(called) > 1):
            return [shortest]
    return fitting
