"""Rules of the offline assistant: what is said around the products. Each answers, or None where it is not asked."""

from __future__ import annotations

import re

from agent.offline import Answer, ToolCall
from agent.recall import what_was_said
from assistants.shopping import intents, preferences, replies, smalltalk
from assistants.shopping.search import is_known
from assistants.shopping.talk import Talk
from assistants.shopping.vocabulary import FEATURE_OF
from assistants.shopping.words import NUMBERS, STOP_WORDS, bag, words

_HELP = (
    "I help you shop for electronics. For example:\n\n"
    "- “smartphones under $500”, “noise cancelling headphones from Sony”\n"
    "- “compare the Galaxy S24 and the Pixel 8”\n"
    "- “add the first one”, “what's in my cart?”, “checkout”\n"
    "- “my budget is 500 to 1000”, “I prefer Apple and Samsung”"
)
_AT_A_LOSS = "I'm not sure how to help with that."
_RELATION = re.compile(r"\b(?:for|to|with|under|below|over|in|from|that|which|who|on|at|of|like|as|and|or)\b")
_NO_THINGS = bag("gift gifts present presents birthday idea ideas help advice recommendation recommendations same time")


def forget(talk: Talk) -> Answer | None:
    cleared = intents.forgets(talk.text)
    return ToolCall("set_preferences", cleared) if cleared else None


def small_talk(talk: Talk) -> Answer | None:
    """Hello, thanks, a name, help: where nothing is asked of the catalogue besides."""
    if smalltalk.asks_name(talk.text):
        return (
            f"Your name is {talk.name}." if talk.name else "You have not told me your name yet. What shall I call you?"
        )
    if talk.query.structured or talk.said or intents.store(talk.text):
        return None
    given = smalltalk.said_name(talk.ask.message)
    if given:
        return (
            f"Nice to meet you, {given}! {_HELP if smalltalk.is_help(talk.text) else 'What are you looking for today?'}"
        )
    called = f", {talk.name}" if talk.name else ""
    if smalltalk.is_greeting(talk.text):
        back = " Your cart is where you left it." if talk.document.get("cart") else ""
        return (
            f"Hello{called}!{back} I can find and compare phones, laptops, headphones and more, and keep your cart. "
            "What are you looking for?"
        )
    if smalltalk.is_never_mind(talk.text):
        return "All right. What else can I find for you?"
    if smalltalk.is_bye(talk.text):
        kept = " Your cart stays for a day." if talk.document.get("cart") else ""
        return f"Thank you for coming by{called}!{kept} Goodbye."
    if smalltalk.is_thanks(talk.text):
        return f"You're welcome{called}! Anything else I can find for you?"
    return _HELP if smalltalk.is_help(talk.text) else None


def told_preferences(talk: Talk) -> Answer | None:
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


def said_before(talk: Talk) -> Answer | None:
    """What was asked first, or a moment ago."""
    return what_was_said(talk.ask.message, talk.ask.history)


def information(talk: Talk) -> Answer | None:
    return None if talk.query.category or talk.query.must else smalltalk.information(talk.text)


def store(talk: Talk) -> Answer | None:
    loose = not (talk.query.structured or talk.query.terms)
    return replies.store() if loose and intents.store(talk.text) else None


def not_sold(talk: Talk) -> Answer | None:
    """Something that the catalogue has no word for: ``a flight to Rome``, ``bananas``."""
    query, what = talk.query, intents.sought(talk.text)
    if not what or talk.pointed is not None or talk.named:
        return None
    if query.category or query.brands or query.must or query.models:
        return None
    head = [word for word in words(_RELATION.split(what)[0]) if _is_thing(word)]
    strange = [word for word in words(what) if _is_thing(word) and not is_known(word)]
    if not head or not strange or any(is_known(word) and word not in FEATURE_OF for word in head):
        return None
    at = talk.ask.message.casefold().find(what)
    called = talk.ask.message[at : at + len(what)] if at >= 0 else what
    return (
        f"I don't have “{called}”: this shop sells electronics only, such as phones, laptops, headphones and cameras. "
        "What can I find for you there?"
    )


def _is_thing(word: str) -> bool:
    return not (word in STOP_WORDS or word in _NO_THINGS or word in NUMBERS or word.isdecimal())


def at_a_loss(talk: Talk) -> str:
    before = next((text for role, text in reversed(talk.ask.history) if role == "ai"), "")
    if before.startswith(_AT_A_LOSS):
        return "I didn't get that either, sorry. Name a kind of product, a brand or a budget, and I'll look."
    if talk.shown:
        return (
            f"{_AT_A_LOSS} You can point at one (“the second one”), ask for “something cheaper”, "
            "or tell me what else you need."
        )
    return (
        f"{_AT_A_LOSS} I know our phones, laptops, headphones, cameras and more: tell me what "
        "you need and what you would like to spend, for example “a laptop for a student under $600”."
    )
