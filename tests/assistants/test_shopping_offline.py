"""Whole conversations without a model, through the agent, its tools and the session engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.offline import Ask, ToolCall
from assistants.shopping import ASSISTANT
from assistants.shopping.catalogue import catalogue
from tests.assistants.shopping_conversation import START, Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    yield server
    server.close()


def test_ten_messages_from_hello_to_the_order(shop: Shop) -> None:
    said = shop.hears("Hello!")
    assert "What are you looking for?" in said

    said = shop.hears("My name is Sam and my budget is 500 to 1000")
    assert "Nice to meet you, Sam!" in said
    assert "budget $500 to $1,000" in said

    said = shop.hears("What smartphones do you have?")
    assert "within your budget" in said
    shown = catalogue().known(shop.shown())
    assert len(shown) == 5
    assert all(500 <= product.price <= 1000 for product in shown)
    assert said.index(shown[0].title) < said.index(shown[4].title)

    said = shop.hears("compare the first and the third")
    assert said.startswith("| | **" + shown[0].title)
    assert f"**{shown[2].title}**" in said

    cheaper = min(shown[0], shown[2], key=lambda product: product.price)
    said = shop.hears("add the cheaper one")
    assert f"**{cheaper.title}**" in said
    assert shop.cart() == {cheaper.sku: 1}

    said = shop.hears("I also need a case for it")
    assert "Pixel 8 Case" in said
    said = shop.hears("add two of the first one")
    assert shop.cart()["GGLC8-HZL"] == 2

    said = shop.hears("what's in my cart?")
    assert "Total: **$658.98**" in said

    said = shop.hears("remove one case")
    assert "**$628.99** in total" in said

    said = shop.hears("checkout")
    assert "**$628.99** in total" in said
    assert shop.cart() == {}

    assert "1 × Google Pixel 8 and 1 × Google Pixel 8 Case" in shop.hears("what did I buy?")
    assert shop.hears("what's my name?") == "Your name is Sam."
    assert "Sam" in shop.hears("thanks, bye")


def test_preferences_shape_what_is_recommended_from_then_on(shop: Shop) -> None:
    said = shop.hears("I prefer Apple and Samsung")
    assert "Apple and Samsung preferred" in said
    for question in ("show me laptops", "what about tablets under 500?", "noise cancelling headphones"):
        assert "as you prefer" in shop.hears(question)
        assert catalogue().known(shop.shown())[0].brand in {"Apple", "Samsung"}
    assert "Of these I would take this one: **Apple" in shop.hears("which one should I take?")
    assert "is in your cart" in shop.hears("add it")
    assert "I prefer" not in shop.hears("what are my preferences?")
    assert "nothing from Apple" in shop.hears("Actually, I don't like Apple") or "Apple" not in shop.hears("laptops")
    shop.hears("smartphones")
    assert "Apple" not in {product.brand for product in catalogue().known(shop.shown())}
    assert shop.hears("forget my preferences") == "Forgotten: all your preferences."
    assert shop.document()["preferences"] == {}


def test_one_thing_after_another_is_added(shop: Shop) -> None:
    assert "PlayStation 5 Slim" in shop.hears("Do you have the PS5?")
    shop.hears("add one to my cart")
    shop.hears("and an Xbox Wireless Controller and a DualSense")
    assert list(shop.cart()) == ["DUALSENSE-WHT", "PS5SLIM-1TB", "XBOXCTRL-BLK"]
    shop.hears("I'd also like a 4k tv under 1000 for it")
    assert len(shop.shown()) == 5
    assert "More televisions" in shop.hears("show more")
    assert shop.shown() == ["LGUR78-50"]
    shop.hears("ok add it")
    assert shop.cart()["LGUR78-50"] == 1
    assert "Which one" in shop.hears("take the controller out")
    shop.hears("remove the dualsense")
    assert "DUALSENSE-WHT" not in shop.cart()
    shop.hears("express shipping please")
    assert "express shipping" in shop.hears("place the order")
    assert "$937" in shop.hears("my orders")


def test_a_search_is_narrowed_step_by_step(shop: Shop) -> None:
    shop.hears("I need a new laptop for university, not too expensive")
    assert shop.shown()[0] == "HPCHR14-128"
    shop.hears("under 700 please")
    assert all(p.category == "laptop" and p.price <= 700 for p in catalogue().known(shop.shown()))
    shop.hears("only HP")
    assert shop.shown() == ["HPCHR14-128"]
    assert shop.hears("does it have a touchscreen?").startswith("Not as far as I know. **HP Chromebook 14**")
    shop.hears("and what about Lenovo?")
    assert shop.shown() == ["IDEA3-256"]
    shop.hears("yes please")
    assert shop.cart() == {"IDEA3-256": 1}
    shop.hears("also a mouse under 40")
    assert shop.shown() == ["LOGPEB2-WHT"]
    shop.hears("yes")
    assert "Total: **$428.99**" in shop.hears("how much is that in total?")
    shop.hears("add two more")
    assert shop.cart()["LOGPEB2-WHT"] == 3


def test_names_brands_and_comparisons(shop: Shop) -> None:
    assert "**Apple iPhone 15** | **Samsung Galaxy S24**" in shop.hears("iPhone vs Galaxy")
    shop.hears("add both")
    assert shop.cart() == {"GALS24-256": 1, "IPH15-128": 1}
    said = shop.hears("how much is the macbook air")
    assert said.count("MacBook Air") == 4
    assert "MacBook Air 15 M3" in shop.hears("the 15 inch one").splitlines()[0]
    assert "Samsung Galaxy Tab" in shop.hears("samsnug tabelts")
    assert "I have no smartphones up to $50" in shop.hears("phones under $50")
    assert "**Sony WH-1000XM5** · $349" in shop.hears("tell me about the WH-1000XM5")
    assert shop.hears("is it wireless?").startswith("Yes. ")
    assert "headphones below $349:" in shop.hears("anything cheaper?")
    assert "Which one do you mean?" in shop.hears("add it")
    assert "out of stock" in shop.hears("add a Moto Edge 40")
    assert "only 11" in shop.hears("buy 20 Fenix 7")
    assert shop.cart() == {"GALS24-256": 1, "IPH15-128": 1}


def test_a_cart_filled_from_elsewhere_is_understood(shop: Shop) -> None:
    from assistants.shopping import cart

    shop.hears("hello")
    shop.engine.update(
        "s1",
        lambda document: cart.add(
            document, sku="OWN-1", name="Hand-*knitted* <b>sleeve</b>", price="12.50", category="wool", now=START
        ),
    )
    said = shop.hears("show my cart")
    assert "1 × **Hand-knitted bsleeve/b** · $12.50" in said
    assert "sleeve" in shop.hears("remove the sleeve")
    assert shop.cart() == {}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("hi", "What are you looking for?"),
        ("help", "For example"),
        ("what do you sell?", "Smartphones (28)"),
        ("do you ship to France?", "Costs and dates are not known to me"),
        ("can I return things?", "beyond what I can see"),
        ("any coupons?", "no coupons"),
        ("how do I checkout?", "No payment is taken"),
        ("checkout", "cart is empty"),
        ("remove the phone", "nothing in your cart"),
        ("empty my cart", "was empty already"),
        ("what's in my cart?", "Your cart is empty"),
        ("what did I buy?", "not ordered anything"),
        ("add it", "What shall I put in your cart?"),
        ("add the first one", "What shall I put in your cart?"),
        ("compare", "Which products shall I compare?"),
        ("tell me about the first one", "not sure which product you mean"),
        ("what's my name?", "not told me your name"),
        ("what's my budget?", "don't know your preferences yet"),
        ("never mind", "All right"),
        ("tell me a joke", "not sure how to help"),
        ("42", "not sure how to help"),
        ("🎧🎧🎧", "not sure how to help"),
        ("Wo ist der Bahnhof?", "not sure how to help"),
        ("best camera for a beginner", "My pick for cameras for beginners"),
        ("cheapest phone", "My pick for smartphones: **Nokia G42** at $179"),
        ("compare smartwatches", "| Rating |"),
        ("show me gaming laptops under 800", "HP Victus 15"),
        ("iPhone 15 Pro", "**Apple iPhone 15 Pro** · $999"),
        ("I'm Maria and I'd like a tablet", "Hello Maria!"),
        ("I don't like Apple", "nothing from Apple"),
        ("foldable phones", "Galaxy Z Flip5"),
    ],
)
def test_a_first_message(shop: Shop, message: str, words: str) -> None:
    assert words in shop.hears(message)


def test_a_name_is_remembered_from_the_history_too() -> None:
    history = [("human", "Hi, my name is asha"), ("ai", "Nice to meet you, Asha!")]
    assert ASSISTANT.offline(Ask("what is my name?", history)) == "Your name is Asha."


def test_the_rules_work_without_a_turn() -> None:
    assert ASSISTANT.offline(Ask("phones under 500")) == ToolCall("search_products", {"query": "phones under 500"})
    assert isinstance(ASSISTANT.offline(Ask("add the first one")), str)


def test_a_tool_that_failed_is_told() -> None:
    from agent.offline import ToolResult

    failed = ToolResult("search_products", {}, "search_products failed.")
    assert "try again" in str(ASSISTANT.offline(Ask("phones", results=[failed])))


def test_two_shoppers_do_not_meet(shop: Shop) -> None:
    shop.hears("my name is Ada, I prefer Sony", session="a")
    shop.hears("add a PS5", session="a")
    assert "empty" in shop.hears("what's in my cart?", session="b")
    assert "not told me" in shop.hears("what's my name?", session="b")
    assert shop.cart("a") == {"PS5SLIM-1TB": 1}


def test_the_talk_is_forgotten_after_two_hours_and_the_cart_after_a_day(shop: Shop) -> None:
    shop.hears("add a PS5")
    shop.hears("what's in my cart?", after=7_300)
    assert len(shop.engine.history("s1", 50)) == 1
    assert shop.cart() == {"PS5SLIM-1TB": 1}
    assert "PlayStation" in shop.hears("what's in my cart?", after=86_390)
    assert "empty" in shop.hears("what's in my cart?", after=86_410)


def test_the_newest_fifty_turns_are_kept(shop: Shop) -> None:
    for number in range(55):
        shop.hears(f"phones under {number + 500}")
    kept = shop.engine.history("s1", 100)
    assert len(kept) == 50
    assert kept[0].message == "phones under 505"


@pytest.mark.parametrize(
    ("message", "thing"),
    [
        ("How much is a flight to Rome?", "flight to Rome"),
        ("do you sell bananas?", "bananas"),
        ("I want to buy a pizza", "pizza"),
        ("how much does a Tesla cost", "Tesla"),
    ],
)
def test_what_is_not_in_the_catalogue_is_said_to_be_missing(shop: Shop, message: str, thing: str) -> None:
    assert shop.hears(message).startswith(f"I don't have “{thing}”: this shop sells electronics only")
    assert shop.shown() == []


@pytest.mark.parametrize(
    "message",
    [
        "I need a birthday present for my mother",
        "do you have anything waterproof?",
        "do you have something for travel?",
        "I want to buy headphones for long flights",
        "how much is a galaxy s24?",
    ],
)
def test_what_is_in_the_catalogue_is_not(shop: Shop, message: str) -> None:
    assert "I don't have" not in shop.hears(message)


def test_the_units_of_a_line_are_changed(shop: Shop) -> None:
    shop.hears_all("headphones under 100", "add the cheaper one")
    (sku,) = shop.cart()
    assert "2 items" in shop.hears("actually make it two")
    assert shop.hears("remove one").startswith("I took 1 × **JBL Wave Buds** out, and 1 stays. Your cart: 1 item, ")
    assert shop.cart() == {sku: 1}
    assert shop.hears("make it one") == "There is one in your cart already."
    assert shop.hears("take the laptop out").startswith("That is not in your cart. It holds:")
    assert shop.hears("how much is it all together?").endswith("to take one out.")


def test_a_budget_that_changes_shows_what_fits_it_now(shop: Shop) -> None:
    shop.hears("headphones under 100")
    assert shop.hears("my budget is now 200").startswith("Noted: budget up to $200.\n\nHere are 5 of")
    assert shop.hears("show me again").startswith("Here are 5 of")
    assert shop.hears("forget my budget") == "Forgotten: your budget."


def test_one_thing_asked_of_a_product_is_told_alone(shop: Shop) -> None:
    shop.hears_all("show me phones", "tell me about the first one")
    assert shop.hears("how long does the battery last?").startswith(
        "**Apple iPhone 15 Pro Max**: battery 29 hours of video."
    )
    assert shop.hears("is it waterproof?").startswith("Yes. **Apple iPhone 15 Pro Max** · $1,199")
    assert "I'd rather not guess" in shop.hears("does it come in blue?")
    assert shop.hears("which is the best?").startswith("Of these I would take this one: ")
    assert shop.hears("why?").startswith("None of those that I showed you is rated higher than its ★ 4.8.")


def test_every_question_of_a_message_is_answered(shop: Shop) -> None:
    shop.hears_all("headphones under 100", "add the first one")
    cart, chargers = shop.hears("What is in my cart? And do you have power banks?").split("\n\nHere ")
    assert cart.startswith("In your cart:")
    assert "Power Bank" in chargers or "power bank" in chargers
    assert shop.hears("What did I ask you first?") == "The first message that I can see is: “headphones under 100”"


def test_what_can_be_said_next_is_not_said_twice_in_a_row(shop: Shop) -> None:
    first, second = shop.hears_all("show me phones", "show me laptops")
    assert "Want the details of one" in first
    assert "Want the details of one" not in second


def test_of_several_purposes_one_will_do(shop: Shop) -> None:
    assert shop.hears("a laptop for my daughter, she studies design").startswith(
        "Here are 5 of 6 laptops for students:"
    )
