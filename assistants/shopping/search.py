"""Finds products: structured filters first, BM25 over the words of what passes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import bm25s

from assistants.shopping.catalogue import CATEGORIES, Product, catalogue
from assistants.shopping.preferences import Preferences
from assistants.shopping.query import PURPOSES, Query
from assistants.shopping.understanding import understand
from assistants.shopping.vocabulary import CATEGORY_OF, FEATURE_OF, LINES
from assistants.shopping.words import STOP_WORDS, normal, singular, words

PAGE = 5
"""How many products an answer shows."""

_FIGURE = re.compile(r"(\d+(?:\.\d+)?)([a-z]+)")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    products    this page of it, best first
    total       how many match in all
    missed      what had to be left out of the query to find anything: ``model``, ``features``, ``price``, ``brand``,
                ``name``; empty where all of it is met
    by_budget   these are within the shopper's budget, which the message does not speak of (nor does ``query`` then)
    favourites  preferred brands that moved products up
    """

    query: Query
    products: tuple[Product, ...] = ()
    total: int = 0
    missed: tuple[str, ...] = ()
    by_budget: bool = False
    favourites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """The catalogue made ready for searching, by SKU. Reading it from several threads is safe.

    names    the words of title and tags, as they stand and in singular
    figures  the words of the specs with a digit: ``16gb``, ``6.1inch``
    marks    title, tags and specs as one text, to find features in
    """

    ranker: Any
    names: Mapping[str, frozenset[str]]
    figures: Mapping[str, frozenset[str]]
    marks: Mapping[str, str]


@lru_cache(maxsize=1)
def index() -> Index:
    """Built at the first search, in a few milliseconds."""
    documents: list[list[str]] = []
    names: dict[str, frozenset[str]] = {}
    figures: dict[str, frozenset[str]] = {}
    marks: dict[str, str] = {}
    for product in catalogue().products:
        title = list(product.words)
        tags = [" ".join(words(normal(tag))) for tag in product.tags]
        tag_words = [word for tag in tags for word in tag.split()]
        specs = list(words(normal(" ; ".join(product.specs.values()))))
        kind = list(words(normal(" ".join(CATEGORIES[product.category]))))
        about = list(words(normal(product.description)))
        documents.append(_stems([*title * 3, *tag_words * 2, *kind, *specs, *about]))
        names[product.sku] = frozenset((*title, *tag_words, *_stems([*title, *tag_words])))
        figures[product.sku] = frozenset(word for word in specs if any(letter.isdigit() for letter in word))
        marks[product.sku] = f" {' '.join(title)} ; {' ; '.join(tags)} ; {' '.join(specs)} "
    ranker = bm25s.BM25()
    ranker.index(documents, show_progress=False)
    return Index(ranker, names, figures, marks)


def _stems(tokens: Sequence[str]) -> list[str]:
    return [singular(token) for token in tokens if token not in STOP_WORDS]


def scores(terms: Sequence[str]) -> dict[str, float]:
    """SKU → how well the words fit, without those that don't fit at all."""
    known = index().ranker.vocab_dict
    stems = [stem for stem in _stems(terms) if stem in known]
    if not stems:
        return {}
    values = index().ranker.get_scores(stems)
    return {p.sku: float(v) for p, v in zip(catalogue().products, values, strict=True) if v > 0}


def is_known(word: str) -> bool:
    """Whether the shop has a use for a word: it stands in a name, a tag or a kind of product, or means a feature."""
    return word in _vocabulary() or singular(word) in _vocabulary()


@lru_cache(maxsize=1)
def _vocabulary() -> frozenset[str]:
    phrases = (
        word for phrase in (*CATEGORY_OF, *FEATURE_OF, *LINES, *catalogue().brands) for word in words(normal(phrase))
    )
    return frozenset(phrases).union(*index().names.values())


def search(query: str | Query, liked: Preferences | None = None, page: int = 1) -> Found:
    """What the catalogue has for a query, one page of it; ``liked`` fills in what the query leaves open.

    Where nothing meets all of it, conditions are let go one after the other and ``missed`` says which.
    """
    asked = understand(query) if isinstance(query, str) else query
    liked = liked or Preferences()
    wished, by_budget = _with_preferences(asked, liked)
    shop = catalogue()
    for attempt, missed in _attempts(wished, asked, by_budget):
        matching = [product for product in shop.products if _fits(product, attempt)]
        fitting = scores((*attempt.must, *attempt.models, *attempt.terms))
        if not attempt.structured:
            matching = [product for product in matching if product.sku in fitting] if attempt.terms else []
        if not matching:
            continue
        ranked = _ranked(matching, attempt, asked, fitting, liked, missed)
        favourites = tuple(b for b in liked.brands if not asked.brands and any(_is(p.brand, b) for p in ranked))
        start = (page - 1) * PAGE
        shown = tuple(ranked[start : start + PAGE])
        kept_budget = by_budget and "price" not in missed
        told = wished if missed else attempt
        return Found(
            query=replace(told, least=None, most=None) if kept_budget else told,
            products=shown,
            total=len(ranked),
            missed=missed,
            by_budget=kept_budget,
            favourites=favourites,
        )
    return Found(query=wished)


def _with_preferences(asked: Query, liked: Preferences) -> tuple[Query, bool]:
    """The query with the shopper's device type and budget where it names none itself; and whether the budget is in."""
    query = asked
    loose = not (asked.category or asked.must or asked.brands or asked.terms)
    if loose and liked.category:
        query = replace(query, category=liked.category)
    if liked.avoided:
        avoided = tuple(brand for brand in liked.avoided if brand not in asked.brands)
        query = replace(query, without=tuple(dict.fromkeys((*query.without, *avoided))))
    if not asked.priced and liked.budget and (query.structured or query.terms):
        return replace(query, least=liked.budget.least, most=liked.budget.most), True
    return query, False


