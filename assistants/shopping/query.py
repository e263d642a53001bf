"""What a message asks of the catalogue: category, brands, price, features, names. Understanding only, no searching."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from assistants.shopping import money
from assistants.shopping.catalogue import CATEGORIES, catalogue
from assistants.shopping.prices import price_range
from assistants.shopping.typos import Speller
from assistants.shopping.vocabulary import ALIASES, CATEGORY_OF, FEATURE_OF, LINES, LONGEST_PHRASE, NARROW, plural
from assistants.shopping.words import STOP_WORDS, listed, normal, words

Order = Literal["relevance", "cheapest", "dearest", "best"]

MOST_WORDS = 120
"""How many words of a message are looked at."""

_FEATURE_UNIT = re.compile(r"\d{1,6}(?:\.\d{1,2})?(?:gb|tb|inch|hz|mp|mah|w)")
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


@dataclass(frozen=True, slots=True)
class Query:
    """A message as the catalogue sees it.

    must      words of names and narrow kinds (``iphone``, ``case``) that a product must have
    named     those and the models, in the order in which they were said
    models    words with digits behind a name (``15``, ``s24``)
    terms     other words, to rank by
    without   brands that are not wanted
    one       one recommendation is asked for rather than a list
    """

    text: str = ""
    category: str | None = None
    brands: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    named: str = ""
    features: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    order: Order = "relevance"
    one: bool = False

    @property
    def structured(self) -> bool:
        """Whether anything but loose words was understood."""
        return bool(self.category or self.brands or self.must or self.models or self.features or self.priced)

    @property
    def priced(self) -> bool:
        """Whether it speaks of an amount."""
        return self.least is not None or self.most is not None

    @property
    def kind(self) -> str:
        """What is looked for, for people: ``smartphones``, ``products``."""
        return CATEGORIES[self.category][1] if self.category else "products"

    def described(self) -> str:
        """The query for people: ``Samsung smartphones under $500 with 5G``."""
        parts = [*([listed(self.brands, "or")] if self.brands else []), self._subject()]
        if self.least is not None and self.most is not None:
            parts.append(f"from {money.shown(self.least)} to {money.shown(self.most)}")
        elif self.most is not None:
            parts.append(f"up to {money.shown(self.most)}")
        elif self.least is not None:
            parts.append(f"from {money.shown(self.least)}")
        having = [feature_label(feature) for feature in self.features if feature not in PURPOSES]
        if having:
            parts.append(f"with {listed(having)}")
        purposes = [PURPOSES[feature] for feature in self.features if feature in PURPOSES]
        if purposes:
            parts.append(f"for {listed(purposes)}")
        return " ".join(parts)

    def _subject(self) -> str:
        if not self.named:
            return self.kind
        name = " ".join(_spelling().get(word, word) for word in self.named.split())
        return f"“{name}” {self.kind}" if self.category else f"“{name}”"

    def as_json(self) -> dict[str, Any]:
        """What was understood, as small JSON; only what is set."""
        fields = {
            "category": self.category,
            "brands": list(self.brands),
            "not_brands": list(self.without),
            "name_words": [*self.must, *self.models],
            "features": list(self.features),
            "min_price": None if self.least is None else money.number(self.least),
            "max_price": None if self.most is None else money.number(self.most),
            "order": None if self.order == "relevance" else self.order,
        }
        return {name: value for name, value in fields.items() if value not in (None, [])}


PURPOSES = {
    "gaming": "gaming",
    "running": "running",
    "kids": "children",
    "student": "students",
    "business": "work",
    "travel": "travel",
    "beginner": "beginners",
    "vlogging": "vlogging",
    "professional": "professionals",
}
"""Features that say for what or whom something is."""


def feature_label(feature: str) -> str:
    """A feature for people: ``5G``, ``16 GB``, ``noise cancelling``."""
    short = {"5g": "5G", "4k": "4K", "oled": "OLED", "qled": "QLED", "usb c": "USB-C", "gps": "GPS", "ecg": "ECG"}
    if feature in short:
        return short[feature]
    if _FEATURE_UNIT.fullmatch(feature):
        figure = re.match(r"[\d.]+", feature)
        unit = feature[figure.end() :] if figure else ""
        names = {"gb": "GB", "tb": "TB", "hz": "Hz", "mp": "MP", "w": "W", "mah": "mAh", "inch": "inch"}
        return f"{feature.removesuffix(unit)} {names.get(unit, unit)}"
    return feature


@lru_cache(maxsize=1)
def _brand_words() -> dict[str, str]:
    return {" ".join(words(normal(brand))): brand for brand in catalogue().brands}


@lru_cache(maxsize=1)
def _speller() -> Speller:
    known = set()
    for phrase in (*CATEGORY_OF, *LINES, *_brand_words(), *FEATURE_OF):
        known.update(phrase.split())
    for product in catalogue().products:
        known.update(product.words)
    return Speller(known - STOP_WORDS)


@lru_cache(maxsize=1)
def _spelling() -> dict[str, str]:
    """Word of a name → as its maker writes it: ``iPhone``."""
    return {normal(word): word for product in catalogue().products for word in product.name.split()}


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
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
        if rest != word and rest[:1].isdigit() and word not in _names():
            return [line, rest]
    return [word]


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


def narrowed(
    query: Query,
    *,
    category: str | None = None,
    brand: str | None = None,
    least: Decimal | None = None,
    most: Decimal | None = None,
) -> Query:
    """The query with what a caller says besides the words; None leaves a field as it was understood."""
    return replace(
        query,
        category=category or query.category,
        brands=(brand,) if brand else query.brands,
        least=query.least if least is None else least,
        most=query.most if most is None else most,
    )


def brand_of(text: str | None) -> str | None:
    """The catalogue's spelling of a brand, or None where it has none of that name."""
    return _brand_words().get(" ".join(words(normal(text)))) if text else None


def _brands(tokens: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], set[int]]:
    known = _brand_words()
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
    return word in _SUFFIXES or (any(letter.isdigit() for letter in word) and word in _names())


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
            if _FEATURE_UNIT.fullmatch(tokens[at]):
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
        if at in lines or not at or token in FEATURE_OF or _FEATURE_UNIT.fullmatch(token) or token not in _names():
            continue
        if (token in _SUFFIXES and before) or (
            any(letter.isdigit() for letter in token) and (before or tokens[at - 1] in _names() or at - 1 in taken)
        ):
            models.add(at)
    return lines, models
