"""What is said without a model: tool results as Markdown for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from assistants.shopping import money, preferences
from assistants.shopping.catalogue import CATEGORIES, Product, catalogue
from assistants.shopping.words import listed

OFFER = "Shall I add it to your cart?"
"""How an offer ends to which “yes” is an answer."""

_SHOWN_LINES = 20
_HINT = "Want the details of one, a comparison, or “add the first one”?"
_FIGURE = re.compile(r"(\d+(?:\.\d+)?) ?([a-zA-Z]+)")
_NEXT = "Say “checkout” when you are ready, or go on looking."


def found(
    result: Mapping[str, Any], *, adding: bool = False, one: bool = False, prefix: str = "", before: str = ""
) -> str:
    """The answer of ``search_products``; what can be said next is not said again if ``before``, the last reply, did."""
    products = result["products"]
    what = result["looked_for"]
    if not products and result["first"] > 1:
        return f"{prefix}That was all I have there. Tell me what matters to you, and I'll look again."
    if not products:
        return (
            f"{prefix}I found nothing like that in the shop. Try a category, a brand or a budget, for example "
            "“smartphones under $500” or “Sony headphones”."
        )
    lines = [_entry(product["n"], product) for product in products]
    head = _heading(result, what, one)
    more = result["found"] - result["first"] - len(products) + 1
    notes = []
    if result["favourites"] and not result["missed"]:
        notes.append(f"{listed(result['favourites'])} first, as you prefer.")
    if more > 0:
        notes.append(f"There {'is' if more == 1 else 'are'} {more} more; just say “show more”.")
    close = (
        "Which one shall I add? “The first one” will do."
        if adding and len(products) > 1
        else OFFER
        if len(products) == 1 or one
        else _HINT
        if _HINT not in before
        else ""
    )
    last = " ".join(filter(None, [*notes, close]))
    return "\n\n".join(filter(None, [f"{prefix}{head}", "\n".join(lines), last]))


def _heading(result: Mapping[str, Any], what: str, one: bool) -> str:
    products, missed = result["products"], result["missed"]
    budget = " within your budget" if result["within_budget"] else ""
    if missed:
        return f"I have no {what}{budget}. The closest I can offer:".replace("no products", "nothing")
    if result["first"] > 1:
        return f"More {what}{budget}:"
    if one:
        top = products[0]
        rest = " Good alternatives follow." if len(products) > 1 else ""
        return f"My pick for {what}{budget}: **{top['title']}** at {price(top['price'])}.{rest}"
    if len(products) == 1:
        return f"There is one match for {what}{budget}:"
    count = result["found"]
    shown = f"{len(products)} of {count}" if count > len(products) else str(count)
    return f"Here are {shown} {what}{budget}:" if not what.startswith("“") else f"Here is what fits {what}{budget}:"


def _entry(number: int, product: Mapping[str, Any]) -> str:
    gone = " · *out of stock*" if product["stock"] == 0 else ""
    short = f" · {product['short']}" if product["short"] else ""
    return f"{number}. **{product['title']}** · {price(product['price'])} · ★ {product['rating']}{short}{gone}"


def compared(result: Mapping[str, Any], spec: str = "", least: bool = False) -> str:
    """The answer of ``compare_products``: a table of what differs, and a verdict; on ``spec``, if one is asked for, of
    which the most is wanted or the ``least``."""
    products = result["products"]
    rows = {"Price": [price(p["price"]) for p in products], "Rating": [f"★ {p['rating']}" for p in products]}
    for name in dict.fromkeys(name for p in products for name in p["specs"]):
        rows[_label(name)] = [p["specs"].get(name, "–") for p in products]
    rows["Stock"] = ["out of stock" if p["stock"] == 0 else "in stock" for p in products]
    differing = {name: row for name, row in rows.items() if len(set(row)) > 1 or name == "Price"}
    table = [
        "| | " + " | ".join(f"**{p['title']}**" for p in products) + " |",
        "|---" * (len(products) + 1) + "|",
        *(f"| {name} | {' | '.join(_cell(value) for value in row)} |" for name, row in differing.items()),
    ]
    return "\n".join(table) + "\n\n" + (_verdict_on(products, spec, least) or _verdict(result))


def _verdict_on(products: Sequence[Mapping[str, Any]], spec: str, least: bool) -> str:
    """Which has the most of something; nothing where that is not said in numbers of one unit."""
    read = [_FIGURE.match(product["specs"].get(spec, "")) for product in products]
    figures = [(Decimal(found[1]), found[2]) for found in read if found]
    if len(figures) < len(products) or len({unit for _, unit in figures}) > 1:
        return ""
    wanted = (min if least else max)(figures)[0]
    best = [product for product, figure in zip(products, figures, strict=True) if figure[0] == wanted]
    if len(best) > 1:
        titles = listed([f"**{product['title']}**" for product in best])
        return f"For {_label(spec).lower()}, {titles} are alike."
    return f"**{best[0]['title']}** wins on {_label(spec).lower()}: {best[0]['specs'][spec]}. {OFFER}"


def _verdict(result: Mapping[str, Any]) -> str:
    by_sku = {product["sku"]: product for product in result["products"]}
    cheap, best = by_sku[result["cheapest"]], by_sku[result["best_rated"]]
    dearest = max(by_sku.values(), key=lambda product: Decimal(str(product["price"])))
    saving = money.amount(dearest["price"]) - money.amount(cheap["price"])
    alike = all(product["rating"] == best["rating"] for product in by_sku.values())
    if alike and not saving:
        return "They cost the same and are rated alike, so it comes down to what you see above. Which one shall I add?"
    if alike:
        return f"They are rated alike; **{cheap['title']}** costs {money.shown(saving)} less. {OFFER}"
    if cheap is best:
        tail = f" and costs {money.shown(saving)} less" if saving else ""
        return f"**{best['title']}** is rated best{tail}: that would be my choice. {OFFER}"
    if not saving:
        return f"They cost the same; **{best['title']}** is rated higher (★ {best['rating']}). {OFFER}"
    return (
        f"**{cheap['title']}** saves you {money.shown(saving)}; **{best['title']}** is rated higher "
        f"(★ {best['rating']} against {cheap['rating']}). “Add the cheaper one” is enough if you want it."
    )


def details(result: Mapping[str, Any], *, lead: str = "") -> str:
    """The answer of ``product_details``."""
    stock = result["stock"]
    held = "out of stock at the moment" if stock == 0 else "in stock" if stock > 10 else f"only {stock} left"
    specs = "\n".join(f"- {_label(name)}: {value}" for name, value in result["specs"].items())
    close = "Shall I look for something similar?" if stock == 0 else OFFER
    return (
        f"{lead}**{result['title']}** · {price(result['price'])} · ★ {result['rating']} · {held}\n\n"
        f"{result['about']}\n\n{specs}\n\n{close}"
    )


def added(result: Mapping[str, Any], before: str = "") -> str:
    """The answer of ``add_to_cart`` and ``add_several_to_cart``; ``before`` is the last reply."""
    done = result["added"]
    names = listed([f"{_units(entry['quantity'])}**{entry['title']}** ({price(entry['price'])})" for entry in done])
    parts = [f"Done: {names} {'is' if _single(done) else 'are'} in your cart.", *result["refused"]]
    return " ".join([*parts, _cart_sum(result["cart"]), *([] if _NEXT in before else [_NEXT])])


def removed(result: Mapping[str, Any]) -> str:
    """The answer of ``remove_from_cart``."""
    gone = result["removed"]
    left = next((item["quantity"] for item in result["cart"]["items"] if item["sku"] == gone["sku"]), 0)
    took = f"{gone['quantity']} × " if left else _units(gone["quantity"])
    stays = f", and {left} {'stays' if left == 1 else 'stay'}" if left else ""
    return f"I took {took}**{plain(gone['title'])}** out{stays}. {_cart_sum(result['cart'])}"


def cleared(result: Mapping[str, Any]) -> str:
    """The answer of ``clear_cart``."""
    count = result["removed_units"]
    if not count:
        return "Your cart was empty already. What shall we look for?"
    return f"Your cart is empty now; I took out {count} item{'s' if count > 1 else ''}."


def cart(cart_now: Mapping[str, Any]) -> str:
    """The cart of ``view_cart``."""
    items = cart_now["items"]
    if not items:
        return "Your cart is empty so far. Tell me what you are looking for, and I'll find it."
    lines = [
        f"{n}. {item['quantity']} × **{plain(item['name'])}** · {price(item['price'])}"
        + (f" each, {_times(item)}" if item["quantity"] > 1 else "")
        for n, item in enumerate(items[:_SHOWN_LINES], 1)
    ]
    if len(items) > _SHOWN_LINES:
        lines.append(f"…and {len(items) - _SHOWN_LINES} more lines.")
    return (
        "In your cart:\n\n"
        + "\n".join(lines)
        + f"\n\nTotal: **{price(cart_now['total'])}**. Say “checkout” to order, or “remove” and a name to take one out."
    )


def purchases(entries: Sequence[Mapping[str, Any]]) -> str:
    """The purchases of ``view_cart``."""
    if not entries:
        return "You have not ordered anything in this session yet."
    lines = [f"- {_bought(entry)} · **{price(entry['total'])}**" for entry in entries]
    lead = "Your order in this session:" if len(entries) == 1 else "Your orders in this session, newest first:"
    return lead + "\n\n" + "\n".join(lines)


def ordered(result: Mapping[str, Any], shipping: str | None) -> str:
    """The answer of ``checkout``."""
    purchase = result["purchase"]
    by = f" It goes out by {shipping} shipping, as you prefer." if shipping else ""
    return (
        f"Your order is placed: {_bought(purchase)}, **{price(purchase['total'])}** in total.{by} "
        "No payment is taken here. Thank you!"
    )


def noted(stored: Mapping[str, Any]) -> str:
    """That preferences are noted, as the lead of a longer reply."""
    described = preferences.described(stored)
    return f"Noted: {described}." if described else "Noted: no preferences from here on."


def forgotten(given: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    """That these preferences are cleared; what stays of them."""
    names = {
        "budget_range": "your budget",
        "preferred_brands": "your brands",
        "device_type": "your kind of device",
        "shipping_preference": "your way of shipping",
    }
    what = "all your preferences" if len(given) == len(names) else listed([names[name] for name in given])
    kept = preferences.described(stored)
    return f"Forgotten: {what}.{f' I still keep in mind: {kept}.' if kept else ''}"


def one_thing(result: Mapping[str, Any], spec: str) -> str:
    """What was asked of one product: a specification of it."""
    return f"**{result['title']}**: {_label(spec).lower()} {result['specs'][spec]}. {OFFER}"


def yes_or_no(result: Mapping[str, Any], answer: str) -> str:
    """The answer to a question about a product of which everything was told a moment ago."""
    return f"{answer}**{result['title']}** · {price(result['price'])} · ★ {result['rating']}. {OFFER}"


def not_known(result: Mapping[str, Any]) -> str:
    """Where the catalogue does not have what was asked of a product."""
    return f"That is not in what I know of the **{result['title']}**, and I'd rather not guess. Its maker will know."


def store() -> str:
    """What the shop has."""
    counts: dict[str, int] = {}
    for product in catalogue().products:
        counts[product.category] = counts.get(product.category, 0) + 1
    lines = [f"- {many.capitalize()} ({counts[slug]})" for slug, (_, many) in CATEGORIES.items() if slug in counts]
    brands = sorted({product.brand for product in catalogue().products}, key=_by_range)[:8]
    return (
        f"We have {len(catalogue().products)} products:\n\n"
        + "\n".join(lines)
        + f"\n\nAmong the brands are {listed(brands)}. What are you looking for?"
    )


def choose(products: Sequence[Product]) -> str:
    """The question which of these is meant."""
    lines = [f"{n}. **{product.title}** · {money.shown(product.price)}" for n, product in enumerate(products, 1)]
    return "Which one do you mean?\n\n" + "\n".join(lines) + "\n\n“The first one” or its name will do."


def price(value: int | float) -> str:
    """A JSON price for people."""
    return money.shown(Decimal(str(value)))


def _by_range(brand: str) -> tuple[int, str]:
    return -sum(product.brand == brand for product in catalogue().products), brand


def _bought(purchase: Mapping[str, Any]) -> str:
    named = [f"{item['quantity']} × {plain(item['name'])}" for item in purchase["items"][:8]]
    left = purchase["lines"] - len(named)
    if left > 0:
        named.append(f"{left} more line{'s' if left > 1 else ''}" if named else f"{purchase['units']} items")
    return listed(named)


def _cart_sum(cart_now: Mapping[str, Any]) -> str:
    count = sum(item["quantity"] for item in cart_now["items"])
    if not count:
        return "Your cart is empty now."
    return f"Your cart: {count} item{'s' if count > 1 else ''}, **{price(cart_now['total'])}** in total."


def _times(item: Mapping[str, Any]) -> str:
    return money.shown(money.amount(item["price"]) * int(item["quantity"]))


def _units(count: int) -> str:
    return f"{count} × " if count > 1 else ""


def _single(done: Sequence[Mapping[str, Any]]) -> bool:
    return len(done) == 1 and done[0]["quantity"] == 1


def plain(name: str) -> str:
    """A name from outside, without what Markdown would make of it."""
    return "".join(letter for letter in name if letter not in "*_`[]<>|#")


def _label(spec: str) -> str:
    """The name of a specification for people."""
    return {"os": "System", "gps": "GPS"}.get(spec, spec.replace("_", " ").capitalize())


def _cell(value: str) -> str:
    return value.replace("|", "/")
