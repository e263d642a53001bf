"""Reads a message as a query: any text will do, and what is not understood is left out."""

from __future__ import annotations

import re
from functools import lru_cache

from assistants.shopping.prices import price_range
from assistants.shopping.query import FEATURE_UNIT, Order, Query
from assistants.shopping.spelling import brand_words, corrected, names
from assistants.shopping.vocabulary import CATEGORY_OF, FEATURE_OF, LINES, LONGEST_PHRASE, NARROW, plural
from assistants.shopping.words import STOP_WORDS, normal, words

_ORDER_WORDS: dict[str, Order] = {
    **dict.fromkeys(("cheap", "cheaper", "cheapest", "affordable", "inexpensive", "budget", "lowest"), "cheapest"),
    **dict.fromkeys(("premium", "flagship", "luxury", "expensive", "dearest", "priciest"), "dearest"),
    **dict.fromkeys(("best", "top", "rated", "highest", "popular", "finest"), "best"),
}
_NOT_DEAR = re.compile(
    r"\b(?:least|less|not|not (?:too|so|very|that)) expensive\b|n't (?:too|so|very|that) expensive\b"
)
_ONE_WANTED = frozenset({"best", "cheapest", "recommend", "suggest", "dearest", "priciest", "finest"})
_NOT = frozenset(
    {"not", "no", "except", "without", "excluding", "besides", "dont", "isnt", "non", "nothing", "never", "hate"}
)
_AMBIGUOUS_BRANDS = frozenset({"nothing", "august", "meta", "ring"})
"""Brands whose name alone is an everyday word; they are found by their products' names."""

_SUFFIXES = frozenset({"pro", "plus", "max", "ultra", "mini", "air", "se", "fe"})
"""Words behind a name that tell one model from another."""

_PLURALS = frozenset(plural(word) for word in CATEGORY_OF)


def understand(text: str) -> Query:
    """What ``text`` asks for. Any text will do; what is not understood is left out."""
    return _understand(normal(text))


@lru_cache(maxsize=256)
def _understand(text: str) -> Query:
    prices = price_range(text)
    tokens = corrected(words(prices.rest))
    orders = [_ORDER_WORDS[token] for token in tokens if token in _ORDER_WORDS]
    if _NOT_DEAR.search(text):
        orders = ["cheapest"]
    brands, without, of_brands = _brands(tokens)
    category, of_category, narrow = _category(tokens)
    features, of_features = _features(tokens, category)
    must, models = _line_words(tokens, of_brands | of_category)
    must |= narrow
    taken = of_brands | of_category | of_features | must | models
    loose = [
        token
        for at, token in enumerate(tokens)
        if at not in taken and token not in STOP_WORDS and token not in _ORDER_WORDS and len(token) > 1
    ]
    said_many = any(tokens[at] in _PLURALS and tokens[at] != "headphones" for at in of_category | narrow)
    return Query(
        text=text,
        category=category,
        brands=brands,
        without=without,
        must=_at(tokens, must),
        models=_at(tokens, models),
        named=" ".join(_at(tokens, must | models)),
        features=features,
        terms=tuple(dict.fromkeys(loose)),
        least=prices.least,
        most=prices.most,
        order=orders[0] if orders else "relevance",
        one=bool(_ONE_WANTED.intersection(words(text))) and not said_many,
    )


def _brands(tokens: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], set[int]]:
    known = brand_words()
    wanted: list[str] = []
    unwanted: list[str] = []
    taken: set[int] = set()
    negated = False
    for at in range(len(tokens)):
        if at in taken:
            continue
        for length in (2, 1):
            phrase = " ".join(tokens[at : at + length])
            brand = known.get(phrase)
            clear = phrase not in _AMBIGUOUS_BRANDS or " ".join(tokens[at : at + 2]) in LINES
            if brand and clear:
                # "not Apple or Samsung": the denial goes on over "or".
                negated = _denied(tokens, at) or (negated and bool(at) and tokens[at - 1] in {"or", "nor"})
                (unwanted if negated else wanted).append(brand)
                taken.update(range(at, at + length))
                break
    return tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)), taken


