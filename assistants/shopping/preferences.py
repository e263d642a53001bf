"""What a shopper prefers: budget, brands, device and shipping; stated through the API or in passing in the chat."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from assistants.shopping import money
from assistants.shopping.document import size, trim
from assistants.shopping.prices import PriceRange, price_range
from assistants.shopping.spelling import corrected
from assistants.shopping.understanding import understand
from assistants.shopping.vocabulary import CATEGORY_OF, category_of
from assistants.shopping.words import clean, listed, normal, words

FIELDS = ("budget_range", "preferred_brands", "device_type", "shipping_preference")
MOST_BRANDS = 10
MOST_CHARS = 40
MOST_BYTES = 900
_SHIPPING = {
    "express": "express|fast|fastest|quick",
    "standard": "standard|normal|regular|economy",
    "overnight": "overnight|next day",
    "same day": "same day",
    "pickup": "pickup|pick up|collect|collection|store pickup",
    "free": "free",
}
_SHIPPING_SAID = re.compile(
    r"\b(express|fast|fastest|quick|standard|normal|regular|economy|overnight|next[ -]day|same[ -]day|free)\s"
    r"(?:shipping|delivery|shipment)\b|\b(?:ship|deliver|send)(?: it| them| everything)?(?: by| via| with)? "
    r"(express|overnight|standard)\b|\b(pick ?up in store|store pickup|in[ -]store pickup)\b"
)
_SENTENCE_END = re.compile(r"(?<=[.!?;]) ")
_QUESTION = re.compile(
    r"(?:and |but |so )?(?:do|does|is|are|can|could|what|how|which|when|where|will|would|whats|what's)\b"
)
_STATES = re.compile(r"\bmy budget is\b|\bi(?:'d| would)? (?:prefer|like|love)\b|\bi have a budget\b|\bi can spend\b")
_BUDGET = re.compile(r"\b(?:budget|i can spend|i want to spend|i'd spend|can afford|willing to spend|spending limit)\b")
_LIKE = re.compile(
    r"\b(?:i|we)(?:'d| would)?(?: really| also| always| usually| only| mostly)*"
    r" (?:prefer|like|love|want|trust|favou?r)\b|\bfan of\b|\bmy favou?rite (?:brands?|makers?)\b"
    r"|\bpreferred brands?\b|\bstick (?:to|with)\b"
)
_DISLIKE = re.compile(
    r"\b(?:i|we) (?:do not|don't|dont|really don't|never) (?:\w+ )?(?:like|want|trust|prefer|buy)\b"
    r"|\bi (?:hate|dislike)\b"
)
_ALSO = re.compile(r"\balso\b|\btoo\b|\bas well\b")


class BadPreference(ValueError):
    """``field`` can't be what was given; the message says what it may be."""

    def __init__(self, field: str, allowed: str) -> None:
        super().__init__(f"{field} must be {allowed}.")
        self.field = field


@dataclass(frozen=True, slots=True)
class Preferences:
    """The stored preferences, read for searching."""

    budget: PriceRange | None = None
    brands: tuple[str, ...] = ()
    category: str | None = None
    avoided: tuple[str, ...] = ()


