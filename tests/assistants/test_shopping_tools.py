"""The tools, called as the agent calls them."""

from __future__ import annotations

import threading
from typing import Any

import orjson
import pytest

from agent.assistant import TurnContext
from assistants.shopping import ASSISTANT, cart
from assistants.shopping.catalogue import catalogue
from tests.assistants.shopping_conversation import run_tool

NOW = 1_700_000_000_000


def turn(**attributes: Any) -> TurnContext:
    return TurnContext("shopping", "s1", "", NOW, attributes=attributes)


def call(name: str, context: TurnContext | None = None, **args: Any) -> dict[str, Any]:
    result = orjson.loads(run_tool(name, args, context or turn()))
    assert isinstance(result, dict)
    return result


def test_the_model_is_not_shown_the_running_turn() -> None:
    for tool in ASSISTANT.tools:
        assert tool.description
        assert "runtime" not in tool.args


def test_a_search_tells_what_it_found_and_what_it_understood() -> None:
    context = turn()
    result = call("search_products", context, query="Samsung phones under $500")
    assert result["looked_for"] == "Samsung smartphones up to $500"
    assert result["found"] == 3
    assert [product["n"] for product in result["products"]] == [1, 2, 3]
    assert all(product["price"] <= 500 for product in result["products"])
    assert context.attributes["last_results"] == [product["sku"] for product in result["products"]]
    assert [product["sku"] for product in context.data["products"]] == context.attributes["last_results"]
    assert set(context.data["products"][0]) == {"sku", "name", "brand", "price", "category", "rating", "stock"}
    assert set(context.data["sources"][0]) == {"title", "sku", "snippet"}


@pytest.mark.parametrize(
    ("args", "fits"),
    [
        ({"category": "Phones"}, lambda p: p.category == "smartphone"),
        ({"brand": "sony", "category": "tv"}, lambda p: p.brand == "Sony" and p.category == "television"),
        ({"max_price": 20}, lambda p: p.price <= 20),
        ({"min_price": 2000.0}, lambda p: p.price >= 2000),
        ({"category": "laptop", "min_price": 500, "max_price": 549.0}, lambda p: 500 <= p.price <= 549),
    ],
)
def test_filters_hold_without_any_words(args: dict[str, Any], fits: Any) -> None:
    products = catalogue().known(product["sku"] for product in call("search_products", query="", **args)["products"])
    assert products
    assert all(fits(product) for product in products)


def test_the_next_page_goes_on() -> None:
    first = call("search_products", query="laptops")["products"]
    second = call("search_products", query="laptops", page=2)
    assert second["first"] == 6
    assert not {product["sku"] for product in first} & {product["sku"] for product in second["products"]}
    assert call("search_products", query="laptops", page=99)["products"] == []
    assert call("search_products", query="laptops", page=-5)["products"] == first


@pytest.mark.parametrize("price", [-1, 10**9, float("nan"), float("inf")])
def test_a_price_beyond_reason_is_told(price: float) -> None:
    assert "0 to 1,000,000" in call("search_products", query="phones", max_price=price)["error"]


def test_a_brand_that_the_shop_has_not_is_told_as_missed() -> None:
    result = call("search_products", query="phones", brand="Zorglub Industries")
    assert result["missed"] == ["brand"]
    assert result["products"]


def test_products_are_compared() -> None:
    context = turn()
    result = call("compare_products", context, skus=["GALS24-256", "PIX8-128", "NO-SUCH"])
    assert [product["sku"] for product in result["products"]] == ["GALS24-256", "PIX8-128"]
    assert (result["cheapest"], result["best_rated"]) == ("PIX8-128", "GALS24-256")
    assert context.attributes["focus"] == ["GALS24-256", "PIX8-128"]
    assert "error" in call("compare_products", skus=["GALS24-256"])
    assert "error" in call("compare_products", skus=[])


def test_details_and_names_instead_of_skus() -> None:
    assert call("product_details", sku="iph15pro-256")["specs"]["storage"] == "256 GB"
    assert call("product_details", sku="Galaxy S24 Ultra")["sku"] == "GALS24U-256"
    assert "no product 'iPhone 99'" in call("product_details", sku="iPhone 99")["error"]


