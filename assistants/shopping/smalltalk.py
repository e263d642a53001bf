"""What people say around shopping: their name, hello, thanks, how shipping and returns work."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assistants.shopping.spelling import brand_of
from assistants.shopping.words import READ_CHARS, bag, clean, words

NAME_CHARS = 30

_NAME = re.compile(r"\b(?:my name is|my name's|call me|this is) ([^\W\d_][\w'-]{0,29})", re.IGNORECASE)
_I_AM = re.compile(r"\b(?:I'm|I am|i'm|i am) ([A-Z][^\W\d_]{1,29})\b(?=\s*(?:[,.!]|and\b|$))")
_NO_NAME = bag("a an the for not my it what how great perfect fine good ok just my too very so all one here there")
_ASKS_NAME = re.compile(r"\bwhat(?:'s| is) my name\b|\bwho am i\b|\b(?:know|remember) my name\b|\bmy name\?")
_GREETING = re.compile(r"^(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day))\b")
_THANKS = re.compile(r"\b(?:thanks|thank you|thx|cheers|much appreciated)\b")
_BYE = re.compile(
    r"\b(?:bye|goodbye|see you|good night|that's all|that is all|that'll be all|nothing else|i'm done|no more)\b"
)
_YES = re.compile(
    r"^(?:yes|yeah|yep|yup|sure|ok|okay|of course|go ahead|do it|please do|absolutely|definitely|gladly)"
    r"(?:[ ,]+(?:please|do|it|that|sure|thanks|thank you|add|do it|go ahead|yes)){0,3}[.!]*$"
)
_NEVER_MIND = re.compile(
    r"^(?:forget (?:it|that)|never ?mind|nevermind|skip (?:it|that)|cancel(?: that)?"
    r"|no thanks?|no thank you|no|nope|not now|not yet)\b"
)
_HELP = re.compile(r"\b(?:help|what can you do|who are you|what are you|how does this work|how do you work)\b")
_INFO: Sequence[tuple[re.Pattern[str], str]] = (
    (
        re.compile(r"\b(?:shipping|delivery|deliver|ship)\b"),
        (
            "I note how you would like your order shipped (standard, express, overnight or pickup), and it stays "
            "with your session. Costs and dates are not known to me here. Which would you like?"
        ),
    ),
    (
        re.compile(r"\b(?:return|returns|refund|refunds|exchange|warranty|guarantee)\b"),
        (
            "Returns and warranty are beyond what I can see here, and I'd rather not guess. What I know well are the "
            "products, their prices and your cart."
        ),
    ),
    (
        re.compile(r"\b(?:payment|paypal|credit card|visa|mastercard|invoice|pay by|pay with)\b"),
        "No payment is taken here: **checkout** records your order, and that is all.",
    ),
    (
        re.compile(r"\b(?:coupons?|vouchers?|discounts?|promos?|promotions?|sale|sales|deals?)\b"),
        (
            "There are no coupons or promotions here; every price you see is the price. I can look for the best value, "
            "though: tell me what you need and what you would like to spend."
        ),
    ),
)


def said_name(message: str) -> str | None:
    """The name that somebody gives: ``my name is Sam``, ``I'm Sam``; None where none is given."""
    text = clean(message[:READ_CHARS])
    for pattern in (_NAME, _I_AM):
        found = pattern.search(text.replace("’", "'"))
        if found and found[1].casefold() not in _NO_NAME and not brand_of(found[1]):
            name = found[1][:NAME_CHARS]
            return name if name[0].isupper() else name.capitalize()
    return None


def known_name(document: Mapping[str, Any], history: Sequence[tuple[str, str]] = ()) -> str | None:
    """The shopper's name as the session has it, or as it was said in the history."""
    stored = document.get("name")
    if isinstance(stored, str):
        return stored
    return next((name for role, text in reversed(history) if role == "human" and (name := said_name(text))), None)


def asks_name(text: str) -> bool:
    """Whether a ``normal`` text asks for the shopper's own name."""
    return bool(_ASKS_NAME.search(text))


def is_greeting(text: str) -> bool:
    """Whether a ``normal`` text is a greeting and little else."""
    return bool(_GREETING.match(text)) and len(words(text)) <= 6


def greets(text: str) -> bool:
    """Whether a ``normal`` text begins with a greeting, whatever comes after it."""
    return bool(_GREETING.match(text))


def is_thanks(text: str) -> bool:
    return bool(_THANKS.search(text)) and len(words(text)) <= 8


def is_bye(text: str) -> bool:
    return bool(_BYE.search(text)) and len(words(text)) <= 8


def is_yes(text: str) -> bool:
    """Whether a ``normal`` text agrees, and says nothing else."""
    return bool(_YES.match(text))


def is_never_mind(text: str) -> bool:
    return bool(_NEVER_MIND.match(text)) and len(words(text)) <= 6


def is_help(text: str) -> bool:
    return bool(_HELP.search(text)) and len(words(text)) <= 10


def information(text: str) -> str | None:
    """What is to be said about shipping, returns, payment or discounts; None where the text is about none of them."""
    return next((answer for pattern, answer in _INFO if pattern.search(text)), None)