def of(document: Mapping[str, Any]) -> Preferences:
    """The preferences that an attributes document holds."""
    stored = document.get("preferences") or {}
    budget = stored.get("budget_range")
    return Preferences(
        budget=_range(budget) if budget else None,
        brands=tuple(stored.get("preferred_brands") or ()),
        category=category_of(stored.get("device_type")),
        avoided=tuple(document.get("avoided") or ()),
    )


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The known fields of ``given`` in the form in which they are stored; raises ``BadPreference``.

    None, an empty text and an empty list clear a field. Fields that are not known are ignored.
    """
    result: dict[str, Any] = {}
    for field in FIELDS:
        if field not in given:
            continue
        value = given[field]
        if value is None or value in ("", []):
            result[field] = None
        elif field == "preferred_brands":
            result[field] = _brand_list(value)
        elif field == "budget_range":
            result[field] = _budget_text(value)
        else:
            result[field] = _short(field, value)
    return result


def merge(document: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Put the fields of ``given`` over those of the document; raises ``BadPreference``. The others stay."""
    stored = {**document.get("preferences", {})}
    for field, value in checked(given).items():
        if value is None:
            stored.pop(field, None)
        else:
            stored[field] = value
    if size(stored) > MOST_BYTES:
        raise BadPreference("preferred_brands", "shorter; all preferences together take at most 900 bytes")
    document["preferences"] = stored
    if given.get("preferred_brands") and document.get("avoided"):
        liked = {brand.casefold() for brand in stored["preferred_brands"]}
        document["avoided"] = [brand for brand in document["avoided"] if brand.casefold() not in liked]
    trim(document)


