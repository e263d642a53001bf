"""The chat's replies without a model, by plain rules: it remembers, calculates, converts, and says what it can't."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from agent.offline import Answer, Ask
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

_STATEMENT = re.compile(
    r"^(?:i|i'm|im|i've|we|my|it|it's|this|that|there|he|she|they|yesterday|today|tomorrow)\b[^?]*$"
)
_BLANKS: Final = frozenset(blank for known in templates() for blank in re.findall(r"\[[^\]]+\]", known.prompt))


def reply(ask: Ask) -> Answer:
    """The reply to a message: the first rule that has one."""
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
        lambda: recall.of_conversation(text, said, replies),
        lambda: recall.of_person(text, told_in([*said, message])),
        lambda: _calculated(message),
        lambda: _told(message, text, known),
        lambda: dates.answer(message, now),
        lambda: smalltalk.joke(text, replies),
        lambda: smalltalk.chance(text, now),
        lambda: smalltalk.about(text),
        lambda: smalltalk.pleasantry(_without_greeting(text), known.name),
        lambda: _greeted(text, known.name, again=bool(said)),
    )
    answer = next((answer for rule in rules if (answer := rule())), None)
    return answer or _cannot(text, known.name, again=any(_HONEST in earlier for earlier in replies[-4:]))


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


def _told(message: str, text: str, known: Facts) -> str | None:
    """The answer to somebody who tells something of themselves, and to what they ask in the same breath."""
    told = told_in([message])
    new = [fact for fact in told.sentences() if fact not in known.sentences()]
    besides = smalltalk.about(text) if "?" in message else None
    if told.name and told.name != known.name:
        welcome = f"I'll call you **{told.name}** from now on." if known.name else f"Nice to meet you, **{told.name}**!"
        rest = [fact for fact in new if not fact.startswith("Your name is")]
        return _joined(f"{welcome} {_noted(rest)}" if rest else welcome, besides or "What can I do for you?")
    if new:
        return _joined(_noted(new), besides or "I'll remember it.")
    if told.sentences():
        return _joined(f"I remember: {uncapitalised(told.sentences()[0])}.", besides)
    return None


def _noted(facts: Sequence[str]) -> str:
    return f"Noted: {'; '.join(uncapitalised(fact) for fact in facts)}."


def _joined(answer: str, more: str | None) -> str:
    if not more:
        return answer
    between = "\n\n" if "\n" in more else " "
    return f"{answer}{between}{more}"


def _without_greeting(text: str) -> str:
    """``how are you?`` of ``hi, how are you?``."""
    return text[len(smalltalk.greeting(text)) :].lstrip(" ,.!") or text


def _greeted(text: str, name: str, *, again: bool) -> str | None:
    if not smalltalk.greeting(text) or len(text.split()) > 6:
        return None
    called = f", {name}" if name else ""
    if again:
        return f"Hello again{called}! What can I do for you?"
    return f"Hello{called}! I'm Parley's chat assistant. Tell me about yourself, or try {smalltalk.EXAMPLES}."


def _cannot(text: str, name: str, *, again: bool) -> str:
    """An honest no, and what there is instead; ``again``: said a moment ago."""
    for pattern, what, assistant in _ELSEWHERE:
        if pattern.search(text):
            return _to(name, f"for {what} there is an assistant of its own here: **{assistant}**. I only chat.")
    asked = next((what for pattern, what in _REQUESTS if pattern.search(text)), None)
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
    if again:
        return f"{_to(name, no)} Ask “What can you do?” to see what I can."
    return (
        f"{_to(name, no)} Whoever runs this server can set a model up, and I'd answer you properly.\n\n"
        f"Meanwhile I can remember what you tell me, calculate, convert units and tell jokes. Try {smalltalk.EXAMPLES}."
    )


def _to(name: str, text: str) -> str:
    return sentence(f"{name}, {text}" if name else text)