def test_the_cart_is_filled_and_emptied() -> None:
    context = turn()
    added = call("add_to_cart", context, sku="IPH15PRO-256", quantity=2)
    assert added["cart"]["total"] == 1998
    assert context.attributes["cart"]["IPH15PRO-256"]["price"] == "999.00"
    assert context.attributes["focus"] == ["IPH15PRO-256"]
    call("add_to_cart", context, sku="SPG15-BLK")
    assert call("view_cart", context)["cart"]["count"] == 2
    assert call("remove_from_cart", context, sku="IPH15PRO-256", quantity=1)["cart"]["total"] == 1028.99
    assert "not in the cart" in call("remove_from_cart", context, sku="PIX8-128")["error"]
    bought = call("checkout", context)
    assert bought["purchase"]["total"] == 1028.99
    assert bought["cart"]["items"] == []
    assert call("view_cart", context)["purchases"][0]["units"] == 2
    assert "nothing to check out" in call("checkout", context)["error"]
    call("add_to_cart", context, sku="SPG15-BLK")
    assert call("clear_cart", context)["removed_units"] == 1


def test_several_go_in_at_once_and_what_can_not_is_told() -> None:
    context = turn()
    items = [{"sku": "PIX8-128"}, {"sku": "MOTOEDGE40-256"}, {"sku": "NO"}, {"sku": "GALS24-256", "quantity": 2}]
    result = call("add_several_to_cart", context, items=items)
    assert [entry["sku"] for entry in result["added"]] == ["PIX8-128", "GALS24-256"]
    assert "out of stock" in result["refused"][0]
    assert "no product 'NO'" in result["refused"][1]
    assert [item["sku"] for item in result["cart"]["items"]] == ["PIX8-128", "GALS24-256"]


@pytest.mark.parametrize(("quantity", "says"), [(12, "only 11"), (0, "1 to 999"), (-3, "1 to 999")])
def test_only_what_is_in_stock_can_be_added(quantity: int, says: str) -> None:
    context = turn()
    assert says in call("add_to_cart", context, sku="GARF7-47", quantity=quantity)["error"]
    assert context.attributes.get("cart", {}) == {}


def test_stock_counts_what_is_in_the_cart() -> None:
    context = turn()
    call("add_to_cart", context, sku="GARF7-47", quantity=10)
    assert "10 of them in your cart already" in call("add_to_cart", context, sku="GARF7-47", quantity=2)["error"]


def test_a_full_cart_is_told_and_does_not_end_the_turn() -> None:
    document: dict[str, Any] = {}
    for number in range(100):
        cart.add(document, sku=f"S{number}", name="Thing", price=1, category="thing", now=NOW)
    context = turn(**document)
    assert "full with 100 lines" in call("add_to_cart", context, sku="PIX8-128")["error"]


def test_a_change_holds_on_a_cart_that_was_changed_meanwhile() -> None:
    context = turn()
    call("add_to_cart", context, sku="PIX8-128")
    call("checkout", context)
    newer: dict[str, Any] = {}
    for number in range(100):
        cart.add(newer, sku=f"S{number}", name="Thing", price=1, category="thing", now=NOW)
    for change in context.changes:
        change(newer)
    assert newer["cart"] == {}


def test_preferences_are_set_and_cleared() -> None:
    context = turn()
    call("set_preferences", context, budget_range="500-1000", preferred_brands=["Apple"])
    assert context.attributes["preferences"] == {"budget_range": "500-1000", "preferred_brands": ["Apple"]}
    call("set_preferences", context, budget_range="", device_type="tablet")
    assert context.attributes["preferences"] == {"preferred_brands": ["Apple"], "device_type": "tablet"}
    assert "budget_range must be" in call("set_preferences", context, budget_range="lots")["error"]


def test_tools_that_are_called_at_once_lose_nothing() -> None:
    context = turn()
    skus = [product.sku for product in catalogue().products if product.stock][:40]
    start = threading.Barrier(8)

    def fill(mine: list[str]) -> None:
        start.wait()
        for sku in mine:
            call("add_to_cart", context, sku=sku)

    threads = [threading.Thread(target=fill, args=(skus[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(context.attributes["cart"]) == set(skus)
    assert context.attributes["cart_stats"]["added"] == 40
