"""The chat's replies without a model, by plain rules: it remembers, calculates, converts, and says what it can't."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from agent.offline import Answer, Ask
from agent.questions import one_by_one, questions_of
from agent.recall import shortened, what_was_said
from assistants.chat import arithmetic, dates, recall, smalltalk, units
from assistants.chat.facts import Facts, told_in
from assistants.chat.phrases import any_of, plain, sentence, uncapitalised
from assistants.chat.templates import templates
from memory.clock import now_ms

_HONEST: Final = "I am the offline model"

_LOOKED_AT: Final = 2_000
"""Characters of a message that the rules look at: what is asked of them is short."""

# What people ask of a model, and what that is called; then what another assistant is there for.
_REQUESTS: Final = [
    (any_of(r"(?:write|draft|compose|create|generate)\b"), "Writing texts"),
    (any_of(r"(?:summari[sz]e|improve|rewrite|proofread|shorten)\b"), "Working on texts"),
    (any_of(r"translat\w+\b"), "Translating"),
    (any_of(r"(?:code|function|python|javascript|program|bug|error)\b"), "Programming"),
    (any_of(r"(?:plan|itinerary|schedule|agenda)\b"), "Making plans"),
    (any_of(r"(?:explain|why|how does|how do)\b"), "Explaining things"),
]
_ELSEWHERE: Final = [
    (any_of(r"(?:weather|forecast|will it rain)\b"), "the weather", "weather"),
    (any_of(r"(?:the|any|latest|today's) (?:news|headlines)\b"), "the news", "news"),
    (any_of(r"(?:want to|where can i|help me) buy\b"), "shopping", "shopping"),
]

_PARTS = re.compile(r"(?<=[.!?\n])\s+|,\s+(?=(?:and )?(?:what|how much|calculate))", re.IGNORECASE)
"""Between the sentences of a message."""

# Sums that go on from the result before.
_RESULT = re.compile(r"(?:[=≈]|are about) \*\*([-−]?[\d,.]+)[^*]*\*\*\.?$")
_GOES_ON = re.compile(r"(?:and|what about|how about)(?: what)? ((?:of|in|into|to) [^?]{1,60})\??$")
_LINK = re.compile(r"\b(?:of|in|into|to)\b", re.IGNORECASE)
_AND = re.compile(r"^(?:(?:and|now|then|ok|what(?:'s| is))\b,? )+")
_ON_THAT: Final = [
    (re.compile(r"(double|twice) (?:that|it)\b"), "2 * that"),
    (re.compile(r"(half|halve)(?: of)? (?:that|it)\b"), "that / 2"),
    (re.compile(r"((?:plus|minus|times|divided by|multiplied by|[-+*/^]) ?[\d.,]+)\W*$"), r"that \1"),
    (re.compile(r"((?:that|it) (?:plus|minus|times|divided by|multiplied by|squared|cubed|[-+*/^]).*)$"), r"\1"),
    (re.compile(r"(.*(?:%|percent|root) of (?:that|it))\W*$"), r"\1"),
]

_THANKED = re.compile(r"^(?:thanks|thank you|cheers|great|cool|nice|ok|okay)(?: [a-z ]{1,20})?[!.,] ?(?=\w)")
_STATEMENT = re.compile(
    r"^(?:i|i'm|im|i've|we|my|it|it's|this|that|there|he|she|they|yesterday|today|tomorrow)\b[^?]*$"
)
_BLANKS: Final = frozenset(blank for known in templates() for blank in re.findall(r"\[[^\]]+\]", known.prompt))


def reply(ask: Ask) -> Answer:
    """The reply to a message, or to each of its questions: the first rule that has one."""
    if any(_answer(replace(ask, message=question)) for question in questions_of(ask.message)):
        several = one_by_one(ask, lambda one: _answer(one) or _as_for(one.message))
        if several is not None:
            return several
    answer = _answer(ask)
    if answer is None:
        known = told_in(earlier for role, earlier in ask.history if role == "human")
        replies = [earlier for role, earlier in ask.history if role == "ai"]
        answer = _cannot(plain(ask.message[:_LOOKED_AT]), known.name, sum(_HONEST in earlier for earlier in replies))
    return answer


def _answer(ask: Ask) -> str | None:
    message = ask.message[:_LOOKED_AT]
    text = plain(message)
    if not text:
        return "I didn't catch that: your message was empty. What would you like to talk about?"
    said = [earlier for role, earlier in ask.history if role == "human"]
    replies = [earlier for role, earlier in ask.history if role == "ai"]
    now = ask.turn.now if ask.turn else now_ms()
    known = told_in(said)
    rules: Sequence[Callable[[], str | None]] = (
        lambda: _template(message),
        lambda: what_was_said(message, ask.history),
        lambda: recall.of_person(text, told_in([*said, message])),
        lambda: _calculated(message),
        lambda: _calculated_on(text, said, replies),
        lambda: _told(message, text, known, told_in([*said, message])),
        lambda: dates.answer(message, now),
        lambda: smalltalk.joke(text, replies),
        lambda: smalltalk.chance(text, now),
        lambda: smalltalk.about(text),
        lambda: smalltalk.pleasantry(_without_greeting(text), known.name),
        lambda: _greeted(text, known.name, again=bool(said)),
    )
    return next((answer for rule in rules if (answer := rule())), None)


def _as_for(question: str) -> str:
    return f"As for “{shortened(question)}”: that takes a language model, and {_HONEST}."


def _template(message: str) -> str | None:
    """The answer to a starter of which the blanks were not filled in."""
    blank = next((found for found in re.findall(r"\[[^\]]+\]", message) if found in _BLANKS), None)
    return (
        f"Almost! Put your own words in place of {blank} and whatever else stands in brackets, and send it again."
        if blank
        else None
    )


def _calculated(message: str) -> str | None:
    """The answer to a conversion or a sum."""
    converted = units.convert(message)
    if isinstance(converted, str):
        return converted
    if converted:
        return f"{converted.given} {'are about' if converted.approximate else '='} **{converted.result}**."
    for part in (message, *_PARTS.split(message)[-3:]):
        try:
            result = arithmetic.work_out(part)
        except arithmetic.NoSum:
            continue
        except arithmetic.NoResult as error:
            return f"I can't work that out: {error}."
        return f"{result.sum} {'=' if result.exact else '≈'} **{result.value}**"
    return None


def _calculated_on(text: str, said: Sequence[str], replies: Sequence[str]) -> str | None:
    """The answer to a sum that goes on from the last one: ``double that``, ``plus 5``, ``and of 300?``"""
    result = _RESULT.search(replies[-1]) if replies else None
    if result is None:
        return None
    number = result[1].replace(",", "").replace("−", "-")
    if asked := _GOES_ON.match(text):
        links = list(_LINK.finditer(said[-1]))
        return _calculated(f"{said[-1][: links[-1].start()].rstrip()} {asked[1]}") if links else None
    text = _AND.sub("", text)
    for written, sum_ in _ON_THAT:
        if found := written.match(text):
            return _calculated(re.sub(r"\b(?:that|it)\b", number, found.expand(sum_)))
    return None


def _told(message: str, text: str, known: Facts, now_known: Facts) -> str | None:
    """The answer to somebody who tells something of themselves, and to what they ask in the same breath."""
    new = [fact for fact in now_known.sentences() if fact not in known.sentences()]
    besides = smalltalk.about(text) if "?" in message else None
    if now_known.name != known.name:
        name = now_known.name
        welcome = f"I'll call you **{name}** from now on." if known.name else f"Nice to meet you, **{name}**!"
        rest = [fact for fact in new if not fact.startswith("Your name is")]
        return _joined(f"{welcome} {_noted(rest)}" if rest else welcome, besides or "What can I do for you?")
    if new:
        return _joined(_noted(new), besides or "I'll remember it.")
    if again := told_in([message]).sentences():
        return _joined(f"I remember: {uncapitalised(again[0])}.", besides)
    return None


def _noted(facts: Sequence[str]) -> str:
    return f"Noted: {'; '.join(uncapitalised(fact) for fact in facts)}."


def _joined(answer: str, more: str | None) -> str:
    if not more:
        return answer
    between = "\n\n" if "\n" in more else " "
    return f"{answer}{between}{more}"


def _without_greeting(text: str) -> str:
    """``how are you?`` of ``hi, how are you?`` and of ``thanks! how are you?``."""
    rest = _THANKED.sub("", text[len(smalltalk.greeting(text)) :].lstrip(" ,.!"))
    return rest or text


def _greeted(text: str, name: str, *, again: bool) -> str | None:
    if not smalltalk.greeting(text) or len(text.split()) > 6:
        return None
    called = f", {name}" if name else ""
    if again:
        return f"Hello again{called}! What can I do for you?"
    return f"Hello{called}! I'm Parley's chat assistant. Tell me about yourself, or try {smalltalk.EXAMPLES}."


def _cannot(text: str, name: str, said: int) -> str:
    """An honest no, and what there is instead; ``said`` counts how often that was said before."""
    for pattern, what, assistant in _ELSEWHERE:
        if pattern.search(text):
            return _to(name, f"for {what} there is an assistant of its own here: **{assistant}**. I only chat.")
    asked = next((what for pattern, what in _REQUESTS if pattern.search(text)), None)
    if said > 1:
        no = f"{asked} is beyond me, too" if asked else "That is beyond me, too"
        example = smalltalk.EXAMPLE_LIST[said % len(smalltalk.EXAMPLE_LIST)]
        return f"{no}: {_HONEST}. But try me with {example}."
    if asked:
        no = f"{uncapitalised(asked)} takes a language model, and {_HONEST}: plain rules without one."
    elif _STATEMENT.match(text):
        called = f", {name}" if name else ""
        name, no = (
            "",
            f"I see{called}. To talk about it takes a language model, and {_HONEST}: plain rules without one.",
        )
    else:
        no = f"that is beyond me: {_HONEST}, plain rules without a language model."
    if said:
        return f"{_to(name, no)} Ask “What can you do?” to see what I can."
    return (
        f"{_to(name, no)} Whoever runs this server can set a model up, and I'd answer you properly.\n\n"
        f"Meanwhile I can remember what you tell me, calculate, convert units and tell jokes. Try {smalltalk.EXAMPLES}."
    )


def _to(name: str, text: str) -> str:
    return sentence(f"{name}, {text}" if name else text)
