"""The catalogue: read once from ``data/products.json``, the same for everybody, never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from assistants.shopping import money
from assistants.shopping.words import normal, words

FILE = Path(__file__).with_name("data") / "products.json"

CATEGORIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "smartphone": ("smartphone", "smartphones"),
        "laptop": ("laptop", "laptops"),
        "tablet": ("tablet", "tablets"),
        "headphones": ("pair of headphones", "headphones"),
        "smartwatch": ("smartwatch", "smartwatches"),
        "camera": ("camera", "cameras"),
        "television": ("television", "televisions"),
        "monitor": ("monitor", "monitors"),
        "gaming": ("gaming product", "gaming products"),
        "speaker": ("speaker", "speakers"),
        "charger": ("charger", "chargers"),
        "accessory": ("accessory", "accessories"),
        "smart-home": ("smart home device", "smart home devices"),
    }
)
"""Slug → (one, many), in the order in which they are shown."""


class BadCatalogue(ValueError):
    """A product in the file makes no sense; the message names it."""


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """One product, equal to itself only.

    ``price`` is in dollars, ``rating`` of 5 stars, ``stock`` in units; ``specs`` are for people. ``title`` is brand and
    name, the brand not twice (``Samsung Galaxy S24``, ``Apple Watch SE``), and ``words`` are its words.
    """

    sku: str
    name: str
    brand: str
    category: str
    price: Decimal
    specs: Mapping[str, str]
    description: str
    tags: tuple[str, ...]
    rating: float
    stock: int

    title: str
    words: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The product as it travels with a reply: small JSON, the price a number."""
        return {
            "sku": self.sku,
            "name": self.name,
            "brand": self.brand,
            "price": money.number(self.price),
            "category": self.category,
            "rating": self.rating,
            "stock": self.stock,
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All products by SKU, in the file's order, and a digest that changes with their data."""

    products: tuple[Product, ...]
    by_sku: Mapping[str, Product]
    brands: tuple[str, ...]
    digest: str

    def get(self, sku: str) -> Product | None:
        """The product with this SKU, in any case, or None."""
        return self.by_sku.get(sku.strip().upper())

    def known(self, skus: Iterable[str]) -> list[Product]:
        """The products among ``skus``, in their order."""
        return [product for sku in skus if (product := self.get(sku))]


def parse(raw: bytes) -> Catalogue:
    """The catalogue of a JSON document; raises ``BadCatalogue``."""
    products = tuple(_product(entry) for entry in orjson.loads(raw))
    by_sku = {product.sku: product for product in products}
    if len(by_sku) < len(products):
        raise BadCatalogue("Two products have the same SKU.")
    if len({product.title for product in products}) < len(products):
        raise BadCatalogue("Two products have the same title.")
    brands = tuple(sorted({product.brand for product in products}, key=str.casefold))
    return Catalogue(products, MappingProxyType(by_sku), brands, hashlib.blake2b(raw, digest_size=8).hexdigest())


def _product(entry: Mapping[str, Any]) -> Product:
    try:
        name, brand = str(entry["name"]), str(entry["brand"])
        title = name if name.casefold().startswith(brand.casefold()) else f"{brand} {name}"
        product = Product(
            sku=entry["sku"],
            name=name,
            brand=brand,
            category=entry["category"],
            price=money.amount(entry["price"]),
            specs=MappingProxyType(dict(entry["specs"])),
            description=entry["description"],
            tags=tuple(entry["tags"]),
            rating=float(entry["rating"]),
            stock=int(entry["stock"]),
            title=title,
            words=words(normal(title)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadCatalogue(f"Product {entry.get('sku', '?')}: {error!r}") from error
    sound = product.category in CATEGORIES and product.sku == product.sku.strip().upper() and product.name
    if not sound or not 0 <= product.rating <= 5 or product.stock < 0:
        raise BadCatalogue(f"Product {product.sku}: unknown category, a SKU not in capitals, or a figure out of range.")
    return product


@cache
def catalogue() -> Catalogue:
    """The shop's catalogue; the file is read at the first call."""
    return parse(FILE.read_bytes())
