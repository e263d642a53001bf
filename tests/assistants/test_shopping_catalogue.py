"""The catalogue as it ships, and how a broken one is refused."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import orjson
import pytest

from assistants.shopping.catalogue import CATEGORIES, BadCatalogue, catalogue, parse

PHONE = {
    "sku": "X-1",
    "name": "One",
    "brand": "Maker",
    "category": "smartphone",
    "price": "10.00",
    "specs": {"memory": "8 GB"},
    "description": "A phone.",
    "tags": ["5g"],
    "rating": 4.5,
    "stock": 3,
}


def shop(**changed: Any) -> bytes:
    return orjson.dumps([PHONE, {**PHONE, "sku": "X-2", "name": "Two", **changed}])


def test_some_two_hundred_products_in_all_categories() -> None:
    counts = Counter(product.category for product in catalogue().products)
    assert 190 <= len(catalogue().products) <= 240
    assert set(counts) == set(CATEGORIES)
    assert min(counts.values()) >= 8


def test_the_phone_of_the_seed_is_there() -> None:
    phone = catalogue().get("iph15pro-256")
    assert phone is not None
    assert (phone.sku, phone.name, phone.price, phone.category) == (
        "IPH15PRO-256",
        "iPhone 15 Pro",
        Decimal("999.00"),
        "smartphone",
    )
    assert phone.summary() == {
        "sku": "IPH15PRO-256",
        "name": "iPhone 15 Pro",
        "brand": "Apple",
        "price": 999,
        "category": "smartphone",
        "rating": 4.7,
        "stock": phone.stock,
    }


def test_no_product_stands_there_twice() -> None:
    for field in ("sku", "title", "description"):
        values = [getattr(product, field) for product in catalogue().products]
        assert [value for value, count in Counter(values).items() if count > 1] == []


@pytest.mark.parametrize("product", catalogue().products, ids=lambda product: product.sku)
def test_a_product_is_whole(product: Any) -> None:
    assert Decimal("5") <= product.price <= Decimal("5000")
    assert 3.5 <= product.rating <= 5
    assert 0 <= product.stock <= 200
    assert len(product.specs) >= 2
    assert len(product.tags) >= 2
    assert product.description.endswith(".")
    assert len(product.sku) <= 20


def test_a_brand_is_not_said_twice() -> None:
    titles = {product.title for product in catalogue().products}
    assert {"Apple iPhone 15 Pro", "Apple Watch SE", "Samsung Galaxy S24"} <= titles


def test_the_catalogue_can_not_be_changed() -> None:
    product = catalogue().products[0]
    with pytest.raises(AttributeError):
        product.price = Decimal(1)  # type: ignore[misc]
    with pytest.raises(TypeError):
        product.specs["memory"] = "64 GB"  # type: ignore[index]
    with pytest.raises(TypeError):
        catalogue().by_sku["NEW"] = product  # type: ignore[index]
    assert catalogue() is catalogue()


def test_a_sound_document_is_read() -> None:
    assert [product.sku for product in parse(shop()).products] == ["X-1", "X-2"]
    assert parse(shop()).digest != parse(shop(price="11.00")).digest


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"sku": "X-1"}, "same SKU"),
        ({"name": "One"}, "same title"),
        ({"category": "boat"}, "X-2"),
        ({"price": "free"}, "X-2"),
        ({"price": "-1"}, "X-2"),
        ({"rating": 6}, "X-2"),
        ({"stock": -1}, "X-2"),
        ({"sku": "lower"}, "lower"),
        ({"specs": None}, "X-2"),
    ],
)
def test_a_senseless_product_is_named(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(BadCatalogue, match=says):
        parse(shop(**changed))
