"""What is asked of the catalogue: category, brands, price, features, names. How to say it to people and to models."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from assistants.shopping import money
from assistants.shopping.catalogue import CATEGORIES
from assistants.shopping.spelling import makers_spelling
from assistants.shopping.words import listed

Order = Literal["relevance", "cheapest", "dearest", "best"]

FEATURE_UNIT = re.compile(r"\d{1,6}(?:\.\d{1,2})?(?:gb|tb|inch|hz|mp|mah|w)")


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
            parts.append(_up_to(self.most))
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
        name = " ".join(makers_spelling().get(word, word) for word in self.named.split())
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


def _up_to(most: Decimal) -> str:
    """``up to $500``; what ends in cents is nearly always the price of something and a cent less: ``below $1,099``."""
    whole = most == most.to_integral_value()
    return f"up to {money.shown(most)}" if whole else f"below {money.shown(most + money.CENT)}"


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
    if FEATURE_UNIT.fullmatch(feature):
        figure = re.match(r"[\d.]+", feature)
        unit = feature[figure.end() :] if figure else ""
        names = {"gb": "GB", "tb": "TB", "hz": "Hz", "mp": "MP", "w": "W", "mah": "mAh", "inch": "inch"}
        return f"{feature.removesuffix(unit)} {names.get(unit, unit)}"
    return feature


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
