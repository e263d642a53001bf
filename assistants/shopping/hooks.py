"""Before and after the model: what the message tells is noted, and what the reply shows is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.assistant import TurnContext
from assistants.shopping import answers, cart, money, preferences, references
from assistants.shopping.catalogue import catalogue
from assistants.shopping.document import trim
from assistants.shopping.search import search
from assistants.shopping.smalltalk import said_name
from assistants.shopping.tools import LISTED, attach

_ASKED = "asked"
"""Under this name the question's key waits in the turn's data until the reply is there."""

_MOST_CART_LINES = 12


def before(context: TurnContext) -> str:
    """Notes the preferences and the name that the message states; returns what a model should know of the session."""
    note(context)
    if question_key := answers.key(context.message, context.attributes):
        context.attach(_ASKED, question_key)
    return "\n".join(["## Known in this session (data)", *_known(context)])


def after(context: TurnContext, reply: str) -> str:
    """The reply as it is. Products that it names travel with it in its order, and are what ordinals mean next."""
    mentioned = _mentioned(context, reply)
    listed = context.data.pop(LISTED, ())
    if mentioned:
        attach(context, catalogue().known(mentioned))
    numbered = [sku for sku in mentioned if sku in listed]
    if numbered and numbered != references.last_results(context.attributes):
        focused = [sku for sku in references.focus(context.attributes) if sku in numbered]
        context.update(lambda document: references.show(document, numbered, focused))
    asked = context.data.pop(_ASKED, None)
    # A turn that changed preferences or cart answered in a context that is gone.
    if asked and asked == answers.key(context.message, context.attributes):
        context.attach(answers.DATA, asked)

        def remembered(document: dict[str, Any]) -> None:
            answers.remember(document, asked)
            answers.count(document, hit=False)

        context.update(remembered)
    return reply


def known_answer(context: TurnContext) -> str | None:
    """The reply to a question that this session had answered in the same context, or None.

    Its products and sources travel with it, with ``cached: true``, and ordinals mean them again. Nothing else of the
    turn needs to run.
    """
    note(context)
    question_key = answers.key(context.message, context.attributes)
    found = answers.find(question_key, context.attributes, context.history)
    if found is None or question_key is None:
        return None
    for name, value in found.data.items():
        context.attach(name, value)
    context.attach("cached", True)
    skus = [entry["sku"] for entry in found.data.get("products", ())]

    def hit(document: dict[str, Any]) -> None:
        answers.remember(document, question_key)
        answers.count(document, hit=True)
        if skus:
            references.show(document, skus)

    context.update(hit)
    return found.reply


def note(context: TurnContext) -> None:
    """Put the preferences and the name that the message states into the session."""
    stored = context.attributes.get("preferences", {})
    said = preferences.said(context.message, stored)
    avoided = preferences.unwanted(context.message)
    name = said_name(context.message)
    if not (said or avoided or name):
        return

    def noted(document: dict[str, Any]) -> None:
        preferences.merge(document, said)
        if avoided:
            preferences.avoid(document, avoided)
        if name:
            document["name"] = name
            trim(document)

    context.update(noted)


def _known(context: TurnContext) -> list[str]:
    """The session in a few lines, for a model."""
    document = context.attributes
    lines = []
    if name := document.get("name"):
        lines.append(f"- Name: {name}")
    if preferred := preferences.described(document.get("preferences", {})):
        lines.append(f"- Preferences: {preferred}")
    if avoided := document.get("avoided"):
        lines.append(f"- Wants nothing from: {', '.join(avoided)}")
    lines.append(f"- Cart: {_cart_line(document)}")
    if bought := len(document.get("purchases") or ()):
        lines.append(f"- Orders placed in this session: {bought}")
    shown = catalogue().known(references.last_results(document))
    if shown:
        numbered = (f"{n}. {p.title} ({p.sku}, {money.shown(p.price)})" for n, p in enumerate(shown, 1))
        lines.append(f"- Shown last: {'; '.join(numbered)}")
    singled = catalogue().known(references.focus(document))
    if singled:
        lines.append(f"- “It” or “both” now means: {', '.join(product.sku for product in singled)}")
    liked = preferences.of(document)
    relevant = search(context.message, liked).products
    if relevant:
        entries = (f"{p.title} ({p.sku}, {money.shown(p.price)}, {p.stock} in stock)" for p in relevant)
        lines.append(f"- Perhaps relevant to this message: {'; '.join(entries)}")
    return lines


def _cart_line(document: Mapping[str, Any]) -> str:
    lines = cart.in_order(document)
    if not lines:
        return "empty"
    entries = [f"{line['quantity']} × {line['name']} ({sku})" for sku, line in lines[:_MOST_CART_LINES]]
    if len(lines) > _MOST_CART_LINES:
        entries.append(f"and {len(lines) - _MOST_CART_LINES} more lines")
    return f"{'; '.join(entries)}; total {money.shown(cart.total(document))}"


def _mentioned(context: TurnContext, reply: str) -> list[str]:
    """The SKUs of the attached products that the reply names, in the order in which it names them first."""
    left = reply.casefold()
    places = []
    products = catalogue().known(entry["sku"] for entry in context.data.get("products", ()))
    # The longest name first, and taken out: "iPhone 15 Pro Max" does not name the iPhone 15 Pro.
    for product in sorted(products, key=lambda product: -len(product.title)):
        for called in (product.title.casefold(), product.name.casefold(), product.sku.casefold()):
            if (at := left.find(called)) >= 0:
                places.append((at, product.sku))
                left = left.replace(called, "\0" * len(called))
                break
    return [sku for _, sku in sorted(places)]
