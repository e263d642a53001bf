"""Greetings, thanks, names and the like: what the offline rules answer without a tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from agent.recall import what_was_said
from assistants.junkjet.details import Details
from assistants.junkjet.prices import kilograms
from assistants.junkjet.understanding import Understanding
from assistants.junkjet.words import Phrases, Words, any_of, vocabulary

_Talk = Literal["greeting", "thanks", "bye", "ask name", "recall", "how are you", "human", "forget", "yes", "no"]

_TALK: Final[Phrases[_Talk]] = vocabulary(
    [
        ("greeting", ("(hi|hii|hello|hey|namaste|namaskar|greetings|hola|yo)", "good (morning|afternoon|evening|day)")),
        ("thanks", ("(thanks|thank|thx|thankyou|cheers|shukriya|dhanyavaad|dhanyavad)",)),
        (
            "bye",
            ("(bye|goodbye|cya)", "good night", "(see|talk_to) you", "that's all", "that is all", "that will be all"),
        ),
        (
            "ask name",
            (
                "(what's|whats|what_is|what_was) my name",
                "my name (again|was)",
                "(remember|know|recall) (my name|who_i_am)",
                "remember my name",
                "know my name",
                "who am i",
            ),
        ),
        (
            "recall",
            (
                "what (was|am|were) (i|we) (selling|buying|saying|asking|talking|discussing)",
                "what (did|have) (i|we) (say|said|tell|told|ask|asked|discuss|discussed|talk)",
                "what do you (know|remember) (about_me)?",
                "(do|can) you remember (me|us|what|anything)?",
                "where (were|was) (we|i)",
            ),
        ),
        ("how are you", ("how (are|r) (you|u)", "how is it going", "how's it going", "how do you do", "what's up")),
        (
            "human",
            ("are you (a|an)? (bot|robot|human|machine|person|real|ai)", "(talk|speak) to (a|an)? (human|person)"),
        ),
        ("forget", ("(forget|delete|clear|erase|reset) (me|my|this|everything|our|the) (session|chat|data|history)?",)),
        ("yes", ("(yes|yeah|yep|sure|ok|okay|haan|alright)", "(go_ahead|of_course|please_do)")),
        ("no", ("(no|nope|nah|nahi)", "(not_now|nothing_else|no_thanks)")),
    ]
)
_PLACES_IN_TIME: Final = any_of("first last previous just")
_ASKING: Final = any_of("what how why which when where who can could do does is are should")
_DEALS: Final = any_of("sell selling buy buying")
_SHORT: Final = 6

History = Sequence[tuple[str, str]]
"""(role, text), oldest first."""


def small_talk(
    message: str, said: Understanding, details: Details, profile: Mapping[str, Any], history: History = ()
) -> str | None:
    """A reply to what is no request: politeness, a name, a question about the conversation itself."""
    words = Words.of(message)
    if not words.spoken:
        return (
            "I did not catch any words there. Tell me a material, for example copper, or ask what something is worth."
        )
    talk = {found.value for found in _TALK.find(words)}
    if _PLACES_IN_TIME & set(words.spoken) and (said_then := what_was_said(message, history)):
        return said_then
    if "ask name" in talk:
        name = profile.get("name")
        return f"You are {name}." if name else "You have not told me your name yet. What should I call you?"
    if "recall" in talk:
        return _recollection(profile)
    if said.intent != "general":
        return None
    if details.name:
        return f"Nice to meet you, {details.name}! What would you like to sell, buy or price today?"
    if "human" in talk:
        return "I am JunkJet's chatbot. I know prices, buyers and sellers; the people in the directory answer by phone."
    if "forget" in talk:
        return (
            "Our chat is forgotten by itself some minutes after your last message. To clear it at once, use the app's "
            '"clear session".'
        )
    return _politeness(talk, words, said, details, profile)


def affirms(message: str) -> bool:
    """Whether a message only says yes: go on with what was begun."""
    words = Words.of(message)
    return len(words.spoken) <= 3 and {found.value for found in _TALK.find(words)} == {"yes"}


def greets(message: str) -> bool:
    """Whether a message begins with a greeting."""
    return any(found.value == "greeting" and found.start == 0 for found in _TALK.find(Words.of(message)))


def _politeness(
    talk: set[_Talk], words: Words, said: Understanding, details: Details, profile: Mapping[str, Any]
) -> str | None:
    name = f", {profile['name']}" if "name" in profile else ""
    news = bool(said.materials or details.amount_kg or details.place or details.unsure or said.location)
    if news:
        return None
    if "bye" in talk:
        return f"Goodbye{name}, and good luck with your scrap! Come back when there is something new to sell."
    if "thanks" in talk and not _ASKING & set(words.spoken):
        return f"You are welcome{name}! I am here when there is something new."
    if "how are you" in talk:
        return f"All well here, thank you{name}! What can I do for you: sell, buy, or check a price?"
    if _declines(words):
        return f"All right{name}, then we leave it. Just say when you need a price, a buyer or a seller."
    if "greeting" in talk:
        return _greeting(name, profile)
    if said.sentiment == "negative":
        return (
            f"I am sorry about that{name}. Tell me what went wrong, or name a material and a city and I will look for "
            "someone else."
        )
    if said.sentiment == "positive" and len(words.spoken) <= _SHORT:
        return f"Glad to hear that{name}! Anything else you would like to sell, buy or price?"
    if "no" in talk and len(words.spoken) <= _SHORT:
        return f"All right{name}. I am here when you need a price or a buyer."
    return None


def _declines(words: Words) -> bool:
    """ "I don't want to sell anymore"."""
    return any(denied and word in _DEALS for word, denied in zip(words.tokens, words.negated, strict=True))


def _greeting(name: str, profile: Mapping[str, Any]) -> str:
    if "material" in profile:
        return f"Hello again{name}! Shall we go on with your {_lot(profile)}, or is it something new today?"
    return (
        f"Hello{name}, I am JunkJet's assistant. I can tell you what scrap is worth and who buys or sells it near you. "
        "What do you have, or what are you looking for?"
    )


def _recollection(profile: Mapping[str, Any]) -> str:
    known = []
    if "name" in profile:
        known.append(f"you are {profile['name']}")
    if "material" in profile:
        known.append(f"it was about {_lot(profile)}")
    others = [name for name in profile.get("preferences", {}) if name != profile.get("material")]
    if others:
        known.append(f"you also mentioned {' and '.join(others[-3:])}")
    if "city" in profile:
        known.append(f"the place is {profile['city']}")
    if not known:
        return "We have only just begun: you have not told me a material or a place yet. What is it about?"
    return f"Of course: {', '.join(known)}. Shall we go on from there?"


def _lot(profile: Mapping[str, Any]) -> str:
    amount = f"{kilograms(profile['amountKg'])} of " if "amountKg" in profile else ""
    return f"{amount}{profile['material']}"
