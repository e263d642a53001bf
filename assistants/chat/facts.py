"""What a person has told about themselves, read from their messages by plain rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from assistants.chat.phrases import listed

_LOOKED_AT: Final = 4_000
"""Characters of a message."""

# Where a fact ends: where the sentence does, or where another one begins.
_OTHER = (
    r"\s+and (?:i|my|i'm|he|she|it|they|his|her|its|their)\b"
    r"|,?\s+(?:but|because|so|since|although|what|can you|could you)\b"
)
_END = rf"(?=\s*(?:[.,!?;\n]|$)|{_OTHER})"
_END_OF_LIST = rf"(?=\s*(?:[.!?;\n]|$)|{_OTHER})"
_THING = rf"(?P<value>[^.,!?;\n]{{1,80}}?){_END}"
_THINGS = rf"(?P<value>[^.!?;\n]{{1,200}}?){_END_OF_LIST}"
_NAME = r"(?P<value>[^\W\d_][\w'-]*(?: [^\W\d_][\w'-]*){0,2})"
# Not of "I'm 5 feet tall" or "I'm 1,80 m".
_AGE = rf" (?P<value>[1-9]\d?|1[01]\d)(?: years?(?: old)?\b|(?=\s*$|[.,!;](?:\s|$)|{_OTHER}))"
_I_AM = r"\bi(?:'m| am|m)\b"


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("".join(parts), re.IGNORECASE)


_NAMED: Final = [
    _pattern(r"\bmy (?:name|nickname)(?:'s| is) ", _NAME),
    _pattern(r"\b(?:call me|i am called|i'm called|remember me as) ", _NAME),
]
# No name begins or goes on with these: "my name is Anna and", "call me later".
_NOT_IN_NAMES: Final = """
    a again am an and are at back because but by can crazy do for from good hello here hi how i if in is it later maybe
    my nice no not now on or please pleased so thanks that the to today tomorrow very was what when where who with you
    your