def said(message: str, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The preferences that a message states, for ``merge``; empty where it states none.

    ``My budget is 500 to 1000``, ``I prefer Apple and Samsung``, ``express shipping please``. A search (``phones under
    500``) is none: it holds for this once. ``stored`` is needed for ``I also like Sony``.
    """
    brands = list((stored or {}).get("preferred_brands") or ())
    result: dict[str, Any] = {}
    for sentence in _SENTENCE_END.split(normal(message)):
        if sentence and not _asks(sentence):
            result.update(_said_in(sentence, result.get("preferred_brands", brands)))
    return result


def unwanted(message: str) -> list[str]:
    """The brands that a message turns down for good: ``I don't like Apple``. (``Not Apple`` holds for this once.)"""
    brands: list[str] = []
    for sentence in _SENTENCE_END.split(normal(message)):
        if _DISLIKE.search(sentence) and not _asks(sentence):
            query = understand(sentence)
            brands += [] if query.category or query.must else [*query.brands, *query.without]
    return list(dict.fromkeys(brands))[:MOST_BRANDS]


def avoid(document: dict[str, Any], brands: Sequence[str]) -> None:
    """Keep these brands out of what is recommended, until one of them is preferred again."""
    document["avoided"] = list(dict.fromkeys([*(document.get("avoided") or ()), *brands]))[-MOST_BRANDS:]
    trim(document)


def _asks(sentence: str) -> bool:
    if _QUESTION.match(sentence):
        return True
    return sentence.rstrip().endswith("?") and not _STATES.search(sentence)


def _said_in(sentence: str, brands: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if _BUDGET.search(sentence) and (prices := price_range(sentence)):
        result["budget_range"] = _range_text(prices)
    dislikes = bool(_DISLIKE.search(sentence))
    if dislikes or _LIKE.search(sentence):
        result.update(_taste(sentence, dislikes, brands))
    if found := _SHIPPING_SAID.search(sentence):
        result["shipping_preference"] = _shipping(found[1] or found[2] or "pickup")
    return result


def described(stored: Mapping[str, Any]) -> str:
    """The preferences for people, in one line; empty where there are none."""
    parts = []
    if budget := stored.get("budget_range"):
        parts.append(f"budget {budget_shown(budget)}")
    if brands := stored.get("preferred_brands"):
        parts.append(f"{listed(brands)} preferred")
    if device := stored.get("device_type"):
        parts.append(f"mostly {device}")
    if shipping := stored.get("shipping_preference"):
        parts.append(f"{shipping} shipping")
    return ", ".join(parts)


def budget_shown(budget: str) -> str:
    """``500-1000`` → ``$500 to $1,000``."""
    prices = _range(budget)
    if prices.least is not None and prices.most is not None:
        return f"{money.shown(prices.least)} to {money.shown(prices.most)}"
    if prices.most is not None:
        return f"up to {money.shown(prices.most)}"
    return f"from {money.shown(prices.least)}" if prices.least is not None else budget


def _range(budget: str) -> PriceRange:
    text = normal(budget)
    low, dash, high = text.partition("-")
    if dash and low.strip().isdecimal() and high.strip().isdecimal():
        # Also a range like 5-15, which in a chat could be a pair of models.
        ends = sorted((money.amount(low), money.amount(high)))
        return PriceRange(ends[0], ends[1], "")
    if text.isdecimal():
        return PriceRange(None, money.amount(text), "")
    return price_range(text)


def _range_text(prices: PriceRange) -> str:
    """``500-1000``, ``under 500``, ``over 1000``: the form in which a budget is stored."""
    if prices.least is not None and prices.most is not None:
        return f"{money.number(prices.least)}-{money.number(prices.most)}"
    if prices.most is not None:
        return f"under {money.number(prices.most)}"
    return f"over {money.number(prices.least or Decimal(0))}"


def _budget_text(value: Any) -> str:
    allowed = 'a range like "500-1000", "under 500" or "over 1000"'
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > MOST_CHARS:
        raise BadPreference("budget_range", allowed)
    text = str(value)
    try:
        prices = _range(text)
        low, dash, high = normal(text).partition("-")
        if dash and low.strip().isdecimal() and high.strip().isdecimal() and int(low) > int(high):
            raise BadPreference("budget_range", "a range from low to high")
    except money.NotMoney:
        raise BadPreference("budget_range", allowed) from None
    if not prices:
        raise BadPreference("budget_range", allowed)
    return _range_text(prices)


def _brand_list(value: Any) -> list[str]:
    allowed = f"a list of at most {MOST_BRANDS} brand names of up to {MOST_CHARS} characters"
    entries: Sequence[Any] = [value] if isinstance(value, str) else value
    if not isinstance(entries, list | tuple):
        raise BadPreference("preferred_brands", allowed)
    brands: dict[str, str] = {}
    for entry in entries:
        if not isinstance(entry, str) or not clean(entry) or len(clean(entry)) > MOST_CHARS:
            raise BadPreference("preferred_brands", allowed)
        brands.setdefault(clean(entry).casefold(), clean(entry))
    if len(brands) > MOST_BRANDS:
        raise BadPreference("preferred_brands", allowed)
    return list(brands.values())


def _short(field: str, value: Any) -> str:
    if not isinstance(value, str) or not clean(value) or len(clean(value)) > MOST_CHARS:
        raise BadPreference(field, f"a text of 1 to {MOST_CHARS} characters")
    return clean(value)


def _taste(text: str, dislikes: bool, before: list[str]) -> dict[str, Any]:
    query = understand(text)
    if dislikes:
        unwanted = {brand.casefold() for brand in (*query.brands, *query.without)}
        kept = [brand for brand in before if brand.casefold() not in unwanted]
        return {"preferred_brands": kept} if unwanted and len(kept) < len(before) else {}
    bare = _wants_things(text, query.category, query.must)
    if query.brands and not bare:
        brands = [*before, *query.brands] if _ALSO.search(text) else list(query.brands)
        return {"preferred_brands": list(dict.fromkeys(brands))[:MOST_BRANDS]}
    tokens = corrected(words(text))
    if "prefer" in tokens and not query.brands:
        device = next((CATEGORY_OF[token] for token in tokens if token in CATEGORY_OF), None)
        return {"device_type": device} if device else {}
    return {}


def _wants_things(text: str, category: str | None, must: tuple[str, ...]) -> bool:
    """``I want a Samsung phone`` asks for a thing; ``I want Samsung`` and ``I prefer Apple`` tell a taste."""
    taste = re.search(r"\b(?:prefer|love|trust|favou?r\w*|fan of|preferred|stick)\b", text)
    return taste is None and bool(category or must or re.search(r"\b(?:buy|see|add|know|one|it|that)\b", text))


def _shipping(word: str) -> str:
    plain = word.replace("-", " ")
    return next((name for name, words_ in _SHIPPING.items() if plain in words_.split("|")), "pickup")
