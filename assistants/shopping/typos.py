"""Slight typos: the known word that is one or two slips of the finger away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from itertools import combinations

from assistants.shopping.words import bag

LONGEST = 16
"""Longer words are left alone: none is known, and the work for one grows with the square of its length."""

NEVER = bag(
    """
    apply applied apples cares caring carts charge charged charges check checks class clear comes could cover covers
    dress every fight first games gaming going house large later light lights makes minute month mouse never night north
    offer order orders other party paper phase photo photos plane plans plate please point power price prices print
    quick quiet right rings round scale score screen series serve share sharp shirt shoes short should since small
    smart sound sounds space speak spoke stand start state steam still stock stone store story street style sugar sweet
    switch table tables taken taste teams terms thank thanks there these thing things think third those three tiger
    times today total touch tower track trade train treat tried truck trust under until upper usual value video visit
    voice watch water weather which while white whole whose woman women words world would write wrong years young
    pricing budget better monday speaking watching
    """
)
"""Everyday words that lie next to a product word (``apply`` – Apple) and are meant as they stand."""


class Speller:
    """Corrects towards ``known`` words. Looks a word up by what is left of it after one or two deletions, so that the
    time does not depend on how many words are known."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = frozenset(known)
        self._by_rest: dict[str, set[str]] = defaultdict(set)
        for word in self._known:
            if 4 <= len(word) <= LONGEST and word.isalpha():
                for rest in _rests(word, _slips(word)):
                    self._by_rest[rest].add(word)

    def correct(self, word: str) -> str:
        """The word meant, or the word itself. The first letter is taken as right, and short words as meant."""
        if word in self._known or word in NEVER or not 5 <= len(word) <= LONGEST or not word.isalpha():
            return word
        near = {known for rest in _rests(word, _slips(word)) for known in self._by_rest.get(rest, ())}
        ranked = sorted(
            (slips, known)
            for known in near
            if known[0] == word[0] and (slips := distance(word, known)) <= min(_slips(word), _slips(known))
        )
        return ranked[0][1] if ranked else word


def _slips(word: str) -> int:
    return 1 if len(word) < 8 else 2


def _rests(word: str, most: int) -> set[str]:
    rests = {word}
    for count in range(1, most + 1):
        for gone in combinations(range(len(word)), count):
            rests.add("".join(letter for at, letter in enumerate(word) if at not in gone))
    return rests


def distance(one: str, other: str) -> int:
    """How many insertions, deletions, substitutions and swaps of neighbours turn ``one`` into ``other``."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        current = [i]
        for j, b in enumerate(other, 1):
            best = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (a != b))
            if before and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            current.append(best)
        before, row = row, current
    return row[-1]