"""
# "I'm Anna", but not "I'm tired", "I'm German" or "I'm in a hurry": with a capital letter, and nothing behind it.
_CAPITALISED = r"[A-Z\u00c0-\u00de\u0410-\u042f][\w'-]+"
_INTRODUCED = re.compile(
    r"(?:^|[.!?,] *|\b(?:[Hh]i|[Hh]ello|[Hh]ey)\b[ ,!]*)(?:[Ii]'m|[Ii] am|[Tt]his is|[Ii]t's) "
    rf"(?P<value>{_CAPITALISED}(?: {_CAPITALISED})?) *(?=[.!,]|$|\band (?:[Ii]|my)\b)"
)
_GREETED_AND_INTRODUCED = _pattern(
    r"^(?:hi|hello|hey)(?: there)?[ ,!]+(?:i'm|i am|im|this is) (?P<value>[^\W\d_]{2,20})[.! ]*$"
)
_NO_NAME = _pattern(
    r"\b(?:\w+(?:ish|ese|ean|ian|ican)|german|french|dutch|swiss|greek|czech|thai|muslim|jewish|ok|okay|fine|good|sorry|",
    r"back|here|ready|sure|tired|happy|sad|hungry|bored|not|me|english|ai)\b",
)
# What there is one of: the newest counts.
_SINGLE: Final = [
    ("lives", _pattern(r"\bi (?:currently |now )?(?:live|am living|reside) in ", _THING)),
    ("lives", _pattern(r"\bi(?:'m| am) living in ", _THING)),
    ("lives", _pattern(r"\bi(?:'ve| have)?(?: just)? moved to ", _THING)),
    ("from", _pattern(rf"(?:{_I_AM}|\bi come) (?:originally )?from ", _THING)),
    ("works", _pattern(rf"\bi work (?P<value>(?:as|at|for|in|with) [^.,!?;\n]{{1,80}}?){_END}")),
    ("studies", _pattern(rf"(?:\bi study|{_I_AM} studying) ", _THING)),
    ("job", _pattern(rf"{_I_AM} (?P<value>an? (?!bit\b|little\b|lot\b|fan\b|big\b)[^.,!?;\n]{{2,60}}?){_END}")),
    ("age", _pattern(_I_AM, _AGE)),
    ("age", _pattern(r"\bi turned", _AGE)),
]
_LIKES: Final = [
    _pattern(
        r"\bi (?:really |also |do |just |absolutely )?(?:like|love|enjoy|adore) ",
        r"(?!to know\b|it\b|that\b|this\b|you\b|your\b)",
        _THINGS,
    ),
    _pattern(_I_AM, r" a (?:big |huge )?fan of ", _THINGS),
]
_DISLIKES: Final = [
    _pattern(
        r"\bi (?:really |also )?(?:don't (?:really )?(?:like|enjoy)|do not (?:like|enjoy)|dislike|hate|can't stand) ",
        r"(?!it\b|that\b|this\b|you\b|your\b)",
        _THINGS,
    )
]
_HAS: Final = [
    _pattern(
        r"\bi have (?P<value>(?:an?|one|two|three|four|five|\d{1,3}) ",
        rf"(?!question|problem|idea|bit\b|lot\b|few\b|look\b)[^.,!?;\n]{{1,60}}?){_END}",
    )
]
_MINE: Final = _pattern(
    r"\bmy (?P<key>(?!(?:name|nickname|question|problem|guess|point|idea|code|message|god)\b)[^\W\d_][\w'-]*?",
    r"(?: (?!(?:because|and|but|that|which|when|if|so|is|are|was)\b)[\w'-]+?){0,2})",
    r"(?: (?:is|are) called| is named|'s name is| is| are|'s) (?!not\b)",
    r"(?P<value>[^!?;\n]{1,80}?)(?=\s*(?:[!?;\n]|\.(?:\s|$)|$)|, |",
    rf"{_OTHER})",
)
_OLD: Final = re.compile(
    r"(?:\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten) (?:weeks?|months?|years?)(?= old$|$)"
)
_THEIR_AGE: Final = _pattern(
    r"\b(?:(?:he|she)(?:'s| is)|(?:it|they)(?:'s| is|'re| are)(?= \d{1,3} \w)) "
    rf"(?P<value>\d{{1,3}})(?: (?P<unit>weeks?|months?|years?))?(?: old\b|{_END})",
)
_THEIR_NAME: Final = _pattern(
    r"\b(?:his|her|its) name(?:'s| is) ", _NAME, r"|\b(?:he|she|it)(?:'s| is) called ", _NAME.replace("value", "other")
)
"""Of whom was spoken last: ``my dog is called Rex and he is 3``, ``I have a cat. Her name is Mia``."""
_A_PET: Final = _pattern(
    r"\bi have an? (?:\w+ )?(?P<key>dog|cat|son|daughter|sister|brother|hamster|horse|bird|fish)\b"
)
_REMEMBER: Final = _pattern(
    r"\b(?:remember|note|keep in mind|don't forget)(?: that|:) (?P<value>[^?\n]{3,200})",
)
_QUESTION: Final = _pattern(
    r"^\s*(?:(?:so|and|ok|okay|but|do you know|can you tell me|tell me|please)\b[ ,]*)*",
    r"(?:what|who|where|when|why|how|which|do|does|did|is|are|am|was|can|could|would|will|should|have|has)\b",
)
_SENTENCE: Final = re.compile(r"[^.!?\n]+(?:\.(?=\S)[^.!?\n]*)*[.!?\n]?")
_ASKED_BESIDES: Final = _pattern(r",\s+(?=(?:and )?(?:what|how|who|where|when|why|can you|could you|do you)\b)")
_POLITE_END: Final = _pattern(r"\s+(?:too|very much|so much|a lot|now|as well|please|the most|best|any ?more)$")

_TOLD: Final = {
    "lives": "You live in",
    "from": "You come from",
    "works": "You work",
    "studies": "You study",
    "job": "You are",
}


@dataclass(slots=True)
class Facts:
    """What is known of a person, each in the order in which it was told.

    ``single`` is what there is one of (lives, from, works, studies, job, age), ``mine`` what they called theirs
    (``dog``: ``Rex``), ``ages`` how old that is, ``notes`` what they asked to be remembered. ``last`` is which of
    theirs was spoken of last: who "he" or "she" is.
    """

    name: str = ""
    single: dict[str, str] = field(default_factory=dict)
    likes: list[str] = field(default_factory=list)
    dislikes: list[str] = field(default_factory=list)
    has: list[str] = field(default_factory=list)
    mine: dict[str, str] = field(default_factory=dict)
    ages: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    last: str = ""

    def sentences(self) -> list[str]:
        """All of it, as the person is told: ``You live in London``."""
        told = [f"Your name is {self.name}"] if self.name else []
        told += [
            f"You are {value} years old" if key == "age" else f"{_TOLD[key]} {value}"
            for key, value in self.single.items()
        ]
        told += [f"You like {listed(self.likes)}"] if self.likes else []
        told += [f"You don't like {listed(self.dislikes)}"] if self.dislikes else []
        told += [f"You have {listed(self.has)}"] if self.has else []
        told += [
            f"Your {key} {'are' if _is_plural(key) else 'is'} {value}"
            + (f", {self.ages[key]} old" if key in self.ages else "")
            for key, value in self.mine.items()
        ]
        told += [f"Your {key} is {age} old" for key, age in self.ages.items() if key not in self.mine]
        return told + [f"You asked me to remember: {note}" for note in self.notes]


def told_in(messages: Iterable[str]) -> Facts:
    """What these messages of a person tell, oldest first; what is said later counts."""
    facts = Facts()
    for message in messages:
        for statement in _statements(message):
            _read(statement, facts)
    return facts


def key_of(words: str) -> str:
    """What something of theirs is known as: ``favourite  Colour`` is ``favorite color``."""
    return " ".join(words.lower().split()).replace("favourite", "favorite").replace("colour", "color")


def _is_plural(key: str) -> bool:
    return key.endswith("s") and not key.endswith(("ss", "us"))


def _statements(message: str) -> Iterator[str]:
    """The sentences of a message that tell something, on one line each."""
    for found in _SENTENCE.finditer(_ASKED_BESIDES.sub(". ", message[:_LOOKED_AT].replace("’", "'"))):
        statement = " ".join(found.group().split())
        if statement and not statement.endswith("?") and not _QUESTION.match(statement):
            yield statement


def _read(statement: str, facts: Facts) -> None:
    asked = _REMEMBER.search(statement)
    if asked:
        before = facts.sentences()
        _read(asked["value"], facts)
        if facts.sentences() == before:
            facts.notes.append(_clean(asked["value"]))
        return
    facts.name = _name_in(statement) or facts.name
    for key, pattern in _SINGLE:
        for value in _values([pattern], statement):
            facts.single[key] = value
    _move(_each(_values(_LIKES, statement)), facts.dislikes, facts.likes)
    _move(_each(_values(_DISLIKES, statement)), facts.likes, facts.dislikes)
    _move(_values(_HAS, statement), [], facts.has)
    for found in _MINE.finditer(statement):
        key, value = key_of(found["key"]), _clean(found["value"])
        facts.last = key
        if age := _OLD.match(value):
            facts.ages[key] = age.group()
        else:
            facts.mine[key] = value
    if owned := _A_PET.search(statement):
        facts.last = key_of(owned["key"])
    if facts.last and (aged := _THEIR_AGE.search(statement)):
        facts.ages[facts.last] = f"{aged['value']} {aged['unit'] or 'years'}"
    named = _THEIR_NAME.search(statement)
    if facts.last and named and (name := _proper(named["value"] or named["other"])):
        facts.mine[facts.last] = name


def _name_in(statement: str) -> str:
    """The name that somebody gives themselves, empty where they give none."""
    for value in _values(_NAMED, statement):
        if name := _proper(value):
            return name
    introduced = _INTRODUCED.search(statement) or _GREETED_AND_INTRODUCED.search(statement)
    if introduced is None or _NO_NAME.search(introduced["value"]):
        return ""
    return _proper(introduced["value"])


def _values(patterns: Iterable[re.Pattern[str]], statement: str) -> Iterator[str]:
    for pattern in patterns:
        for found in pattern.finditer(statement):
            if value := _clean(found["value"]):
                yield value


def _clean(value: str) -> str:
    return _POLITE_END.sub("", value.strip(" ,.!:;'\""))


def _proper(name: str) -> str:
    """A name as it was written, with capitals where it had none, and without the words that only follow it."""
    kept: list[str] = []
    for word in name.split():
        goes_on = not kept or word != word.lower() or kept[0] == kept[0].lower()
        if word.lower() in _NOT_IN_NAMES.split() or not goes_on:
            break
        kept.append(word)
    return " ".join(word.capitalize() if word == word.lower() else word for word in kept)


def _each(values: Iterable[str]) -> Iterator[str]:
    """``tea, books and long walks`` as three things."""
    for value in values:
        for thing in re.split(r",\s*(?:and\s+)?|\s+and\s+", value):
            if _clean(thing):
                yield _clean(thing)


def _move(things: Iterable[str], away_from: list[str], to: list[str]) -> None:
    for thing in things:
        for known in (away_from, to):
            known[:] = [other for other in known if other.lower() != thing.lower()]
        to.append(thing)
