"""Rules of the offline assistant: products found and compared. Each answers, or None where it is not asked."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from agent.offline import Answer, ToolCall
from assistants.shopping import intents, money, preferences, references, replies
from assistants.shopping.catalogue import catalogue
from assistants.shopping.naming import compares
from assistants.shopping.query import narrowed
from assistants.shopping.search import scores, search
from assistants.shopping.talk import Talk
from assistants.shopping.understanding import understand
from assistants.shopping.words import listed

_FOR_IT: Final = re.compile(r"\bfor (?:it|that|this|that one|this one|them)\b")
_GOOD_SCORE: Final = 3.0
"""A BM25 score from which on loose words are taken for a search."""


def compare(talk: Talk) -> Answer | None:
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


def advice(talk: Talk) -> Answer | None:
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
    liked = {brand.casefold() for brand in preferences.of(talk.document).brands}
    chosen = max(pool, key=lambda product: (product.brand.casefold() in liked, product.rating, -product.price))
    return ToolCall("product_details", {"sku": chosen.sku})


def relative(talk: Talk) -> Answer | None:
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
    avoided = preferences.Preferences(avoided=preferences.of(talk.document).avoided)
    fitting = search(replace(limited, most=low - cent) if cheaper else replace(limited, least=high + cent), avoided)
    if fitting.missed or not fitting.products:
        end = min(pool, key=lambda product: product.price) if cheaper else max(pool, key=lambda product: product.price)
        bound_of = "least" if cheaper else "most"
        return f"**{end.title}** at {money.shown(end.price)} is the {bound_of} expensive of our {limited.kind} already."
    order = "cheaper" if cheaper else "best"
    return ToolCall(
        "search_products", {"query": order, "category": category, **bound} | ({"brand": brand} if brand else {})
    )


def more(talk: Talk) -> Answer | None:
    last = talk.document.get("search")
    if not last or not intents.more(talk.text):
        return None
    query = talk.query
    same = query.category is not None and query.category in (last.get("category"), understand(last["query"]).category)
    if query.structured and not (same and query.described() == query.kind):
        return None
    return ToolCall("search_products", {**last, "page": last.get("page", 1) + 1})


def again(talk: Talk) -> Answer | None:
    """The last list once more."""
    last = talk.document.get("search")
    return ToolCall("search_products", dict(last)) if last and intents.again(talk.text) else None


def why(talk: Talk) -> Answer | None:
    """Why the one that was singled out."""
    singled = catalogue().known(references.focus(talk.document))
    if not intents.why(talk.text) or len(singled) != 1:
        return None
    product, others = singled[0], [other for other in talk.shown if other != singled[0]]
    if product.brand.casefold() in {brand.casefold() for brand in preferences.of(talk.document).brands}:
        return f"Because you prefer {product.brand}, and it is rated ★ {product.rating}. {replies.OFFER}"
    if others and all(product.rating >= other.rating for other in others):
        return f"None of those that I showed you is rated higher than its ★ {product.rating}. {replies.OFFER}"
    if others and all(product.price <= other.price for other in others):
        return f"It costs the least of those that I showed you: {money.shown(product.price)}. {replies.OFFER}"
    return f"It fits what you asked for, and it is rated ★ {product.rating}. {replies.OFFER}"


def details(talk: Talk) -> Answer | None:
    if talk.pointed is not None and (intents.detail(talk.text) or talk.firm is not None or not talk.query.structured):
        if len(talk.pointed) == 1:
            return ToolCall("product_details", {"sku": talk.pointed[0]})
        if 2 <= len(talk.pointed) <= 4:
            return ToolCall("compare_products", {"skus": talk.pointed})
        if talk.shown:
            return replies.choose(talk.shown)
        if talk.firm is not None:
            return "I'm not sure which product you mean. Tell me its name, or what you are looking for."
        return None
    singled = references.focus(talk.document)
    if len(singled) == 1 and intents.detail(talk.text) and not (talk.named or talk.query.structured):
        return ToolCall("product_details", {"sku": singled[0]})  # "how long does the battery last?"
    exact = [one for one in talk.named if one.exact]
    if len(exact) == 1 and len(talk.named) == 1 and not talk.query.priced and not talk.query.features:
        return ToolCall("product_details", {"sku": exact[0].product.sku})
    if len(exact) > 1:
        return ToolCall("compare_products", {"skus": [one.product.sku for one in exact]})
    return None


def look(talk: Talk) -> Answer | None:
    query = talk.query
    if query.structured:
        return search_for(talk)
    if not query.terms:
        asks_for_any = query.order != "relevance" or intents.advice(talk.text)
        wanted = preferences.of(talk.document).category
        return search_for(talk) if asks_for_any and (wanted or talk.document.get("search")) else None
    best = max(scores(query.terms).values(), default=0.0)
    return search_for(talk) if best >= _GOOD_SCORE and (intents.wishes(talk.text) or len(talk.words) <= 3) else None


def search_for(talk: Talk) -> ToolCall:
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


def left_out(talk: Talk) -> Answer | None:
    """``Not Apple`` without anything else: the last search again without it."""
    query = talk.query
    if not query.without or query.structured:
        return None
    category = talk.document.get("search", {}).get("category")
    if category:
        return ToolCall("search_products", {"query": talk.ask.message[:300], "category": category})
    return f"All right, nothing from {listed(query.without)}. What are you looking for?"
