"""Questions about the person themselves, answered from what they told."""

from __future__ import annotations

import re
from typing import Final

from assistants.chat.facts import Facts, key_of
from assistants.chat.phrases import any_of, listed, sentence

_ALL_OF_ME = any_of(
    r"what (?:do|did|can) you (?:know|remember|learn|recall)(?: so far)? (?:about|of) me\b",
    r"do you (?:still )?(?:remember|know) (?:me|who i am|anything about me)\b",
    r"what (?:have i told|did i tell) you(?: about (?:me|myself))?(?: so far)?\W*$",
    r"tell me (?:about myself|what you know about me)\b",
    r"what do you (?:remember|know)\W*$",
)
_MY_NAME = any_of(
    r"what(?:'s| is| was) my name\b",
    r"who am i\b",
    r"(?:do|did|can) you (?:still )?(?:know|remember|recall) my name\b",
    r"(?:say|tell me) my name\b",
)
_IS_IT_MY_NAME = any_of(
    r"is my name (?P<guess>[^\W\d_][\w' -]{0,40}?)\W*$", r"am i called (?P<other>[^\W\d_][\w' -]{0,40}?)\W*$"
)
# (what is asked, what it is known as, the answer, how to tell it)
_ONE_THING: Final = [
    (
        any_of(r"where (?:do i live|am i living)\b", r"(?:what|which) city do i live in\b"),
        "lives",
        "You live in",
        "I live in",
    ),
    (any_of(r"where (?:am i|do i come) from\b"), "from", "You come from", "I'm from"),
    (any_of(r"what (?:do|am) i study(?:ing)?\b"), "studies", "You study", "I study"),
    (any_of(r"how old am i\b", r"what(?:'s| is) my age\b"), "age", "Your age is", "I'm 30 years old, or"),
]
_MY_WORK = any_of(r"what do i (?:do|work)\b", r"what(?:'s| is) my (?:job|profession)\b", r"where do i work\b")
_MY_LIKES = any_of(
    r"what (?:do|things do|else do) i (?:like|love|enjoy)\b", r"what are my (?:hobbies|likes|interests)\b"
)
_MY_DISLIKES = any_of(r"what (?:do|things do) i (?:not like|hate|dislike)\b", r"what don't i like\b")
_DO_I_LIKE = any_of(r"do i (?:like|love|enjoy|hate) (?P<thing>[^?.!]{1,60})")
_MY_PETS = any_of(r"what (?:pets? |animals? )?do i have\b")
_OF_MINE = any_of(
    r"(?:what|who|when|where|which)(?:'s| is| are| was) my (?P<key>[^\W\d_][\w' -]{0,38}?)(?: called| named)?\W*$",
    r"what(?:'s| is) the name of my (?P<other>[^\W\d_][\w' -]{0,38}?)\W*$",
)

_HOW_OLD = any_of(r"how old (?:is|are) (?P<who>[^?.!]{1,60})")
_WHO_IS = any_of(r"(?:who|what)(?:'s| is) (?P<who>(?!my\b|your\b|the\b|an?\b)[^?.!]{1,60})")
_NAMES_OF = re.compile(r"(?:'s|s'?)? names?$|'s$")


def of_person(text: str, facts: Facts) -> str | None:
    """What is asked about the person themselves; ``text`` is the message as ``phrases.plain`` makes it."""
    if _ALL_OF_ME.search(text):
        return _everything(facts)
    if _MY_NAME.search(text):
        return f"Your name is **{facts.name}**." if facts.name else _untold("your name", "My name is …")
    if facts.name and (found := _IS_IT_MY_NAME.search(text)):
        right = (found["guess"] or found["other"]) in (facts.name.lower(), facts.name.lower().split()[0])
        return f"{'Yes' if right else 'No'}, your name is **{facts.name}**."
    for pattern, key, answer, example in _ONE_THING:
        if pattern.search(text):
            return f"{answer} **{facts.single[key]}**." if key in facts.single else _untold("that", f"{example} …")
    if _MY_WORK.search(text):
        work = [
            f"{verb} {facts.single[key]}" for key, verb in (("job", "are"), ("works", "work")) if key in facts.single
        ]
        return f"You {listed(work)}." if work else _untold("that", "I work as …")
    if _MY_LIKES.search(text):
        return _likes(facts)
    if _MY_DISLIKES.search(text):
        return f"You don't like **{listed(facts.dislikes)}**." if facts.dislikes else _untold("that", "I don't like …")
    if _MY_PETS.search(text):
        return f"You have **{listed(facts.has)}**." if facts.has else _untold("that", "I have a …")
    if found := _DO_I_LIKE.search(text):
        return _whether_liked(found["thing"].strip(), facts)
    if found := _HOW_OLD.search(text):
        return _how_old(found["who"].strip(), facts)
    if (found := _WHO_IS.search(text)) and (theirs := _called(found["who"].strip(), facts)):
        return f"**{facts.mine[theirs]}** is your {theirs}."
    if found := _OF_MINE.search(text):
        return _of_theirs(found["key"] or found["other"], facts)
    return None


def _everything(facts: Facts) -> str:
    known = facts.sentences()
    if not known:
        return "Nothing yet, as far as I can see. Tell me your name, where you live or what you like: I'll remember it."
    return "This is what you told me:\n\n" + "\n".join(f"- {fact}" for fact in known)


def _untold(what: str, example: str) -> str:
    return f"You haven't told me {what} yet, at least not as far back as I can see. Just say “{example}”."


def _likes(facts: Facts) -> str:
    known = [f"you like **{listed(facts.likes)}**"] if facts.likes else []
    known += [f"your {key} is {value}" for key, value in facts.mine.items() if key.startswith("favorite ")]
    return sentence(listed(known)) if known else _untold("what you like", "I like …")


def _whether_liked(thing: str, facts: Facts) -> str:
    for things, answer in (
        (facts.likes, "Yes, you told me that you like"),
        (facts.dislikes, "No, you said that you don't like"),
    ):
        known = next((known for known in things if thing in known.lower() or known.lower() in thing), None)
        if known:
            return f"{answer} {known}."
    return f"You haven't told me whether you like {thing}."


def _of_theirs(words: str, facts: Facts) -> str:
    """``dog``, ``dog's name`` and ``sisters name``; also ``dog's age``."""
    if words.endswith("'s age"):
        return _how_old("my " + words.removesuffix("'s age"), facts) or ""
    asked = _NAMES_OF.sub("", words)
    known = facts.mine.get(key_of(asked))
    if known is None:
        return _untold(f"about your {asked}", f"My {asked} is …")
    of_name = f"{asked}'s name" if asked != words else words
    return f"Your {of_name} is **{known}**."


def _how_old(who: str, facts: Facts) -> str | None:
    """``my dog`` or ``rex``."""
    named = _called(who, facts)
    key = named or (facts.last if who in ("he", "she", "it") else key_of(who[3:]) if who.startswith("my ") else "")
    if not key:
        return None
    if key not in facts.ages:
        return _untold(f"how old your {key} is", f"My {key} is 5 years old")
    whose = facts.mine[key] if named else f"Your {key}"
    return f"{whose} is **{facts.ages[key]}** old."


def _called(name: str, facts: Facts) -> str | None:
    """What of theirs has this name (in lower case)."""
    return next((key for key, value in facts.mine.items() if value.lower() == name), None)
