"""Amounts of money in a message: ``under $500``, ``between 300 and 600``, ``around 1k``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from assistants.shopping import money

_NO_UNIT = (
    r"(?![\d.,]*\d)(?!\s?-?\s?(?:gb|tb|mb|inch|inches|hz|mp|mah|w|watts?|mm|cm|kg|g|lbs?|hours?|hrs?|h|days?|weeks?|months?"
    r"|years?|minutes?|stars?|x|%|percent|people|of|pieces?|units?|ports?|th|nd|rd|st|gen)\b)(?!\s?%)"
)
_DIGITS = r"(\d{1,3}(?:,\d{3}){1,2}(?:\.\d{1,2})?|\d{1,7}(?:\.\d{1,2})?)(k\b)?"
_AMOUNT = r"[$€£]?\s?" + _DIGITS
_ONE = _AMOUNT + r"(?:\s?(?:dollars?|usd|bucks|euros?|eur|pounds|[$€£]))?" + _NO_UNIT
_HERE = r"(?<![\w.,])"
_RANGE = re.compile(rf"{_HERE}(?:between|from)\s{_ONE}\s?(?:and|to|-)\s?{_ONE}")
_BARE_RANGE = re.compile(rf"(?<![\w.,-]){_ONE}\s?(?:-|to)\s?{_ONE}")
_MOST = re.compile(
    rf"{_HERE}(?:under|below|less than|lower than|cheaper than|up to|at most|no more than|not more than|maximum(?: of)?"
    rf"|max(?: of)?|within|for less than|not over|not above|budget(?:'s| is| of| to| now)+|spend|only have|<=?)\s?"
    rf"(?:about |around )?{_ONE}"
)
_MOST_AFTER = re.compile(
    rf"{_HERE}{_ONE}\s?(?:or less|or under|or below|or cheaper|and under|and below|max\b|maximum|at most|budget|tops)"
)
_LEAST = re.compile(
    rf"{_HERE}(?:over|above|more than|higher than|at least|no less than|minimum(?: of)?|min(?: of)?|starting at|from"
    rf"|>=?)\s?{_ONE}"
)
_LEAST_AFTER = re.compile(rf"{_HERE}{_ONE}\s?(?:\+|or more|or above|and up|and above|and more|upwards)")
_ABOUT = re.compile(rf"{_HERE}(?:around|about|roughly|approximately|approx|circa|near|~)\s?{_ONE}")
_CURRENCY = re.compile(
    rf"(?<![\w.])[$€£]\s?{_DIGITS}{_NO_UNIT}|{_HERE}{_DIGITS}\s?(?:dollars?|usd|bucks|euros?|eur|pounds|[$€£])"
)


@dataclass(frozen=True, slots=True)
class PriceRange:
    """From ``least`` to ``most``, both included; None: open. ``rest`` is the text without the words of the range."""

    least: Decimal | None
    most: Decimal | None
    rest: str

    def __bool__(self) -> bool:
        return self.least is not None or self.most is not None


def price_range(text: str) -> PriceRange:
    """The range that a ``normal`` text speaks of. Numbers with a unit (``under 16gb``) are no amounts."""
    if found := _RANGE.search(text):
        low, high = sorted((_value(found, 1), _value(found, 3)))
        return PriceRange(low, high, _without(text, found))
    found = _BARE_RANGE.search(text)
    if found:
        low, high = sorted((_value(found, 1), _value(found, 3)))
        # "14-15" is a pair of models; a range of prices has a currency, or two amounts that could be prices.
        if low >= 50 or (high >= 20 and any(sign in found[0] for sign in "$€£")):
            return PriceRange(low, high, _without(text, found))
    for pattern in (_MOST, _MOST_AFTER):
        if found := pattern.search(text):
            rest = _without(text, found)
            also = _LEAST.search(rest)
            if also and _value(also, 1) <= _value(found, 1):
                return PriceRange(_value(also, 1), _value(found, 1), _without(rest, also))
            return PriceRange(None, _value(found, 1), rest)
    for pattern in (_LEAST, _LEAST_AFTER):
        if found := pattern.search(text):
            return PriceRange(_value(found, 1), None, _without(text, found))
    if found := _ABOUT.search(text):
        middle = _value(found, 1)
        return PriceRange(_cents(middle * 8 / 10), _cents(middle * 12 / 10), _without(text, found))
    if found := _CURRENCY.search(text):
        return PriceRange(None, _value(found, 1 if found[1] else 3), _without(text, found))
    return PriceRange(None, None, text)


def _value(found: re.Match[str], group: int) -> Decimal:
    value = Decimal(found[group].replace(",", "")) * (1000 if found[group + 1] else 1)
    return min(_cents(value), money.MOST)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(money.CENT)


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}".strip()
