"""The assistant without a model: plain rules that go through the same tools.

A message is looked at by one rule after the other; the first that knows what to do answers, with text or with tool
calls. When the tools have answered, ``_told`` puts their results into words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import orjson

from agent.offline import Answer, Ask, ToolCall, ToolResult
from assistants.shopping import cart, intents, money, preferences, references, replies, smalltalk
from assistants.shopping.catalogue import Product, catalogue
from assistants.shopping.lines import line_meant
from assistants.shopping.naming import Named, compares, named
from assistants.shopping.quantities import counted
from assistants.shopping.query import Query, narrowed, understand
from assistants.shopping.search import has, scores, search
from assistants.shopping.tools import MOST_AT_ONCE
from assistants.shopping.words import listed, normal, words

_FOR_IT: Final = re.compile(r"\bfor (?:it|that|this|that one|this one|them)\b")
_GOOD_SCORE: Final = 3.0
"""A BM25 score from which on loose words are taken for a search."""


@dataclass(frozen=True)
class Talk:
    """The message with all that a rule may want to know of it; each is worked out when first asked for."""

    ask: Ask

    @cached_property
    def document(self) -> Mapping[str, Any]:
        return self.ask.turn.attributes if self.ask.turn else {}

    @cached_property
    def text(self) -> str:
        return normal(self.ask.message)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return words(self.text)

    @cached_property
    def query(self) -> Query:
        return understand(self.ask.message)

    @cached_property
    def firm(self) -> list[str] | None:
        """What is pointed at by place, rank or a mark."""
        return references.resolve(self.ask.message, self.document, pronouns=False)

    @cached_property
    def pointed(self) -> list[str] | None:
        """What is pointed at in any way; ``it`` counts only where the message names no kind of product."""
        if self.firm is not None or self.query.category or self.query.must:
            return self.firm
        return references.resolve(self.ask.message, self.document)

    @cached_property
    def named(self) -> list[Named]:
        near = [*references.last_results(self.document), *self.document.get("cart", {})]
        return named(self.ask.message, near)

    @cached_property
    def shown(self) -> list[Product]:
        return catalogue().known(references.last_results(self.document))

    @cached_property
    def said(self) -> dict[str, Any]:
        """The preferences that the message states."""
        return preferences.said(self.ask.message, self.document.get("preferences", {}))

    @cached_property
    def name(self) -> str | None:
        return smalltalk.known_name(self.document, self.ask.history)


def reply(ask: Ask) -> Answer:
    """The rules of the shopping assistant."""
    talk = Talk(ask)
    if ask.results:
        return _told(talk)
    for rule in _RULES:
        answer = rule(talk)
        if answer is not None:
            return answer
    return _at_a_loss(talk)


# --- the cart -------------------------------------------------------------------------------------------------------


def _purchases(talk: Talk) -> Answer | None:
    return ToolCall("view_cart") if intents.purchases(talk.text) else None


def _checkout(talk: Talk) -> Answer | None:
    if intents.checkout_question(talk.text):
        return (
            "Put what you like in the cart, then say “checkout”: I place the order and your cart is empty again. "
            "No payment is taken here."
        )
    if not intents.checkout(talk.text):
        return None
    if not talk.document.get("cart"):
        return "Your cart is empty, so there is nothing to order yet. What are you looking for?"
    return ToolCall("checkout")


def _forget(talk: Talk) -> Answer | None:
    cleared = intents.forgets(talk.text)
    return ToolCall("set_preferences", cleared) if cleared else None


def _clear(talk: Talk) -> Answer | None:
    return ToolCall("clear_cart") if intents.clear(talk.text) else None


def _remove(talk: Talk) -> Answer | None:
    if not intents.remove(talk.text):
        return None
    if not talk.document.get("cart"):
        return "There is nothing in your cart to take out."
    sku = line_meant(talk.text, talk.document)
    if sku is None:
        names = [line["name"] for _, line in cart.in_order(talk.document)[:8]]
        listed = "\n".join(f"{n}. {replies.plain(name)}" for n, name in enumerate(names, 1))
        return f"Which one shall I take out of your cart?\n\n{listed}"
    units, _ = counted(talk.text)
    return ToolCall("remove_from_cart", {"sku": sku} if units is None else {"sku": sku, "quantity": units})


def _add(talk: Talk) -> Answer | None:
    if not intents.add(talk.text) and not _adds_on(talk):
        return None
    units = counted(talk.text)[0]
    if talk.firm:
        return _adding([(sku, units) for sku in talk.firm])
    certain = [one for one in talk.named if one.exact]
    if certain and len(certain) == len(talk.named):
        return _adding([(one.product.sku, one.units) for one in certain])
    if talk.firm is None and (talk.named or talk.query.structured):
        return _search(talk)
    pointed = talk.pointed
    if pointed is None and _only_adds(talk.words):
        pointed = references.focus(talk.document)[:1] or None
    if pointed:
        return _adding([(sku, units) for sku in pointed])
    if talk.shown:
        return replies.choose(talk.shown)
    return "What shall I put in your cart? Tell me a product, or what you need, and I'll find it."


def _adding(wanted: Sequence[tuple[str, int | None]]) -> Answer:
    items = [{"sku": sku, "quantity": units or 1} for sku, units in wanted[:MOST_AT_ONCE]]
    return ToolCall("add_to_cart", items[0]) if len(items) == 1 else ToolCall("add_several_to_cart", {"items": items})


def _yes(talk: Talk) -> Answer | None:
    """``Yes, please`` to an offer to add something."""
    offered = next((text for role, text in reversed(talk.ask.history) if role == "ai" and text), "")
    if not smalltalk.is_yes(talk.text) or not offered.endswith(replies.OFFER):
        return None
    titles = {product.title: product.sku for product in talk.shown}
    named_last = [titles[title] for title in re.findall(r"\*\*([^*]{1,80})\*\*", offered) if title in titles][-1:]
    singled = references.focus(talk.document)
    skus = singled if len(singled) == 1 else named_last
    return _adding([(skus[0], None)]) if skus else None


def _adds_on(talk: Talk) -> bool:
    """``And a DualSense`` after something was added."""
    before = next((text for role, text in reversed(talk.ask.history) if role == "human"), "")
    return talk.text.startswith(("and ", "also ", "plus ")) and bool(talk.named) and intents.add(normal(before))


def _only_adds(said: Sequence[str]) -> bool:
    """``Add one more``, ``buy two``: nothing but the doing."""
    rest = {
        "add",
        "buy",
        "put",
        "to",
        "my",
        "the",
        "cart",
        "basket",
        "please",
        "one",
        "two",
        "three",
        "more",
        "another",
    }
    return all(word in rest or word.isdecimal() for word in said)


def _view_cart(talk: Talk) -> Answer | None:
    return ToolCall("view_cart") if intents.view_cart(talk.text) else None


# --- talk -----------------------------------------------------------------------------------------------------------


def _small(talk: Talk) -> Answer | None:
    """Hello, thanks, a name, help: where nothing is asked of the catalogue besides."""
    if smalltalk.asks_name(talk.text):
        return (
            f"Your name is {talk.name}." if talk.name else "You have not told me your name yet. What shall I call you?"
        )
    if talk.query.structured or talk.said or intents.store(talk.text):
        return None
    given = smalltalk.said_name(talk.ask.message)
    if given:
        return f"Nice to meet you, {given}! What are you looking for today?"
    called = f", {talk.name}" if talk.name else ""
    if smalltalk.is_greeting(talk.text):
        back = " Your cart is where you left it." if talk.document.get("cart") else ""
        return (
            f"Hello{called}!{back} I can find and compare phones, laptops, headphones and more, and keep your cart. "
            "What are you looking for?"
        )
    if smalltalk.is_never_mind(talk.text):
        return "All right. What else can I find for you?"
    if smalltalk.is_thanks(talk.text):
        return f"You're welcome{called}! Anything else I can find for you?"
    if smalltalk.is_bye(talk.text):
        kept = " Your cart stays for a day." if talk.document.get("cart") else ""
        return f"Thank you for coming by{called}!{kept} Goodbye."
    if smalltalk.is_help(talk.text):
        return (
            "I help you shop for electronics. For example:\n\n"
            "- “smartphones under $500”, “noise cancelling headphones from Sony”\n"
            "- “compare the Galaxy S24 and the Pixel 8”\n"
            "- “add the first one”, “what's in my cart?”, “checkout”\n"
            "- “my budget is 500 to 1000”, “I prefer Apple and Samsung”"
        )
    return None


def _preferences(talk: Talk) -> Answer | None:
    """Preferences asked for, or told without anything else."""
    stored = talk.document.get("preferences", {})
    if intents.preferences_question(talk.text) and not talk.said:
        described = preferences.described(stored)
        called = f"You are {talk.name}. " if talk.name else ""
        if not described:
            return f"{called}I don't know your preferences yet. Tell me a budget or brands you like; I'll keep to them."
        return f"{called}This is what I keep in mind: {described}."
    if (
        not talk.said
        or (talk.query.category and "device_type" not in talk.said)
        or talk.query.must
        or talk.query.features
    ):
        return None
    going_on = talk.document.get("search", {}).get("category")
    wanted = preferences.of(talk.document).category or going_on
    if wanted and set(talk.said) != {"shipping_preference"}:
        return ToolCall("search_products", {"query": "", "category": wanted})
    given = smalltalk.said_name(talk.ask.message)
    told = (f"Nice to meet you, {given}! " if given else "") + replies.noted(stored or talk.said)
    return f"{told} I'll keep to that. What are you looking for?"


def _information(talk: Talk) -> Answer | None:
    return None if talk.query.category or talk.query.must else smalltalk.information(talk.text)


def _store(talk: Talk) -> Answer | None:
    loose = not (talk.query.structured or talk.query.terms)
    return replies.store() if loose and intents.store(talk.text) else None


# --- products -------------------------------------------------------------------------------------------------------


def _compare(talk: Talk) -> Answer | None:
    if not compares(talk.ask.message):
        return None
    pool = [one.product.sku for one in talk.named]
    pointed = talk.firm or (references.resolve(talk.ask.message, talk.document) if len(pool) < 2 else None) or []
    skus = list(dict.fromkeys([*pointed, *pool]))
    if len(skus) < 2 and not talk.query.category:
        known = [*references.focus(talk.document), *references.last_results(talk.document)]
        skus = list(dict.fromkeys([*skus, *known]))[: max(2, len(skus))]
    if len(skus) >= 2:
        return ToolCall("compare_products", {"skus": skus[:4]})
    if talk.query.category:
        best = search(talk.query, preferences.of(talk.document)).products[:3]
        return ToolCall("compare_products", {"skus": [product.sku for product in best]}) if len(best) > 1 else None
    return "Which products shall I compare? For example “compare the Galaxy S24 and the Pixel 8”."


def _advice(talk: Talk) -> Answer | None:
    """``Which one should I take?`` and ``which has the best battery?`` after a list."""
    asks_which = talk.text.startswith("which ") and talk.firm is None
    if not (intents.advice(talk.text) or asks_which) or talk.query.structured:
        return None
    singled = catalogue().known(references.focus(talk.document))
    pool = [product for product in (singled if len(singled) > 1 else talk.shown) if product.stock]
    if not pool:
        return None
    if not intents.advice(talk.text) and len(pool) > 1:
        return ToolCall("compare_products", {"skus": [product.sku for product in pool[:4]]})
    liked = preferences.of(talk.document).brands
    chosen = max(pool, key=lambda product: (product.brand in liked, product.rating, -product.price))
    return ToolCall("product_details", {"sku": chosen.sku})


def _relative(talk: Talk) -> Answer | None:
    """``Anything cheaper?`` and ``something better?`` after a list or a product."""
    cheaper, better = intents.cheaper(talk.text), intents.better(talk.text)
    singled = catalogue().known(references.focus(talk.document))
    pool = singled if len(singled) == 1 else talk.shown
    if not (cheaper or better) or not pool or talk.query.priced:
        return None
    category = talk.query.category or pool[0].category
    cent = Decimal("0.01")
    low, high = min(product.price for product in pool), max(product.price for product in pool)
    bound = {"max_price": float(low - cent)} if cheaper else {"min_price": float(high + cent)}
    brand = talk.query.brands[0] if talk.query.brands else None
    limited = replace(understand(""), category=category, brands=(brand,) if brand else ())
    fitting = search(replace(limited, most=low - cent) if cheaper else replace(limited, least=high + cent))
    if fitting.missed or not fitting.products:
        kind = limited.kind
        return f"That is as {'low' if cheaper else 'high'} as our {kind} go: {money.shown(low if cheaper else high)}."
    order = "cheaper" if cheaper else "best"
    return ToolCall(
        "search_products", {"query": order, "category": category, **bound} | ({"brand": brand} if brand else {})
    )


def _more(talk: Talk) -> Answer | None:
    last = talk.document.get("search")
    if not last or not intents.more(talk.text):
        return None
    query = talk.query
    same = query.category is not None and query.category in (last.get("category"), understand(last["query"]).category)
    if query.structured and not (same and query.described() == query.kind):
        return None
    return ToolCall("search_products", {**last, "page": last.get("page", 1) + 1})


def _details(talk: Talk) -> Answer | None:
    if talk.pointed is not None and (intents.detail(talk.text) or talk.firm is not None or not talk.query.structured):
        if len(talk.pointed) == 1:
            return ToolCall("product_details", {"sku": talk.pointed[0]})
        if 2 <= len(talk.pointed) <= 4:
            return ToolCall("compare_products", {"skus": talk.pointed})
        if talk.shown:
            return replies.choose(talk.shown)
        return (
            "I'm not sure which product you mean. Tell me its name, or what you are looking for." if talk.firm else None
        )
    exact = [one for one in talk.named if one.exact]
    if len(exact) == 1 and len(talk.named) == 1 and not talk.query.priced and not talk.query.features:
        return ToolCall("product_details", {"sku": exact[0].product.sku})
    if len(exact) > 1:
        return ToolCall("compare_products", {"skus": [one.product.sku for one in exact]})
    return None


def _look(talk: Talk) -> Answer | None:
    query = talk.query
    if query.structured:
        return _search(talk)
    if not query.terms:
        asks_for_any = query.order != "relevance" or intents.advice(talk.text)
        wanted = preferences.of(talk.document).category
        return _search(talk) if asks_for_any and (wanted or talk.document.get("search")) else None
    best = max(scores(query.terms).values(), default=0.0)
    return _search(talk) if best >= _GOOD_SCORE and (intents.wishes(talk.text) or len(talk.words) <= 3) else None


def _search(talk: Talk) -> ToolCall:
    """A search for the message; where it goes on from the last one, in the same category."""
    arguments: dict[str, Any] = {"query": talk.ask.message[:500]}
    query = talk.query
    singled = catalogue().known(references.focus(talk.document))
    if query.must and len(singled) == 1 and _FOR_IT.search(talk.text):
        # "a case for it": for what was spoken of.
        return ToolCall("search_products", {"query": f"{talk.ask.message[:400]} {singled[0].name}"})
    return ToolCall("search_products", arguments | _carried_on(talk))


def _carried_on(talk: Talk) -> dict[str, Any]:
    """What a message that narrows the last search (``only HP``, ``under 700``) takes over from it."""
    last, query = talk.document.get("search") or {}, talk.query
    if not last or query.category or query.must or query.models or not intents.goes_on(talk.text, len(talk.words)):
        return {}
    before = narrowed(
        understand(last["query"]),
        category=last.get("category"),
        brand=last.get("brand"),
        least=_amount(last.get("min_price")),
        most=_amount(last.get("max_price")),
    )
    kept = [feature for feature in before.features if feature not in query.features]
    prices = query if query.priced else before
    brands = query.brands or before.brands[:1]
    whole = replace(
        query,
        category=before.category,
        must=before.must,
        brands=brands,
        least=prices.least,
        most=prices.most,
        features=(*query.features, *kept),
    )
    if before.category and search(whole).missed:
        # All of it together is too much: the kind of product is what matters.
        loose = search(replace(query, category=before.category))
        return {} if "brand" in loose.missed else {"category": before.category}
    words_ = " ".join([talk.ask.message[:300], *before.must, *kept])
    more = {
        "query": words_,
        "category": before.category,
        "brand": brands[0] if len(brands) == 1 else None,
        "min_price": None if prices.least is None else float(prices.least),
        "max_price": None if prices.most is None else float(prices.most),
    }
    return {name: value for name, value in more.items() if value is not None}


def _amount(value: float | None) -> Decimal | None:
    return None if value is None else money.amount(value)


def _left_out(talk: Talk) -> Answer | None:
    """``Not Apple`` without anything else: the last search again without it."""
    query = talk.query
    if not query.without or query.structured:
        return None
    category = talk.document.get("search", {}).get("category")
    if category:
        return ToolCall("search_products", {"query": talk.ask.message[:300], "category": category})
    return f"All right, nothing from {listed(query.without)}. What are you looking for?"


def _at_a_loss(talk: Talk) -> str:
    if talk.shown:
        return (
            "I'm not sure how to help with that. You can point at one (“the second one”), ask for “something cheaper”, "
            "or tell me what else you need."
        )
    return (
        "I'm not sure how to help with that. I know our phones, laptops, headphones, cameras and more: tell me what "
        "you need and what you would like to spend, for example “a laptop for a student under $600”."
    )


_RULES: Final[tuple[Callable[[Talk], Answer | None], ...]] = (
    _yes,
    _purchases,
    _checkout,
    _forget,
    _clear,
    _remove,
    _compare,
    _add,
    _view_cart,
    _small,
    _preferences,
    _advice,
    _relative,
    _more,
    _details,
    _information,
    _store,
    _left_out,
    _look,
)


# --- results --------------------------------------------------------------------------------------------------------


def _told(talk: Talk) -> str:
    """The results of the tools in words."""
    result = talk.ask.results[-1]
    read = _read(result)
    if "error" in read:
        return str(read["error"])
    match result.name:
        case "search_products":
            prefix = ""
            if talk.said:
                prefix = replies.noted(talk.document.get("preferences") or talk.said) + "\n\n"
            elif given := smalltalk.said_name(talk.ask.message):
                prefix = f"Hello {given}! "
            return replies.found(read, adding=intents.add(talk.text), one=talk.query.one, prefix=prefix)
        case "add_to_cart" | "add_several_to_cart":
            return replies.added(read)
        case "compare_products":
            return replies.compared(read)
        case "product_details":
            return replies.details(read, lead=_lead(talk, read["sku"]))
        case "view_cart":
            asked = intents.purchases(talk.text)
            return replies.purchases(read["purchases"]) if asked else replies.cart(read["cart"])
        case "remove_from_cart":
            return replies.removed(read)
        case "clear_cart":
            return replies.cleared(read)
        case "checkout":
            return replies.ordered(read, talk.document.get("preferences", {}).get("shipping_preference"))
        case "set_preferences":
            return replies.noted(read["preferences"])
        case _:
            return "Done. What else can I do for you?"


def _lead(talk: Talk, sku: str) -> str:
    """What a reply on one product begins with: yes or no where that was asked, or that it is a choice."""
    product = catalogue().get(sku)
    if product and intents.asks(talk.text) and talk.query.features:
        return "Yes. " if all(has(product, feature) for feature in talk.query.features) else "Not as far as I know. "
    chosen = intents.advice(talk.text) and not talk.named and not talk.pointed
    return "Of these I would take this one: " if chosen else ""


def _read(result: ToolResult) -> dict[str, Any]:
    """A tool's answer; text that is no JSON (a tool that failed) is an error."""
    try:
        read = orjson.loads(result.content)
    except orjson.JSONDecodeError:
        read = None
    return read if isinstance(read, dict) else {"error": "Something went wrong there. Please try again."}
