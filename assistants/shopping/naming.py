"""Which products a message names: ``the Galaxy S24 and the Pixel 8``, ``iPhone vs Galaxy``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import log

from assistants.shopping.catalogue import Product, catalogue
from assistants.shopping.quantities import counted
from assistants.shopping.search import index
from assistants.shopping.spelling import brand_of, corrected
from assistants.shopping.understanding import understand
from assistants.shopping.vocabulary import CATEGORY_OF, FEATURE_OF, LINES, NARROW
from assistants.shopping.words import STOP_WORDS, bag, normal, singular, words

_JOINTS = re.compile(r"\s(?:vs\.?|versus|and|or|with|to|against|than|from)\s|[,;/&]\s?|\s-\s")
_COMPARE = re.compile(
    r"\b(?:compar\w*|vs\.?|versus|difference|differences|differ|which (?:one )?is better|which is best|better than"
    r"|or the .{1,60}\?|what's better|side by side)(?=\W|$)"
)
_SKU = re.compile(r"\b[a-z0-9]{2,}(?:-[a-z0-9]{1,})+\b")
MOST_NAMED = 4
MOST_PIECES = 12


@dataclass(frozen=True, slots=True)
class Named:
    """A product that is named. ``exact``: no other fits the words as well; ``units``: how many, where it is said."""

    product: Product
    exact: bool
    units: int | None = None


def compares(message: str) -> bool:
    """Whether the message asks for a comparison."""
    return bool(_COMPARE.search(normal(message)))


def named(message: str, near: Sequence[str] = ()) -> list[Named]:
    """The products that the message names, in its order, at most four; without guesses from mere categories.

    ``near`` are SKUs that were spoken of: where the words fit several products and one of these, it is meant.
    """
    text = normal(message)
    found: dict[str, Named] = {}
    for match in _SKU.findall(text)[:MOST_PIECES]:
        product = catalogue().get(match)
        if product:
            found.setdefault(product.sku, Named(product, True, counted(text)[0]))
    if found:
        return list(found.values())[:MOST_NAMED]
    context: list[str] = []
    for piece in [piece for piece in _JOINTS.split(f" {text} ") if piece.strip()][:MOST_PIECES]:
        units, rest = counted(piece)
        one = _one(rest, context, near) or (_one(piece, context, near) if units else None)
        if one and one.product.sku not in found:
            found[one.product.sku] = replace(one, units=units)
            context = [word for word in one.product.words if word in LINES]
        if len(found) == MOST_NAMED:
            break
    return list(found.values())


@lru_cache(maxsize=1)
def _rarity() -> dict[str, float]:
    """Word of a name → how much it tells: much where few products have it."""
    counts: dict[str, int] = {}
    for product in catalogue().products:
        for word in set(product.words):
            counts[word] = counts.get(word, 0) + 1
    return {word: log(len(catalogue().products) / count) for word, count in counts.items()}


def _one(piece: str, context: Sequence[str], near: Sequence[str]) -> Named | None:
    tokens = corrected(words(piece))
    rarity = _rarity()
    spelled = (word if word in rarity else singular(word) for word in tokens)
    wanted = [word for word in dict.fromkeys(spelled) if word in rarity and word not in STOP_WORDS]
    # "the S24 Ultra or the Pro": a bare model takes the line of the product before it.
    if wanted and context and all(_is_model(word) for word in wanted):
        wanted = [*context, *wanted]
    lines = {word for a, b in pairwise(tokens) if f"{a} {b}" in LINES for word in (a, b)}
    telling = {word for word in wanted if _tells(word) or word in lines}
    query = understand(piece)
    kinds = [word for word in query.must if word in NARROW]
    best: list[tuple[float, Product]] = []
    for product in catalogue().products:
        own = frozenset(product.words)
        if not _could_be(product, own, wanted, telling) or not index().names[product.sku].issuperset(kinds):
            continue
        score = sum(rarity[word] if word in own else -1.5 for word in wanted) - 0.4 * len(own.difference(wanted))
        if query.category == product.category:
            score += 2.0
        if product.category in {"accessory", "charger"} and not kinds:
            score -= 1.0
        best.append((score + product.rating / 10, product))
    if not best:
        return None
    best.sort(key=lambda entry: (-entry[0], entry[1].price, entry[1].sku))
    top = best[0][1]
    missing = [word for word in wanted if word not in top.words]
    rivals = [product for score, product in best[1:] if best[0][0] - score < 0.35]
    close = [entry[1] for entry in best if entry[1].sku in near and all(word in entry[1].words for word in wanted)]
    if rivals and len(close) == 1:
        return Named(close[0], True)
    return Named(top, not missing and not rivals)


def _could_be(product: Product, own: frozenset[str], wanted: Sequence[str], telling: set[str]) -> bool:
    """Whether the words name this product at all: all numbers fit, and either a word that tells, or the brand and one
    more word of the name (``JBL Flip``)."""
    if own.isdisjoint(wanted) or not all(word in own for word in wanted if any(c.isdigit() for c in word)):
        return False
    if own.intersection(telling):
        return True
    brand = _brand(product.brand)
    more = {word for word in wanted if word in own and word not in brand and word not in CATEGORY_OF}
    return brand.issubset(wanted) and bool(more - {*FEATURE_OF})


@lru_cache(maxsize=256)
def _brand(brand: str) -> frozenset[str]:
    return frozenset(words(normal(brand)))


def _is_model(word: str) -> bool:
    return any(letter.isdigit() for letter in word) or word in {
        "pro",
        "max",
        "plus",
        "ultra",
        "mini",
        "air",
        "se",
        "fe",
    }


def _tells(word: str) -> bool:
    """Whether the word alone points at a product: no brand, category or feature, no everyday word, no bare number."""
    if word in LINES:
        return True
    if word in CATEGORY_OF or word in FEATURE_OF or brand_of(word) or word.isdecimal() or word in _COMMON:
        return False
    return len(word) > 2 or any(letter.isdigit() for letter in word)


_COMMON = bag(
    """
    air pro max mini plus ultra wireless smart portable power gaming black white clear kit body band series set pair
    home studio display charge generation digital light essential case cover glass indoor battery learning video starter
    plug lock detect slim hub dual car bank adapter fast super bookshelf extreme stick everyday screen silicone hybrid
    protector frame party wave free open classic keys move flip beam cloud prime swift legion tune fit note edge
    action pocket hero dot show hub fire nano desk folio sleeve premium phone bulb cube cam the go ii iii iv v vi vii hd
    tough armor mesh pack router router one two
    """
)
