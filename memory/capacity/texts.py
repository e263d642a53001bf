"""Turns of given lengths, encoded by the codec as they are stored: how many bytes a row has is not guessed.

``prose`` is Python's own documentation, which the codec's dictionary has not seen; ``random`` are random letters and
spaces, which compress less than anything that people write.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from functools import cache

from memory.capacity.workload import Workload
from memory.codec import encode_turn
from memory.session import Message, Turn

SPREAD = 0.5
"""Sigma of the lengths' log-normal distribution: two thirds lie between 0.6 × and 1.6 × the median."""

_STARTED = 1_790_000_000_000


def sample(workload: Workload, turns: int = 1_000, seed: int = 1) -> list[Turn]:
    """Turns as the workload's users have them; always the same ones for a seed."""
    chance = random.Random(seed)
    text = {"prose": _prose, "random": _letters}[workload.text]
    return [_turn(workload, chance, text) for _ in range(turns)]


def _turn(workload: Workload, chance: random.Random, text: Callable[[random.Random, int], str]) -> Turn:
    def of(mean: int) -> str:
        return text(chance, max(1, round(mean * chance.lognormvariate(-SPREAD * SPREAD / 2, SPREAD))))

    keyed = chance.random() < workload.keyed
    messages = [Message("human", of(workload.message)), Message("ai", of(workload.reply))]
    if workload.tools:
        call = {
            "tool_calls": [{"name": "search", "args": {"query": of(20)}, "id": f"call_{chance.randbytes(12).hex()}"}]
        }
        messages[1:1] = [Message("ai", "", call), Message("tool", of(workload.tools), {"tool_call_id": "call_0"})]
    return Turn(
        # The lengths of the engine's ids: a hash of the key, or a random word.
        id="".join(chance.choices(string.ascii_letters, k=16 if keyed else 11)),
        session_started=_STARTED,
        began=_STARTED + chance.randrange(3_600_000),
        took=round(1000 * workload.model_seconds * chance.lognormvariate(0, SPREAD)),
        messages=tuple(messages),
    )


def rows(turns: list[Turn]) -> list[int]:
    """Bytes of each, as stored."""
    return [len(encode_turn(turn)) for turn in turns]


def _letters(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(string.ascii_lowercase + "     ", k=length))


@cache
def _library() -> str:
    from pydoc_data.topics import topics

    return re.sub(r"\s+", " ", " ".join(topics[name] for name in sorted(topics)))


def _prose(chance: random.Random, length: int) -> str:
    library = _library()
    at = chance.randrange(len(library) - length) if length < len(library) else 0
    return library[at : at + length].ljust(length)