def _attempts(wished: Query, asked: Query, by_budget: bool) -> list[tuple[Query, tuple[str, ...]]]:
    """The query as it is, then with less and less of it. A budget's lower end goes first, and silently: somebody with
    500 to 1000 for a phone wants a case for 30 all the same. So do purposes beyond the first that can be met."""
    attempts: list[tuple[Query, tuple[str, ...]]] = [(wished, ())]
    if by_budget:
        attempts.append((replace(wished, least=None), ()))
    purposes = [feature for feature in wished.features if feature in PURPOSES]
    if len(purposes) > 1:
        # "For my daughter, she studies": what serves one purpose will do, the one that was said last before all.
        rest = tuple(feature for feature in wished.features if feature not in PURPOSES)
        attempts += [(replace(wished, features=(*rest, purpose)), ()) for purpose in reversed(purposes)]
    steps: list[tuple[str, bool, Callable[[Query], Query]]] = [
        ("features", bool(wished.features), lambda q: replace(q, features=())),
        ("model", bool(wished.models), lambda q: replace(q, models=())),
        ("price", wished.priced, lambda q: replace(q, least=None, most=None)),
        ("brand", bool(wished.brands or wished.without), lambda q: replace(q, brands=(), without=())),
        ("name", bool(wished.must), lambda q: replace(q, must=())),
    ]
    for name, there, step in steps:
        if there and name != "name":  # "a case for it" is rather another case than it without one
            attempts.append((step(wished), (name,)))
    current = wished
    missed: tuple[str, ...] = ()
    for name, there, step in steps:
        if there:
            current, missed = step(current), (*missed, name)
            attempts.append((current, missed))
    return attempts


def _fits(product: Product, query: Query) -> bool:
    if query.category and product.category != query.category:
        return False
    if query.brands and product.brand not in query.brands:
        return False
    if product.brand in query.without:
        return False
    if query.least is not None and product.price < query.least:
        return False
    if query.most is not None and product.price > query.most:
        return False
    have = index().names[product.sku]
    if not all(word in have or singular(word) in have for word in (*query.must, *query.models)):
        return False
    return all(has(product, feature) for feature in query.features)


def has(product: Product, feature: str) -> bool:
    """Whether a product has a feature as ``query`` names it: a tag, words of its name or specs, or a figure."""
    if f" {feature} " in index().marks[product.sku]:
        return True
    wanted = _FIGURE.fullmatch(feature)
    if wanted is None or wanted[2] != "inch":
        return False
    # A "13 inch laptop" is one with 13.6 inches too.
    sizes = (_FIGURE.fullmatch(word) for word in index().figures[product.sku])
    return any(size and size[2] == "inch" and int(float(size[1])) == int(float(wanted[1])) for size in sizes)


def _ranked(
    matching: list[Product],
    attempt: Query,
    asked: Query,
    fitting: Mapping[str, float],
    liked: Preferences,
    missed: tuple[str, ...],
) -> list[Product]:
    devices = {"accessory", "charger"}
    wanted = set(liked.brands)
    said = {*attempt.must, *attempt.models, *attempt.terms}

    def relevance(product: Product) -> float:
        favourite = not asked.brands and any(_is(product.brand, brand) for brand in wanted)
        main = attempt.category is None and product.category not in devices
        return (
            fitting.get(product.sku, 0.0)
            + product.rating / 2
            + (4.0 if favourite else 0.0)
            + (0.5 if main else 0.0)
            - (3.0 if product.stock == 0 else 0.0)
            # "iPhone 15 Pro" is that one before its larger siblings.
            - (min(3, len(set(product.words).difference(said))) if attempt.models else 0.0)
        )

    by_relevance = sorted(matching, key=lambda product: (-relevance(product), product.price, product.sku))
    meeting = [product for product in by_relevance if product.sku in fitting]
    if attempt.terms and len(meeting) >= 2:
        # Loose words are a wish: what meets it comes first.
        by_relevance = meeting + [product for product in by_relevance if product.sku not in fitting]
    if "price" in missed and asked.priced:
        low, high = asked.least, asked.most
        return sorted(by_relevance, key=lambda product: _off(product.price, low, high))
    if attempt.order == "cheapest":
        return sorted(by_relevance, key=lambda product: product.price)
    if attempt.order == "dearest":
        return sorted(by_relevance, key=lambda product: -product.price)
    if attempt.order == "best":
        top = sorted(by_relevance, key=lambda product: -product.rating)
        return sorted(top, key=lambda product: not any(_is(product.brand, b) for b in wanted)) if wanted else top
    broad = not (asked.brands or attempt.must or attempt.terms or attempt.models)
    return _mixed(by_relevance, relevance) if broad else by_relevance


def _mixed(ranked: list[Product], relevance: Callable[[Product], float]) -> list[Product]:
    """Not one maker's whole range before the next maker's best."""
    before: Counter[str] = Counter()
    places: list[tuple[float, int, Product]] = []
    for at, product in enumerate(ranked):
        places.append((-relevance(product) + before[product.brand] * 0.15, at, product))
        before[product.brand] += 1
    return [product for _, _, product in sorted(places, key=lambda place: place[:2])]


def _off(price: Decimal, low: Decimal | None, high: Decimal | None) -> Decimal:
    """How far a price is from a range."""
    if high is not None and price > high:
        return price - high
    return low - price if low is not None and price < low else Decimal(0)


def _is(brand: str, preferred: str) -> bool:
    return brand.casefold() == preferred.casefold()
