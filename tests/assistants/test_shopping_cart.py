"""The cart: exact money, bounds, purchases, and a document that stays small."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistants.shopping import cart, money, preferences, references
from assistants.shopping.answers import remember
from assistants.shopping.cart import CartEmpty, CartFull, NotInCart, QuantityOutOfRange
from assistants.shopping.catalogue import catalogue
from assistants.shopping.document import MOST_BYTES, size

NOW = 1_700_000_000_000
PHONE = {"sku": "IPH15PRO-256", "name": "iPhone 15 Pro", "price": 999, "category": "smartphone"}
LIMIT = 16_384


def add(document: dict[str, Any], now: int = NOW, **changed: Any) -> None:
    cart.add(document, now=now, **{**PHONE, **changed})


def test_an_item_of_the_seed_goes_in() -> None:
    document: dict[str, Any] = {}
    add(document)
    assert document["cart"] == {
        "IPH15PRO-256": {
            "name": "iPhone 15 Pro",
            "price": "999.00",
            "category": "smartphone",
            "quantity": 1,
            "added_at": NOW,
        }
    }
    assert cart.view(document) == {
        "items": [
            {
                "name": "iPhone 15 Pro",
                "price": 999,
                "category": "smartphone",
                "sku": "IPH15PRO-256",
                "quantity": 1,
                "added_at": "2023-11-14T22:13:20.000Z",
            }
        ],
        "count": 1,
        "total": 999,
    }


def test_the_same_sku_adds_up_at_the_newest_price() -> None:
    document: dict[str, Any] = {}
    add(document, quantity=2)
    add(document, price="949.50", now=NOW + 5)
    assert len(document["cart"]) == 1
    assert cart.view(document)["items"][0]["quantity"] == 3
    assert cart.view(document)["total"] == 2848.5
    assert document["cart"]["IPH15PRO-256"]["added_at"] == NOW


def test_an_empty_cart_is_worth_nothing() -> None:
    assert cart.view({}) == {"items": [], "count": 0, "total": 0}
    assert cart.total({}) == Decimal("0.00")
    assert cart.purchases({}) == []
    assert cart.stats({}) == {"added": 0, "removed": 0, "purchased": 0}


def test_lines_keep_the_order_in_which_they_came() -> None:
    document: dict[str, Any] = {}
    for sku in ("Z", "A", "M"):
        add(document, sku=sku)
    stored = orjson.loads(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))
    assert [item["sku"] for item in cart.view(stored)["items"]] == ["Z", "A", "M"]


def test_money_is_exact() -> None:
    document: dict[str, Any] = {}
    add(document, sku="A", price=0.1, quantity=3)
    add(document, sku="B", price=19.99, quantity=999)
    assert cart.total(document) == Decimal("19970.31")
    assert cart.view(document)["total"] == 19970.31


def test_the_hundredth_line_goes_in_and_the_next_does_not() -> None:
    document: dict[str, Any] = {}
    for number in range(100):
        add(document, sku=f"SKU-{number}")
    before = copy.deepcopy(document)
    with pytest.raises(CartFull, match="full with 100 lines"):
        add(document, sku="SKU-100")
    assert document == before
    add(document, sku="SKU-7")
    assert cart.view(document)["count"] == 100


def test_a_hundred_products_of_the_catalogue_fit() -> None:
    document: dict[str, Any] = {}
    longest = sorted(catalogue().products, key=lambda p: -len(p.title + p.sku + p.category))[:100]
    for product in longest:
        add(document, sku=product.sku, name=product.title, price=product.price, category=product.category, quantity=999)
    assert cart.view(document)["count"] == 100
    assert size(document) <= LIMIT


def test_a_cart_of_very_long_names_is_full_earlier() -> None:
    document: dict[str, Any] = {}

    def fill() -> None:
        for number in range(100):
            add(document, sku=f"{number}" + "界" * 80, name="界" * 500, category="界" * 500)

    with pytest.raises(CartFull):
        fill()
    assert 10 < len(document["cart"]) < 100
    assert size(document) <= LIMIT


@pytest.mark.parametrize(
    ("before", "more", "fits"), [(0, 999, True), (999, 1, False), (998, 1, True), (0, 1000, False)]
)
def test_a_line_holds_999_units(before: int, more: int, fits: bool) -> None:
    document: dict[str, Any] = {}
    if before:
        add(document, quantity=before)
    if fits:
        add(document, quantity=more)
        assert cart.units(document) == before + more
        return
    with pytest.raises(QuantityOutOfRange) as refused:
        add(document, quantity=more)
    assert refused.value.quantity == before + more
    assert cart.units(document) == before


@pytest.mark.parametrize("quantity", [0, -1])
def test_nothing_is_added_less_than_once(quantity: int) -> None:
    document: dict[str, Any] = {}
    with pytest.raises(QuantityOutOfRange):
        add(document, quantity=quantity)
    assert document == {}


@pytest.mark.parametrize("price", [-1, "1000000.01", "free", "NaN", "Infinity", "", True, "1e400"])
def test_a_price_that_is_none_is_refused(price: Any) -> None:
    with pytest.raises(money.NotMoney):
        add({}, price=price)


def test_units_and_lines_come_out() -> None:
    document: dict[str, Any] = {}
    add(document, quantity=5)
    assert cart.remove(document, "IPH15PRO-256", 2) == 2
    assert cart.units(document) == 3
    assert cart.remove(document, "IPH15PRO-256", 10) == 3
    assert document["cart"] == {}
    with pytest.raises(NotInCart, match="IPH15PRO-256 is not in the cart"):
        cart.remove(document, "IPH15PRO-256")
    add(document)
    with pytest.raises(QuantityOutOfRange):
        cart.remove(document, "IPH15PRO-256", 0)
    assert cart.remove(document, "IPH15PRO-256") == 1


def test_clearing_empties_the_cart_and_counts() -> None:
    document: dict[str, Any] = {}
    add(document, quantity=2)
    add(document, sku="B")
    assert cart.clear(document) == 3
    assert cart.clear(document) == 0
    assert cart.stats(document) == {"added": 3, "removed": 3, "purchased": 0}


def test_a_checkout_becomes_a_purchase() -> None:
    document: dict[str, Any] = {}
    add(document, quantity=2)
    add(document, sku="B", name="Case", price="25.99")
    bought = cart.checkout(document, NOW + 1000)
    assert bought == {
        "at": "2023-11-14T22:13:21.000Z",
        "items": [
            {"sku": "IPH15PRO-256", "name": "iPhone 15 Pro", "price": 999, "quantity": 2},
            {"sku": "B", "name": "Case", "price": 25.99, "quantity": 1},
        ],
        "lines": 2,
        "units": 3,
        "total": 2023.99,
    }
    assert cart.purchases(document) == [bought]
    assert document["cart"] == {}
    assert cart.stats(document) == {"added": 3, "removed": 0, "purchased": 3}
    with pytest.raises(CartEmpty):
        cart.checkout(document, NOW)


def test_the_newest_fifty_purchases_are_kept() -> None:
    document: dict[str, Any] = {}
    for number in range(60):
        add(document, sku=f"SKU-{number}")
        cart.checkout(document, NOW + number)
    shown = cart.purchases(document)
    assert len(shown) == 50
    assert shown[0]["items"][0]["sku"] == "SKU-59"
    assert cart.stats(document)["purchased"] == 60


def test_full_carts_bought_again_and_again_do_not_grow_the_document() -> None:
    document: dict[str, Any] = {}
    preferences.merge(document, {"preferred_brands": ["Samsung"] * 3, "budget_range": "500-1000"})
    references.show(document, ["IPH15PRO-256"] * 12)
    for round_ in range(55):
        for number in range(100):
            add(document, sku=f"SKU-{number}", name="A product with a name of common length")
            assert size(document) <= MOST_BYTES
        if round_ < 54:
            cart.checkout(document, NOW + round_)
        remember(document, f"{round_:016x}")
    assert cart.purchases(document)
    assert cart.view(document)["count"] == 100
    assert cart.stats(document)["purchased"] == 5400


def test_names_from_outside_are_made_safe_to_store() -> None:
    document: dict[str, Any] = {}
    add(document, name="Evil\n\n# Ignore\x00 all\ud800", category=" a \t b ")
    line = document["cart"]["IPH15PRO-256"]
    assert line["name"] == "Evil # Ignore all?"
    assert line["category"] == "a b"
    orjson.dumps(document)


CHANGES = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"),
            st.sampled_from("ABCDE"),
            st.integers(-2, 1200),
            st.decimals(0, 1_000_000, places=2, allow_nan=False),
        ),
        st.tuples(st.just("remove"), st.sampled_from("ABCDE"), st.none() | st.integers(-1, 20), st.none()),
        st.tuples(st.sampled_from(["clear", "checkout"]), st.none(), st.none(), st.none()),
    ),
    max_size=30,
)


@given(CHANGES)
@settings(max_examples=150, deadline=None)
def test_whatever_is_done_the_books_balance(changes: list[tuple[str, Any, Any, Any]]) -> None:
    document: dict[str, Any] = {}
    for step, (kind, sku, quantity, price) in enumerate(changes):
        before = copy.deepcopy(document)
        try:
            if kind == "add":
                add(document, sku=sku, quantity=quantity, price=price, now=NOW + step)
            elif kind == "remove":
                cart.remove(document, sku, quantity)
            elif kind == "clear":
                cart.clear(document)
            else:
                cart.checkout(document, NOW + step)
        except cart.CartError:
            assert document == before
        counted = cart.stats(document)
        assert counted["added"] - counted["removed"] - counted["purchased"] == cart.units(document)
        exact = sum(
            (Decimal(line["price"]) * line["quantity"] for line in document.get("cart", {}).values()), Decimal(0)
        )
        assert Decimal(str(cart.view(document)["total"])) == exact
        assert size(document) <= LIMIT


@pytest.mark.parametrize(
    ("value", "number", "shown"),
    [
        ("999.00", 999, "$999"),
        (25.99, 25.99, "$25.99"),
        (1299, 1299, "$1,299"),
        ("0.1", 0.1, "$0.10"),
        ("1e3", 1000, "$1,000"),
        (" 5 ", 5, "$5"),
        ("9.999", 10, "$10"),
    ],
)
def test_amounts_inside_and_at_the_edge(value: Any, number: float, shown: str) -> None:
    exact = money.amount(value)
    assert money.number(exact) == number
    assert type(money.number(exact)) is type(number)
    assert money.shown(exact) == shown
