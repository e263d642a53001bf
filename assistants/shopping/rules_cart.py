"""Rules of the offline assistant: what is done with the cart. Each answers, or None where it is not asked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.offline import Answer, ToolCall
from assistants.shopping import cart, intents, references, replies, smalltalk
from assistants.shopping.lines import line_meant
from assistants.shopping.quantities import counted
from assistants.shopping.rules_products import search_for
from assistants.shopping.talk import Talk
from assistants.shopping.tools import MOST_AT_ONCE
from assistants.shopping.words import normal


def purchases(talk: Talk) -> Answer | None:
    return ToolCall("view_cart") if intents.purchases(talk.text) else None


def checkout(talk: Talk) -> Answer | None:
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


def clear(talk: Talk) -> Answer | None:
    return ToolCall("clear_cart") if intents.clear(talk.text) else None


def remove(talk: Talk) -> Answer | None:
    if not intents.remove(talk.text):
        return None
    if not talk.document.get("cart"):
        return "There is nothing in your cart to take out."
    said = intents.removal(talk.text)
    sku = line_meant(said, talk.document)
    if sku is None:
        names = [line["name"] for _, line in cart.in_order(talk.document)[:8]]
        listed = "\n".join(f"{n}. {replies.plain(name)}" for n, name in enumerate(names, 1))
        absent = talk.query.structured and len(names) == 1
        ask = "That is not in your cart. It holds:" if absent else "Which one shall I take out of your cart?"
        return f"{ask}\n\n{listed}"
    units, _ = counted(said)
    return ToolCall("remove_from_cart", {"sku": sku} if units is None else {"sku": sku, "quantity": units})


def change_units(talk: Talk) -> Answer | None:
    """``Make it two``, of what was put in the cart last."""
    units = intents.changed_units(talk.text)
    held = talk.document.get("cart") or {}
    meant = [sku for sku in references.focus(talk.document) if sku in held]
    if units is None or len(meant) != 1:
        return None
    more = units - held[meant[0]]["quantity"]
    if not more:
        return f"There are {units} in your cart already." if units > 1 else "There is one in your cart already."
    name = "add_to_cart" if more > 0 else "remove_from_cart"
    return ToolCall(name, {"sku": meant[0], "quantity": abs(more)})


def add(talk: Talk) -> Answer | None:
    if not intents.add(talk.text) and not _adds_on(talk):
        return None
    units = counted(talk.text)[0]
    if talk.firm:
        return _adding([(sku, units) for sku in talk.firm])
    certain = [one for one in talk.named if one.exact]
    if certain and len(certain) == len(talk.named):
        return _adding([(one.product.sku, one.units) for one in certain])
    if talk.firm is None and (talk.named or talk.query.structured):
        return search_for(talk)
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


def yes(talk: Talk) -> Answer | None:
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


def view_cart(talk: Talk) -> Answer | None:
    return ToolCall("view_cart") if intents.view_cart(talk.text) else None
