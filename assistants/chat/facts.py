"""What a person has told about themselves, read from their messages by plain rules, and what they ask of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

# Where a fact ends: at punctuation, or where another sentence begins.
_END = r"(?=\s*(?:[.!?;,\n]|$|\band (?:i|my|i'm|i’m)\b|\bbut\b|\bbecause\b|\bso\b|\bwhat\b|\bcan you\b))"
_I_AM = r"\bi(?:'|’)?\s?a?m\b"
_NAME = r"(?P<value>[^\W\d_][\w'’-]*(?:\s+[A-ZÀ-ÞА-Я][\w'’-]*){0,2})"
_THING = rf"(?P<value>[^.!?;\n]{{1,80}}?){_END}"

_NAMED = [
    re.compile(rf"\bmy (?:name|nickname)(?:'s|’s| is)\s+{_NAME}", re.IGNORECASE),
    re.compile(rf"\b(?:call me|i am called|i(?:'|’)m called|i go by)\s+{_NAME}", re.IGNORECASE),
    re.compile(rf"\bremember me as\s+{_NAME}", re.IGNORECASE),
]
# "I'm Anna", but not "I'm tired", "I'm German" or "I'm in a hurry": a capital letter, and nothing behind it.
_INTRODUCED = re.compile(
    r"(?:^|[.!?,]\s*|\b(?:hi|hello|hey)\b[ ,!]*)(?:[Ii](?:'|’)m|[Ii] am|[Tt]his is|[Ii]t(?:'|’)s)\s+"
    r"(?P<value>[A-ZÀ-ÞА-Я][\w'’-]+(?:\s+[A-ZÀ-ÞА-Я][\w'’-]+)?)\s*(?=[.!,]|$|\band (?:i|my)\b)"
)
_NO_NAMES = re.compile(
    r"(?i)\b(?:\w+(?:ish|ese|ean|ian|ican)|german|french|dutch|swiss|greek|czech|thai|christian|muslim|jewish|"
    r"ok|okay|fine|good|sorry|back|here|ready|sure|tired|happy|sad|hungry|bored|not|me)\b"
)
_SINGLE: Final = {
    "lives": re.compile(rf"\bi(?: currently| now)? (?:live|am living|reside) in\s+{_THING}", re.IGNORECASE),
    "moved": re.compile(rf"\bi(?:'ve|’ve| have)?(?: just)? moved to\s+{_THING}", re.IGNORECASE),
    "from": re.compile(rf"(?:{_I_AM}|\bi come) (?:originally )?from\s+{_THING}", re.IGNORECASE),
    "works": re.compile(rf"\bi work\s+(?P<value>(?:as|at|for|in|with)\s+[^.!?;\n]{{1,80}}?){_END}", re.IGNORECASE),
    "studies": re.compile(rf"\bi(?: study|(?:'|’)?\s?a?m studying)\s+{_THING}", re.IGNORECASE),
    "job": re.compile(rf"{_I_AM}\s+(?P<value>an? (?!bit\b|little\b|lot\b)[^.!?;\n]{{2,60}}?){_END}", re.IGNORECASE),
    "age": re.compile(
        rf"(?:{_I_AM}|\bi turned)\s+(?P<value>[1-9]\d?|1[01]\d)(?:\s+years?(?:\s+old)?\b|{_END})", re.IGNORECASE
    ),
}
_LIKES = re.compile(
    rf"\bi(?: really| also| do| just| absolutely)? (?:like|love|enjoy|adore)\s+(?!to know\b|it\b|that\b|you\b){_THING}",
    re.IGNORECASE,
)
_DISLIKES = re.compile(
    r"\bi(?: really| also)? (?:don(?:'|’)?t (?:really )?(?:like|enjoy)|do not (?:like|enjoy)|dislike|hate|can(?:'|’)?t stand)"
    rf"\s+(?!it\b|that\b|you\b){_THING}",
    re.IGNORECASE,
)
_HAS = re.compile(
    rf"\bi have (?P<value>(?:an?|one|two|three|four|five|\d+) (?!question|problem|idea|bit|lot|few)[^.!?;\n]{{1,60}}?){_END}",
    re.IGNORECASE,
)
_MINE = re.compile(
    r"\bmy (?P<key>(?!name\b|nickname\b|question\b|problem\b|guess\b|point\b|idea\b|code\b|message\b)[^\W\d_][\w'’ -]{0,38}?)"
    rf"(?: is called| are called| is named| is| are|(?:'|’)s name is|(?:'|’)s) {_THING}",
    re.IGNORECASE,
)
_REMEMBER = re.compile(
    r"\b(?:please )?(?:remember|note|keep in mind|don(?:'|’)?t forget)(?: that|:)\s+(?P<value>[^?\n]{3,200})", re.IGNORECASE
)
_QUESTION = re.compile(
    r"^\s*(?:so |and |ok |okay |but |do you know |can you tell me |tell me |please )*"
    r"(?:what|who|where|when|why|how|which|do|does|did|is|are|am|was|can|could|would|will|should|have|has)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]*(?:\.(?=\S)[^.!?\n]*)*[.!?\n]?")


@dataclass(slots=True)
class Facts:
    """What is known of a person. ``mine`` holds what they called theirs (``dog``: ``Rex``), ``notes`` what they asked to
    be remembered, each in the order in which it was told."""

    name: str = ""
    single: dict[str, str] = field(default_factory=dict)
    likes: list[str] = field(default_factory=list)
    dislikes: list[str] = field(default_factory=list)
    has: list[str] = field(default_factory=list)
    mine: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any((self.name, self.single, self.likes, self.dislikes, self.has, self.mine, self.notes))

    @property
    def home(self) -> str:
        return self.single.get("lives", "")

    def sentences(self) -> list[str]:
        """All of it, told to the person: ``You live in Zürich``."""
        told = [f"Your name is **{self.name}**"] if self.name else []
        told += [f"{_TOLD[key]} {value}" for key, value in self.single.items()]
        told += [f"You like {listed(self.likes)}"] if self.likes else []
        told += [f"You don't like {listed(self.dislikes)}"] if self.dislikes else []
        told += [f"You have {listed(self.has)}"] if self.has else []
        told += [f"Your {key}: {value}" for key, value in self.mine.items()]
        return told + [f"You asked me to remember: {note}" for note in self.notes]


_TOLD: Final = {
    "lives": "You live in",
    "from": "You come from",
    "works": "You work",
    "studies": "You study",
    "job": "You are",
    "age": "Your age is",
}


def told_in(messages: Iterable[str]) -> Facts:
    """What these messages of a person tell, oldest first; what is said later counts."""
    facts = Facts()
    for message in messages:
        for sentence in _statements(message):
            _read(sentence, facts)
    return facts


def _statements(message: str) -> Iterator[str]:
    """The sentences of a message that tell something."""
    for found in _SENTENCE.finditer(message[:4_000]):
        sentence = found.group().strip()
        if sentence and not sentence.endswith("?") and not _QUESTION.match(sentence):
            yield sentence


def _read(sentence: str, facts: Facts) -> None:
    remembered = _REMEMBER.search(sentence)
    if remembered:
        before = facts.sentences()
        _read(remembered["value"], facts)
        if facts.sentences() == before:
            facts.notes.append(remembered["value"].strip(" .!"))
        return
    for value in _values(_NAMED, sentence):
        facts.name = _proper(value)
    introduced = _INTRODUCED.search(sentence)
    if introduced and not _NO_NAMES.search(introduced["value"]):
        facts.name = introduced["value"]
    for key, pattern in _SINGLE.items():
        for value in _values([pattern], sentence):
            facts.single["lives" if key == "moved" else key] = value
    disliked = [thing for value in _values([_DISLIKES], sentence) for thing in _things(value)]
    liked = [thing for value in _values([_LIKES], sentence) for thing in _things(value)]
    _move(liked, facts.dislikes, facts.likes)
    _move(disliked, facts.likes, facts.dislikes)
    for value in _values([_HAS], sentence):
        _move([value], [], facts.has)
    for found in _MINE.finditer(sentence):
        facts.mine[_key(found["key"])] = _clean(found["value"])


def _values(patterns: Iterable[re.Pattern[str]], sentence: str) -> Iterator[str]:
    for pattern in patterns:
        for found in pattern.finditer(sentence):
            value = _clean(found["value"])
            if value:
                yield value


def _clean(value: str) -> str:
    return re.sub(r"\s+(?:too|very much|a lot|now|as well|please)$", "", " ".join(value.split()).strip(" ,.!:;'\""))


def _proper(name: str) -> str:
    """A name as it was written; with a capital where it was not."""
    words = [word for word in re.split(r"\s+(?:and|but|i|from|what)\b", name, maxsplit=1, flags=re.IGNORECASE)[0].split()]
    return " ".join(word if word != word.lower() else word.capitalize() for word in words)


def _things(value: str) -> list[str]:
    """``tea, books and long walks`` as three things."""
    return [_clean(thing) for thing in re.split(r",\s*(?:and\s+)?|\s+and\s+(?!i\b)", value) if _clean(thing)]


def _move(things: Iterable[str], away_from: list[str], to: list[str]) -> None:
    for thing in things:
        for known in (away_from, to):
            known[:] = [other for other in known if other.lower() != thing.lower()]
        to.append(thing)


def _key(words: str) -> str:
    return " ".join(words.lower().replace("favourite", "favorite").split())


def listed(things: Iterable[str]) -> str:
    """``tea, books and long walks``."""
    *first, last = list(things)
    return f"{', '.join(first)} and {last}" if first else last
