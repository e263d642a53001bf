"""Where a message wants to look: around the speaker's current position or around their home."""

from __future__ import annotations

import itertools
from typing import Final, Literal

from assistants.junkjet.words import Phrases, Words, any_of, vocabulary

Location = Literal["current", "home"]

_PLACE_CUES: Final[Phrases[Location]] = vocabulary(
    [
        (
            "current",
            (
                "(near|around|close_to|closest_to|nearest_to|next_to|by|beside) (me|us|here)",
                "(near|close) by",
                "(nearby|nearest|closest|nearer|here)",
                "(my|our) (current|present|live|exact)? (location|position|gps|surroundings|vicinity)",
                "(current|present|live) (location|position)",
                "where (i|we) (am|are|live_now)",
                "(in|from|around) (my|our|this) (area|neighbourhood|neighborhood|locality|city|town|street|place)",
                "around the corner",
                "walking distance",
                "(mere|mera) paas",
            ),
        ),
        (
            "home",
            (
                "(home|ghar)",
                "(my|our) (own)? (home|house|place|flat|apartment|residence|doorstep|address)",
                "(home|house|residential|registered|saved) (address|location)",
                "(at|from|near|to) (my|our) (home|house|place|flat|apartment|residence)",
                "where i live",
            ),
        ),
        (
            None,
            (
                "here (is|are|to|we|you|goes|it|and|comes|for|because)",
                "(new|same|been|up) here",
                "are you (here|there)",
                "(work|working|works) from home",
                "home (page|screen|button|run|made|appliance|appliances|office|grown|delivery|loan)",
                "(go|going|went|get|got|come|coming|came|drive|driving|drove|heading|head|take|on_my_way) home",
                "(write|feel|nursing|funeral) home",
                "home (depot|town)",
                "at home with",
                "to write home about",
                "in (the|first) place",
            ),
        ),
    ]
)
_SUPERLATIVES = frozenset({"nearest", "closest", "nearer"})
_OWN = any_of("me us my our here home")


def location_of(words: Words) -> Location | None:
    found: set[Location] = set()
    for cue in _PLACE_CUES.find(words):
        if not cue.negated and not _near_something_else(words, cue.start, cue.end):
            found.add(cue.value)
    if "home" in found:  # "the nearest dealer to my house" is about the house
        return "home"
    return "current" if found else None


def _near_something_else(words: Words, start: int, end: int) -> bool:
    """ "The nearest dealer **to Pune station**" is not about where the speaker is."""
    if words.tokens[start] not in _SUPERLATIVES or end - start > 1:
        return False
    after = words.after(end, 8)
    return any(
        word in ("to", "in", "around", "near", "of") and following not in _OWN
        for word, following in itertools.pairwise(after)
    )
