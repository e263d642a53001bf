"""Words and phrases of a message: what the vocabularies of this assistant are matched against.

Everything here takes time proportional to the length of the text: one pass to cut it into words, one for phrases.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Generic, TypeVar

MAX_CHARS: Final = 8_000
"""What is read of a message; no more is accepted from clients either."""

_WORD = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[^\W_]+(?:'[^\W_]+)*|[.,!?;:\n()]")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'", "\u00b4": "'"})
BREAKS: Final = frozenset(".,!?;:\n()")
"""Tokens that end a clause; no phrase and no negation reaches over one."""

Value = TypeVar("Value")
Pattern = tuple[str, ...]


def any_of(words: str) -> frozenset[str]:
    """The words of ``words``, to look one up among them."""
    return frozenset(words.split())


def normalize(text: str) -> str:
    """``text`` in one case and one form (full-width letters, typographic apostrophes), at most ``MAX_CHARS`` long."""
    text = text[:MAX_CHARS].translate(_APOSTROPHES)
    return unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)[:MAX_CHARS]


@dataclass(frozen=True)
class Words:
    """The tokens of a message in order: words, numbers (``2.5``) and clause breaks (``,``)."""

    tokens: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Words:
        return cls(tuple(_WORD.findall(normalize(text))))

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def spoken(self) -> tuple[str, ...]:
        """The words and numbers alone."""
        return tuple(token for token in self.tokens if token not in BREAKS)

    @cached_property
    def negated(self) -> tuple[bool, ...]:
        """For each token, whether it is denied ("I do **not want to sell**")."""
        return tuple(_negation(self.tokens))

    @cached_property
    def clauses(self) -> tuple[int, ...]:
        """For each token, the number of its clause."""
        return tuple(itertools.accumulate(token in BREAKS for token in self.tokens))

    def before(self, index: int, reach: int) -> tuple[str, ...]:
        """Up to ``reach`` words ahead of ``index`` in the same clause."""
        start = index
        while start > 0 and index - start < reach and self.tokens[start - 1] not in BREAKS:
            start -= 1
        return self.tokens[start:index]

    def after(self, index: int, reach: int) -> tuple[str, ...]:
        """Up to ``reach`` words from ``index`` on in the same clause."""
        end = index
        while end < len(self.tokens) and end - index < reach and self.tokens[end] not in BREAKS:
            end += 1
        return self.tokens[index:end]


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """A phrase that was found: what it means, and which tokens (``start`` to ``end``, exclusive) said so."""

    value: Value
    start: int
    end: int
    negated: bool


def expand(pattern: str) -> Iterator[Pattern]:
    """Every way to say ``pattern``: ``(a|b)`` is a choice, ``(a|b)?`` may be left out, ``_`` joins words of a choice.

    >>> sorted(expand("who (will|does)? buy"))
    [('who', 'buy'), ('who', 'does', 'buy'), ('who', 'will', 'buy')]
    """
    choices: list[list[str]] = []
    for part in pattern.split():
        options = part.rstrip("?").strip("()").split("|")
        choices.append([*options, ""] if part.endswith("?") else options)
    for choice in itertools.product(*choices):
        yield tuple(word for option in choice if option for word in option.split("_"))


@dataclass(frozen=True)
class Phrases(Generic[Value]):
    """A vocabulary: patterns (see ``expand``) and what they mean. Of several that fit, the longest counts.

    A pattern that means None stands for "not this one": it takes its words away from shorter patterns.
    """

    meanings: Mapping[str, Value | None]
    _patterns: dict[Pattern, Value | None] = field(init=False, repr=False, default_factory=dict)
    _lengths: dict[str, list[int]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for pattern, value in self.meanings.items():
            for words in expand(pattern):
                self._patterns[words] = value
        for words in self._patterns:
            lengths = self._lengths.setdefault(words[0], [])
            if len(words) not in lengths:
                lengths.append(len(words))
        for lengths in self._lengths.values():
            lengths.sort(reverse=True)

    def find(self, words: Words) -> Iterator[Found[Value]]:
        """All phrases in ``words`` from left to right; they do not overlap."""
        index = 0
        while index < len(words):
            pattern = self._longest(words.tokens, index)
            value = self._patterns[pattern] if pattern else None
            end = index + max(1, len(pattern))
            if value is not None:
                yield Found(value, index, end, words.negated[index])
            index = end

    def _longest(self, tokens: tuple[str, ...], index: int) -> Pattern:
        """The longest pattern that begins at ``index``, or the empty one."""
        for length in self._lengths.get(tokens[index], ()):
            pattern = tokens[index : index + length]
            if pattern in self._patterns:
                return pattern
        return ()


def vocabulary(entries: Iterable[tuple[Value | None, Sequence[str]]]) -> Phrases[Value]:
    """``Phrases`` from (meaning, patterns) pairs."""
    return Phrases({pattern: value for value, patterns in entries for pattern in patterns})


# --- negation ---------------------------------------------------------------------------------------------------------

_REACH: Final = 6
"""How many words a negation reaches at most: "not at the moment want to sell"."""
_NEGATORS = any_of(
    "no not never neither nor without nothing none don't dont doesn't doesnt didn't didnt won't wont wouldn't wouldnt "
    "isn't isnt aren't arent wasn't wasnt ain't aint haven't havent hasn't hasnt hadn't shouldn't needn't except "
    "stop stopped quit refuse refused avoid unwilling nahi nahin"
)
# "can't sell" is a wish that meets a difficulty, so ability is not on the list above.
_INVERTED = any_of("isn't isnt aren't arent wasn't doesn't doesnt won't wouldn't wouldnt shouldn't hasn't")
_SUBJECTS = any_of("i i'm im i'd i'll i've we we're we'd you they there it he she someone anyone anybody")
_SCOPE_ENDS = any_of(
    "i i'm im i'd i'll i've we we're we'd we've but only just however although though so then because "
    "what what's how where who which please"
)
_OPINIONS = any_of("think believe suppose feel guess")
"""A negation reaches over these to what is thought: "I don't think I want to sell"."""
_NO_NEGATION = frozenset(
    words
    for pattern in (
        "not (only|just|sure|certain|yet)",
        "no (idea|clue|problem|problems|worries|doubt|thanks|thank|matter|wonder)",
        "(don't|dont|do_not|doesn't|didn't) (mind|hesitate|know|understand|forget|worry)",
        "(wouldn't|wouldnt|would_not|won't) (mind|hesitate|know|forget)",
        "(don't|dont|do_not) (you|they)",
        "why (not|don't|dont)",
        "nothing (but|else)",
        "(do|did|will|would|could|can) (you|they) not",
        "if not",
        "or not",
        "stop by",
    )
    for words in expand(pattern)
)
_TWO_WORD_NEGATORS = frozenset({("instead", "of"), ("rather", "than"), ("other", "than"), ("apart", "from")})


def _negation(tokens: tuple[str, ...]) -> list[bool]:
    flags = [False] * len(tokens)
    reach = 0  # tokens that are still denied
    harmless_until = 0  # end of a phrase like "not only", whose negator denies nothing
    for index, token in enumerate(tokens):
        for length in (4, 3, 2):
            if tokens[index : index + length] in _NO_NEGATION:
                harmless_until = max(harmless_until, index + length)
        if reach and index and tokens[index - 1] in _OPINIONS and token in _SUBJECTS:
            reach = _REACH
        elif token in BREAKS or token in _SCOPE_ENDS:
            reach = 0
        elif index >= harmless_until and _denies(tokens, index):
            reach = _REACH + 1
        flags[index] = reach > 0
        reach = max(0, reach - 1)
    return flags


def _denies(tokens: tuple[str, ...], index: int) -> bool:
    token = tokens[index]
    if index > 0 and (tokens[index - 1], token) in _TWO_WORD_NEGATORS:
        return True
    if token not in _NEGATORS:
        return False
    following = tokens[index + 1] if index + 1 < len(tokens) else ""
    if token.endswith(("n't", "nt")):
        opens_clause = index == 0 or tokens[index - 1] in BREAKS
        # "Don't you buy copper?", "Isn't plastic recyclable?" ask; they deny nothing.
        return not (following in _SUBJECTS or (opens_clause and token in _INVERTED))
    return True
