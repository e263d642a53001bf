"""The assistant without a model: plain rules that go through the same tools.

A message is looked at by one rule after the other; the first that knows what to do answers, with text or with tool
calls. When the tools have answered, ``_told`` puts their results into words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from agent.offline import Answer, Ask, ToolResult
from agent.questions import one_by_one
from assistants.shopping import intents, replies, rules_cart, rules_products, rules_talk, smalltalk
from assistants.shopping.catalogue import catalogue
from assistants.shopping.search import has
from assistants.shopping.talk import Talk

_LATELY: Final = 6
"""Messages, of both sides, in which what was told of a product is still before the shopper's eyes."""


def reply(ask: Ask) -> Answer:
    """The rules of the shopping assistant, for a message or for each of its questions."""
    several = one_by_one(ask, _reply)
    return _reply(ask) if several is None else several


def _reply(ask: Ask) -> Answer:
    talk = Talk(ask)
    if ask.results:
        return _told(talk)
    for rule in _RULES:
        answer = rule(talk)
        if answer is not None:
            return answer
    return rules_talk.at_a_loss(talk)


_RULES: Final[tuple[Callable[[Talk], Answer | None], ...]] = (
    rules_cart.yes,
    rules_cart.purchases,
    rules_cart.checkout,
    rules_talk.said_before,
    rules_talk.forget,
    rules_cart.clear,
    rules_cart.change_units,
    rules_cart.remove,
    rules_products.compare,
    rules_talk.not_sold,
    rules_cart.add,
    rules_cart.view_cart,
    rules_talk.small_talk,
    rules_talk.told_preferences,
    rules_products.advice,
    rules_products.relative,
    rules_products.more,
    rules_products.again,
    rules_products.why,
    rules_products.details,
    rules_talk.information,
    rules_talk.store,
    rules_products.left_out,
    rules_products.look,
)


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
            elif not talk.ask.history and smalltalk.greets(talk.text):
                prefix = "Hello! "
            adding, one = intents.add(talk.text), talk.query.one
            return replies.found(read, adding=adding, one=one, prefix=prefix, before=talk.last_reply)
        case "add_to_cart" | "add_several_to_cart":
            return replies.added(read, before=talk.last_reply)
        case "compare_products":
            specs = {name for product in read["products"] for name in product["specs"]}
            spec = next((name for name in sorted(specs) if intents.asks_spec(talk.text, name)), "")
            return replies.compared(read, spec, intents.wants_least(talk.text))
        case "product_details":
            return _details(talk, read)
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
            return replies.forgotten(result.args, read["preferences"])
        case _:
            return "Done. What else can I do for you?"


def _details(talk: Talk, read: dict[str, Any]) -> str:
    """What was asked of a product; everything on it, unless that was told a moment ago."""
    told = any(read["about"] in text for role, text in talk.ask.history[-_LATELY:] if role == "ai")
    if told and intents.asks(talk.text) and not (intents.everything(talk.text) or intents.advice(talk.text)):
        spec = next((name for name in read["specs"] if intents.asks_spec(talk.text, name)), None)
        if spec:
            return replies.one_thing(read, spec)
        if talk.query.features:
            return replies.yes_or_no(read, _lead(talk, read["sku"]))
        if not intents.asks_state(talk.text):
            return replies.not_known(read)
    return replies.details(read, lead=_lead(talk, read["sku"]))


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
