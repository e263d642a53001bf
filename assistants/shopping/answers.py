"""The answer cache of a session: the same question in the same context is not asked of the model twice.

A reply is not stored a second time: the turn that gave it carries the question's key in its ``data``, and the session
keeps the newest keys. So an answer is forgotten with its turn, and the cache with its session.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from assistants.shopping.catalogue import catalogue
from assistants.shopping.document import trim
from assistants.shopping.references import refers_back
from assistants.shopping.words import STOP_WORDS, bag, normal, words
from memory.session import Turn

KEPT = 20
"""How many answers a session keeps, the newest."""

DATA = "_answer_key"
"""Under this name a turn's ``data`` says which question it answers."""

_ACTS = bag(
    """
    add remove delete buy purchase checkout order put clear empty cancel pay prefer like love budget call name recommend
    drop take shipping discard hi hello hey thanks thank bye goodbye yes no yeah nope ok okay bought purchases purchased
    """
)
_OPENS_ON = ("and ", "or ", "but ", "what about ", "how about ", "so ", "then ", "only ", "just ", "now ")


@dataclass(frozen=True, slots=True)
class Known:
    """An answer that was given before: the reply, and the ``data`` that went with it."""

    reply: str
    data: Mapping[str, Any]


def key(question: str, document: Mapping[str, Any]) -> str | None:
    """What a question is remembered under in this context, or None where it must be answered anew.

    The context is preferences, cart and purchases, and the catalogue. Questions that refer back, that do something or
    that say too little to stand alone have no key.
    """
    text = normal(question)
    tokens = words(text)
    telling = [word for word in tokens if word not in STOP_WORDS]
    if refers_back(question) or text.startswith(_OPENS_ON) or not telling or _ACTS.intersection(tokens):
        return None
    # What lies beyond the part that is read for its meaning is part of the question all the same.
    said = " ".join(question.encode("utf-8", "replace").decode("utf-8").casefold().split()).rstrip("?!. ")
    context = orjson.dumps(
        [
            catalogue().digest,
            document.get("preferences", {}),
            document.get("avoided", []),
            document.get("cart", {}),
            document.get("cart_stats", {}).get("purchased", 0),
        ],
        option=orjson.OPT_SORT_KEYS,
    )
    return hashlib.blake2b(said.encode() + b"\0" + context, digest_size=8).hexdigest()


def find(question_key: str | None, document: Mapping[str, Any], history: Sequence[Turn]) -> Known | None:
    """The newest answer under this key among the turns of this session, or None."""
    if question_key is None or question_key not in (document.get("answers") or ()):
        return None
    for turn in reversed(history):
        if turn.data.get(DATA) == question_key and turn.response and not turn.interrupted:
            return Known(turn.response, turn.data)
    return None


def remember(document: dict[str, Any], question_key: str) -> None:
    """Let the key be found from now on."""
    kept = [known for known in document.get("answers") or () if known != question_key]
    document["answers"] = [*kept, question_key][-KEPT:]
    trim(document)


def count(document: dict[str, Any], *, hit: bool) -> None:
    """One more question that could, or could not, be answered from the cache."""
    counted = counts(document)
    name = "hits" if hit else "misses"
    document["cache"] = {**counted, name: counted[name] + 1}


def counts(document: Mapping[str, Any]) -> dict[str, int]:
    """``{hits, misses}`` of this session; questions that have no key count as neither."""
    counted = document.get("cache") or {}
    return {"hits": counted.get("hits", 0), "misses": counted.get("misses", 0)}