def _denied(tokens: tuple[str, ...], at: int) -> bool:
    """``not Apple``, ``nothing from Apple``, ``I don't like Apple``."""
    between = {"from", "by", "like", "want", "any", "buy", "really", "trust", "prefer", "an", "a", "of"}
    for back in range(at - 1, max(-1, at - 4), -1):
        if tokens[back] in _NOT:
            return True
        if tokens[back] not in between:
            return False
    return False


def _at(tokens: tuple[str, ...], places: set[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_singular_kind(tokens[at]) for at in sorted(places)))


def _category(tokens: tuple[str, ...]) -> tuple[str | None, set[int], set[int]]:
    """The category, where its word stands, and where words stand that a product must have because of it.

    Of words that stand together the last is the head (``iPhone case``, ``laptop charger``); of separate ones the first
    is what is looked for (``a phone with a good camera``).
    """
    mentions = _mentions(tokens)
    if not mentions:
        return None, set(), set()
    head = mentions[0]
    for mention in mentions[1:]:
        between = tokens[head[1] : mention[0]]
        if len(between) > 3 or not all(_in_name(word) for word in between):
            break
        head = mention
    start, end, slug, from_line = head
    places = set(range(start, end))
    if from_line:
        return slug, set(range(start + 1, end)), set()
    narrow = {at for at in places if _singular_kind(tokens[at]) in NARROW}
    # "keyboard" is in two categories and "case" in a part of one: such a word says more than its category does.
    return (None if narrow else slug), places - narrow, narrow


def _mentions(tokens: tuple[str, ...]) -> list[tuple[int, int, str, bool]]:
    """Every (start, end, slug, is a product line) of a category in the words, longest phrases first."""
    found = []
    at = 0
    while at < len(tokens):
        for length in range(min(LONGEST_PHRASE, len(tokens) - at), 0, -1):
            phrase = " ".join(tokens[at : at + length])
            line = LINES.get(phrase)
            slug = line[1] if line else CATEGORY_OF.get(phrase)
            if slug:
                found.append((at, at + length, slug, line is not None))
                at += length
                break
        else:
            at += 1
    return found


def _in_name(word: str) -> bool:
    return word in _SUFFIXES or (any(letter.isdigit() for letter in word) and word in names())


def _singular_kind(word: str) -> str:
    return next((kind for kind in (word, word.removesuffix("s"), word.removesuffix("es")) if kind in NARROW), word)


def _features(tokens: tuple[str, ...], category: str | None) -> tuple[tuple[str, ...], set[int]]:
    features: list[str] = []
    taken: set[int] = set()
    at = 0
    while at < len(tokens):
        for length in range(min(3, len(tokens) - at), 0, -1):
            feature = FEATURE_OF.get(" ".join(tokens[at : at + length]))
            if feature and not (feature == "gaming" and category == "gaming"):
                features.append(feature)
                taken.update(range(at, at + length))
                at += length
                break
        else:
            if FEATURE_UNIT.fullmatch(tokens[at]):
                features.append(tokens[at])
                taken.add(at)
            at += 1
    return tuple(dict.fromkeys(features)), taken


def _line_words(tokens: tuple[str, ...], taken: set[int]) -> tuple[set[int], set[int]]:
    """Where the names of product lines stand, and where the models behind names."""
    lines: set[int] = set()
    for at in range(len(tokens)):
        for length in (2, 1):
            phrase = tokens[at : at + length]
            if " ".join(phrase) in LINES:
                # The name itself, and not "watch" of "apple watch", which is its category.
                lines |= {at} if phrase[0] not in {"apple", "nothing", "nintendo"} else set()
                break
    models: set[int] = set()
    for at, token in enumerate(tokens):
        before = at - 1 in lines or at - 1 in models
        if at in lines or not at or token in FEATURE_OF or FEATURE_UNIT.fullmatch(token) or token not in names():
            continue
        if (token in _SUFFIXES and before) or (
            any(letter.isdigit() for letter in token) and (before or tokens[at - 1] in names() or at - 1 in taken)
        ):
            models.add(at)
    return lines, models
