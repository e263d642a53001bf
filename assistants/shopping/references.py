"""What a message points at: ``the first one``, ``the cheaper one``, ``it``, ``both``; against what was shown last."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistants.shopping.catalogue import Product, catalogue
from assistants.shopping.document import trim
from assistants.shopping.search import has
from assistants.shopping.spelling import brand_of, corrected
from assistants.shopping.understanding import understand
from assistants.shopping.words import NUMBERS, normal, words

MOST_RESULTS = 12
"""How many products of the last answer are kept for ordinals."""

_NTH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NTH_SHORT = ("1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th")
_ORDINALS = {word: place for names in (_NTH, _NTH_SHORT) for place, word in enumerate(names)}
_ORDINALS |= {"last": -1, "final": -1, "latter": -1, "former": 0}
_NUMBERED = re.compile(r"(?:#|\bnumber |\bno\. ?|\bnr\.? ?|\boption |\bitem )(\d{1,2})\b")
_NO_PLACE = re.compile(
    r"\b(?:at|for the) (?:first|last)\b|\blast (?:year|week|month|time)\b|\bfirst (?:time|of all)\b"
    r"|(?<!the )(?<!that )(?<!^)\blast\b(?! (?:one|item|product|option)\b)"
)
"""Ordinals that are none: "at last", "how long does the battery last?"."""

_RUN = re.compile(r"\b(first|last|top) (two|three|four|five|couple|[2-9])\b(?! ?(?:gb|of each))")
_CHEAPEST = re.compile(
    r"\b(?:cheaper|cheapest|least expensive|less expensive|lowest priced?|most affordable)(?: one| of| option|$|[.!?])"
)
_DEAREST = re.compile(
    r"\b(?:more expensive|most expensive|pricier|priciest|dearer|dearest|highest priced?)(?: one| of| option|$|[.!?])"
)
_BEST = re.compile(
    r"\b(?:better rated|best rated|highest rated|top rated|best|better)(?: one| of (?:them|these|those)| option)"
)
_BOTH = re.compile(r"\b(?:both|the two|these two|those two|the pair)\b")
_MANY = re.compile(
    r"\b(?:these|those|them|they|all of (?:them|these|those)|all (?:three|four|five)|everything you showed)\b"
)
_SINGLE = re.compile(r"\b(?:it|that|this|that one|this one|the one|same one|its)\b")
_NO_POINTER = re.compile(
    r"\b(?:that's|that is|this is|it's|it is) (?:all|it|great|good|fine|nice|ok|okay|perfect|cool|too|very|a lot|not)\b"
    r"|\b(?:forget|got|love|like|doubt|mean) it\b|\bhow (?:is|does) it (?:going|work)\b"
    r"|\bthat (?:has|have|can|is|are|works?|costs?|fits?|does|do|would|i)\b"
    r"|\bthis (?:month|week|year|time|session|chat)\b|\bin it\b|\bis it (?:possible|true)\b"
)
_NAMED_ONE = re.compile(r"\bthe ([^.!?,]{1,40}?) (?:one|version|model)\b")

REFERS = re.compile(
    r"\b(?:it|its|that|this|them|they|those|these|both|former|latter|previous|earlier|again|more|else|another|other|others"
    r"|first|second|third|fourth|fifth|last|[1-9](?:st|nd|rd|th)|one|ones|cheaper|pricier|instead|same|too|also|before"
    r"|my name|who am i|did i|have i|i said|i told|you said|you told|you showed|we talked|remember"
    r"|(?:number|option|item) [0-9])\b|#\d"
)
"""Words of questions whose answer depends on what was said before."""


def last_results(document: Mapping[str, Any]) -> list[str]:
    """The SKUs of the products shown last, in the order in which they were numbered."""
    return list(document.get("last_results") or ())


def focus(document: Mapping[str, Any]) -> list[str]:
    """The SKUs that ``it`` or ``both`` means: what was singled out last."""
    return list(document.get("focus") or ())


def show(document: dict[str, Any], skus: Sequence[str], focused: Sequence[str] = ()) -> None:
    """Remember what is shown now. Without ``focused`` a list of one is what ``it`` means, and a longer one nothing."""
    document["last_results"] = list(dict.fromkeys(skus))[:MOST_RESULTS]
    point_at(document, focused or (skus if len(skus) == 1 else ()))
    trim(document)


def point_at(document: dict[str, Any], skus: Sequence[str]) -> None:
    """Remember what ``it`` means from now on; the numbering of the last list stays."""
    document["focus"] = list(dict.fromkeys(skus))[:MOST_RESULTS]


def resolve(message: str, document: Mapping[str, Any], *, pronouns: bool = True) -> list[str] | None:
    """The SKUs that the message points at, best guess first; an empty list where it points at something that can't be
    told (``it`` after a list of five); None where it points at nothing.

    Without ``pronouns`` only what is pointed at by place, rank or a mark counts, which is never an accident.
    """
    text = normal(message)
    shown, singled = last_results(document), focus(document)
    by_place = _by_place(text, shown)
    if by_place is not None:
        return by_place
    pool = singled if len(singled) > 1 else shown
    by_rank = _by_rank(text, catalogue().known(pool))
    if by_rank is not None:
        return by_rank
    if (named := _named_one(text, pool)) is not None:
        return named
    return _by_pronoun(text, shown, singled) if pronouns else None


def refers_back(message: str) -> bool:
    """Whether the answer to the message depends on what was said before; in doubt, yes."""
    return bool(REFERS.search(normal(message)))


def _by_place(text: str, shown: list[str]) -> list[str] | None:
    if run := _RUN.search(text):
        count = NUMBERS.get(run[2]) or int(run[2])
        return shown[-count:] if run[1] == "last" else shown[:count]
    places = [_ORDINALS[word] for word in words(_NO_PLACE.sub(" ", text)) if word in _ORDINALS]
    places += [int(number) - 1 for number in _NUMBERED.findall(text) if number != "0"]
    if not places:
        return None
    return list(dict.fromkeys(shown[place] for place in places if -len(shown) <= place < len(shown)))


def _by_rank(text: str, pool: Sequence[Product]) -> list[str] | None:
    if not pool:
        return None
    if _CHEAPEST.search(text):
        return [min(pool, key=lambda product: product.price).sku]
    if _DEAREST.search(text):
        return [max(pool, key=lambda product: product.price).sku]
    if _BEST.search(text):
        return [max(pool, key=lambda product: (product.rating, -product.price)).sku]
    return None


def _named_one(text: str, pool: Sequence[str]) -> list[str] | None:
    """``the Samsung one``, ``the pro version``, ``the 512gb model``: by brand, or by a word of name, tags or specs."""
    found = _NAMED_ONE.search(text)
    if found is None:
        return None
    wanted = [word for word in corrected(words(found[1])) if word not in {"other", "new", "right"}]
    products = catalogue().known(pool)
    brand = brand_of(" ".join(wanted))
    if brand:
        return [product.sku for product in products if product.brand == brand][:1]
    features = understand(found[1]).features
    if features:
        having = [product.sku for product in products if all(has(product, feature) for feature in features)]
        return having[:1] or None
    spelled = {
        product.sku: set(words(normal(" ".join((product.title, *product.tags, *product.specs.values())))))
        for product in products
    }
    matching = [sku for sku, own in spelled.items() if wanted and own.issuperset(wanted)]
    return matching[:1] if matching else None


def _by_pronoun(text: str, shown: list[str], singled: list[str]) -> list[str] | None:
    if _BOTH.search(text):
        return (singled if len(singled) == 2 else shown if len(shown) == 2 else []) or []
    if _NO_POINTER.search(text):
        return None
    if _MANY.search(text):
        return singled or shown
    if _SINGLE.search(text):
        return singled if len(singled) == 1 else shown if len(shown) == 1 else []
    return None
