"""Before and after the model: what the message tells is noted, and what the reply shows is remembered."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from agent.assistant import TurnContext
from assistants.shopping import answers, cart, money, preferences, references
from assistants.shopping.catalogue import catalogue
from assistants.shopping.document import trim
from assistants.shopping.search import search
from assistants.shopping.smalltalk import said_name
from assistants.shopping.tools import LISTED, attach

COUNT: Final = "_count"
"""Under this name a turn's data says which of its session's turns it is, from 1."""

_LEFT: Final = "_left"
"""Under this name a turn that showed products says what ordinals, ``it`` and ``show more`` mean after it."""

_POINTERS: Final = ("last_results", "focus", "search")

_ASKED: Final = "_asked"
"""Under this name the question's key waits in the turn's data until the reply is there."""

_MOST_CART_LINES: Final = 12


def before(context: TurnContext) -> str:
    """Notes the preferences and the name that the message states; returns what a model should know of the session."""
    # What was said under this id before the session was opened may be another shopper's.
    context.history = context.history[-context.turns :] if context.turns else ()
    note(context)
    context.attach(COUNT, context.turns + 1)
    if question_key := answers.key(context.message, context.attributes):
        context.attach(_ASKED, question_key)
    return "\n".join(["## Known in this session (data)", *_known(context)])


def after(context: TurnContext, reply: str) -> str:
    """The reply as it is. Products that it names travel with it in its order, and are what ordinals mean next."""
    if context.data.get("cached"):
        return reply
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
        if context.data.get("products"):
            left = {name: context.attributes[name] for name in _POINTERS if context.attributes.get(name)}
            context.attach(_LEFT, left)

        def remembered(document: dict[str, Any]) -> None:
            answers.remember(document, asked)
            answers.count(document, hit=False)

        context.update(remembered)
    return reply


def known_answer(context: TurnContext) -> str | None:
    """The reply to a question that this session had answered in the same context, or None. Asked after ``before``.

    Its products and sources travel with it, with ``cached: true``, and what points at products means those again.
    """
    question_key = context.data.get(_ASKED)
    found = answers.find(question_key, context.attributes, context.history)
    if found is None or question_key is None:
        return None
    del context.data[_ASKED]
    for name in ("products", "sources", answers.DATA, _LEFT):
        if name in found.data:
            context.attach(name, found.data[name])
    context.attach("cached", True)
    left: Mapping[str, Any] | None = found.data.get(_LEFT)

    def hit(document: dict[str, Any]) -> None:
        if left is not None:
            for name in _POINTERS:
                document.pop(name, None)
            document.update(copy.deepcopy(dict(left)))
        answers.remember(document, question_key)
        answers.count(document, hit=True)

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
        with suppress(preferences.BadPreference):  # no room left beside those that were set through the API
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
