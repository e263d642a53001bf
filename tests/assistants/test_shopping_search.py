"""What a message asks of the catalogue, and what is found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from assistants.shopping.catalogue import Product, catalogue
from assistants.shopping.naming import compares, named
from assistants.shopping.preferences import of
from assistants.shopping.prices import price_range
from assistants.shopping.query import feature_label
from assistants.shopping.search import PAGE, has, search
from assistants.shopping.typos import Speller, distance
from assistants.shopping.understanding import understand
from assistants.shopping.vocabulary import category_of
from assistants.shopping.words import normal


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("smartphones under $500", None, 500),
        ("anything below 99.99 please", None, "99.99"),
        ("phones up to 1,200 dollars", None, 1200),
        ("less than 1000.", None, 1000),
        ("between 300 and 600", 300, 600),
        ("between $1,200 and $900", 900, 1200),
        ("from 300 to 600 dollars", 300, 600),
        ("300-600", 300, 600),
        ("$500–$1,000", 500, 1000),
        ("at least 500", 500, None),
        ("over 1k", 1000, None),
        ("500+", 500, None),
        ("around 800", 640, 960),
        ("a 700 dollar laptop", None, 700),
        ("I have $2.5k", None, 2500),
        ("over 200 but under 400", 200, 400),
        ("under 50000000", None, None),
        # Numbers that are no money.
        ("laptop with at least 16 GB", None, None),
        ("tv over 65 inch", None, None),
        ("iphone 14 to 15", None, None),
        ("a 2-in-1", None, None),
        ("WH-1000XM5", None, None),
        ("add 2 of it", None, None),
        ("from apple", None, None),
    ],
)
def test_amounts_of_money(text: str, least: Any, most: Any) -> None:
    found = price_range(normal(text))
    assert found.least == (None if least is None else Decimal(least))
    assert found.most == (None if most is None else Decimal(most))


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("What smartphones do you have?", {"category": "smartphone"}),
        ("phones", {"category": "smartphone"}),
        ("a mobile", {"category": "smartphone"}),
        ("notebooks", {"category": "laptop"}),
        ("smart watches", {"category": "smartwatch"}),
        ("a TV", {"category": "television"}),
        ("laptop charger", {"category": "charger"}),
        ("gaming laptop", {"category": "laptop", "features": ["gaming"]}),
        ("a phone with a good camera", {"category": "smartphone"}),
        ("iPhone 15 Pro case", {"name_words": ["iphone", "case", "15", "pro"]}),
        ("samsnug phnes", {"category": "smartphone", "brands": ["Samsung"]}),
        ("noise canceling hedphones", {"category": "headphones", "features": ["noise cancelling"]}),
        ("Apple or Samsung tablets", {"category": "tablet", "brands": ["Apple", "Samsung"]}),
        ("tablets, but not Apple or Samsung", {"category": "tablet", "not_brands": ["Apple", "Samsung"]}),
        ("iPhones below 700", {"category": "smartphone", "name_words": ["iphone"], "max_price": 700}),
        ("cheap phones", {"category": "smartphone", "order": "cheapest"}),
        ("a laptop, not too expensive", {"category": "laptop", "order": "cheapest"}),
        ("the most expensive camera", {"category": "camera", "order": "dearest"}),
        ("best 65-inch OLED TV", {"category": "television", "features": ["65inch", "oled"], "order": "best"}),
        ("galaxy watch", {"category": "smartwatch", "name_words": ["galaxy"]}),
        ("nothing phone", {"category": "smartphone", "brands": ["Nothing"]}),
        ("how do I apply for a job?", {}),
        ("nothing else", {}),
    ],
)
def test_a_message_is_understood(text: str, understood: dict[str, Any]) -> None:
    assert understand(text).as_json() == understood


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("samsung phones under 500 with 5G", "Samsung smartphones up to $500 with 5G"),
        ("laptops for students between 300 and 600", "laptops from $300 to $600 for students"),
        ("16 gb laptops over 1000", "laptops from $1,000 with 16 GB"),
        ("macbook air", "“MacBook Air” laptops"),
    ],
)
def test_a_query_is_told_to_people(text: str, described: str) -> None:
    assert understand(text).described() == described


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("smartphones under $500", lambda p: p.category == "smartphone" and p.price <= 500),
        ("laptops between 300 and 600", lambda p: p.category == "laptop" and 300 <= p.price <= 600),
        ("noise cancelling headphones", lambda p: p.category == "headphones" and has(p, "noise cancelling")),
        ("OLED TVs", lambda p: p.category == "television" and "OLED" in p.specs["panel"]),
        ("laptops with 32 GB", lambda p: p.specs["memory"] == "32 GB"),
        ("13 inch laptop", lambda p: p.specs["display"].startswith("13")),
        ("Sony headphones", lambda p: p.brand == "Sony" and p.category == "headphones"),
        ("phone cases", lambda p: "case" in p.tags),
        ("case for iphone 15 pro", lambda p: "iPhone 15 Pro" in p.name and "Case" in p.name),
        ("tablets, but not Apple", lambda p: p.category == "tablet" and p.brand != "Apple"),
        ("mechanical keyboard", lambda p: "mechanical" in p.tags),
        ("robot vacuum", lambda p: {"robot", "vacuum"} <= set(p.tags)),
        ("something for running", lambda p: "running" in p.tags),
        ("ps5", lambda p: "ps5" in p.tags or "PlayStation 5" in p.name),
        ("a stylus", lambda p: p.sku == "APPEN2-WHT"),
    ],
)
def test_what_is_found_fits(text: str, fits: Any) -> None:
    found = search(text)
    assert found.products
    assert found.missed == ()
    assert [product.title for product in found.products if not fits(product)] == []


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("cheapest smartphone", "NOKG42-128"),
        ("most expensive laptop", "MBP16M3P-512"),
        ("best television", "LGC3-55"),
        ("iphone 15 pro", "IPH15PRO-256"),
        ("stylus for my tablet", "APPEN2-WHT"),
        ("e-reader", "KINDLEPW-16"),
        ("drone", "DJIMINI4-STD"),
    ],
)
def test_the_best_match_comes_first(text: str, first: str) -> None:
    assert search(text).products[0].sku == first


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("smartphones under $50", "price"),
        ("iPhone 13", "model"),
        ("Bose laptops", "brand"),
        ("foldable laptops", "features"),
    ],
)
def test_where_nothing_meets_it_all_the_closest_is_offered(text: str, missed: str) -> None:
    found = search(text)
    assert found.missed == (missed,)
    assert found.products


def test_the_closest_in_price_comes_first() -> None:
    assert search("smartphones under $50").products[0].sku == "NOKG42-128"


@pytest.mark.parametrize("text", ["", "?", "tell me a joke", "what's up", "🎧", "sjdkfhskdjfh"])
def test_what_says_nothing_of_products_finds_nothing(text: str) -> None:
    assert search(text).products == ()


def test_pages_follow_each_other_without_gap() -> None:
    whole = search("smartphones").total
    pages = [search("smartphones", page=page).products for page in range(1, whole // PAGE + 2)]
    skus = [product.sku for page in pages for product in page]
    assert len(skus) == len(set(skus)) == whole
    assert search("smartphones", page=40).products == ()


def test_a_budget_and_brands_shape_what_is_open() -> None:
    liked = of({"preferences": {"budget_range": "500-1000", "preferred_brands": ["google"]}})
    found = search("smartphones", liked)
    assert found.by_budget
    assert all(500 <= product.price <= 1000 for product in found.products)
    assert found.products[0].brand == "Google"
    assert found.favourites == ("google",)


def test_a_message_outweighs_the_preferences() -> None:
    liked = of({"preferences": {"budget_range": "500-1000", "preferred_brands": ["Google"], "device_type": "tablets"}})
    found = search("Samsung phones under 300", liked)
    assert not found.by_budget
    assert [product.sku for product in found.products] == ["GALA15-128"]


def test_who_has_a_thousand_for_a_phone_still_wants_a_case_for_thirty() -> None:
    found = search("phone cases", of({"preferences": {"budget_range": "500-1000"}}))
    assert found.products
    assert found.missed == ()


def test_a_device_type_is_what_is_meant_where_nothing_is_said() -> None:
    found = search("something with OLED", of({"preferences": {"device_type": "Televisions"}}))
    assert {product.category for product in found.products} == {"television"}


def test_brands_turned_down_stay_away_until_they_are_named() -> None:
    liked = of({"avoided": ["Apple"]})
    assert not any(product.brand == "Apple" for product in search("smartphones", liked).products)
    assert search("iphone 15 by Apple", liked).products[0].brand == "Apple"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("compare the Galaxy S24 and the Pixel 8", ["Samsung Galaxy S24", "Google Pixel 8"]),
        ("iPhone vs Galaxy", ["Apple iPhone 15", "Samsung Galaxy S24"]),
        ("S24 Ultra or the S23 FE?", ["Samsung Galaxy S24 Ultra", "Samsung Galaxy S23 FE"]),
        ("difference between airpods pro and sony WH-1000XM5", ["Apple AirPods Pro 2", "Sony WH-1000XM5"]),
        ("Galaxy S24+ and Galaxy S24", ["Samsung Galaxy S24+", "Samsung Galaxy S24"]),
        ("ipad air, ipad mini and galaxy tab s9", ["Apple iPad Air 11 M2", "Apple iPad mini", "Samsung Galaxy Tab S9"]),
        ("iphone15 pro", ["Apple iPhone 15 Pro"]),
        ("add IPH15PRO-256", ["Apple iPhone 15 Pro"]),
        ("an iphone 15 pro clear case", ["Apple iPhone 15 Pro Clear Case"]),
        ("3 kindle paperwhites", ["Amazon Kindle Paperwhite"]),
        ("the JBL Flip 6", ["JBL Flip 6"]),
        ("I want a Samsung phone", []),
        ("a gaming laptop with OLED", []),
        ("move it to my cart", []),
    ],
)
def test_products_are_known_by_name(text: str, titles: list[str]) -> None:
    assert [one.product.title for one in named(text)] == titles


def test_every_product_is_known_by_its_title_and_its_sku() -> None:
    def told(product: Product, text: str) -> bool:
        return [one.product.sku for one in named(text)][:1] == [product.sku]

    assert [p.title for p in catalogue().products if not told(p, f"add {p.sku.lower()} please")] == []
    # Titles that hold another product's name, or an everyday word, may be taken for that.
    missed = [p.title for p in catalogue().products if not told(p, p.title)]
    assert len(missed) <= 8, missed


def test_one_of_several_is_meant_when_it_was_spoken_of() -> None:
    assert not named("the pixel")[0].exact
    spoken = named("the pixel", near=["GALS24-256", "PIX8A-128"])
    assert (spoken[0].product.sku, spoken[0].exact) == ("PIX8A-128", True)


def test_a_full_name_is_never_taken_for_what_was_spoken_of() -> None:
    assert named("iPhone 15 Pro", near=["IPH15PM-256"])[0].product.sku == "IPH15PRO-256"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("compare them", True),
        ("iPhone vs. Galaxy", True),
        ("what's the difference?", True),
        ("iPhone or Pixel?", False),
        ("which is better, this or that?", True),
        ("show me phones", False),
    ],
)
def test_a_comparison_is_told_from_a_search(text: str, wanted: bool) -> None:
    assert compares(text) is wanted


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        ("Phones", "smartphone"),
        ("smart home", "smart-home"),
        ("TVs", "television"),
        ("accessories", "accessory"),
        ("gaming laptops", "laptop"),
        ("boats", None),
        ("", None),
        (None, None),
    ],
)
def test_categories_have_many_names(said: str | None, slug: str | None) -> None:
    assert category_of(said) == slug


def test_typos_are_put_right_and_words_left_alone() -> None:
    speller = Speller({"samsung", "headphones", "laptop", "apple", "case"})
    assert [speller.correct(word) for word in ("samsnug", "hedphones", "laptp", "headfones")] == [
        "samsung",
        "headphones",
        "laptop",
        "headphones",
    ]
    unharmed = ["apply", "cape", "lapdog123", "table", "x" * 5000, "sam", "wamsung"]
    assert [speller.correct(word) for word in unharmed] == unharmed


@pytest.mark.parametrize(
    ("one", "other", "slips"), [("", "", 0), ("abc", "acb", 1), ("abc", "abd", 1), ("abc", "ab", 1), ("abc", "xyz", 3)]
)
def test_slips_between_two_words(one: str, other: str, slips: int) -> None:
    assert distance(one, other) == slips


def test_features_are_told_as_their_makers_write_them() -> None:
    assert [feature_label(f) for f in ("5g", "16gb", "120hz", "6.1inch", "usb c", "foldable")] == [
        "5G",
        "16 GB",
        "120 Hz",
        "6.1 inch",
        "USB-C",
        "foldable",
    ]
