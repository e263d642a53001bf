"""In what mood a message is written.

The words are a short list of our own: general sentiment lexicons take "scrap", "waste" and "broken", the stuff of
every conversation here, for complaints.
"""

from __future__ import annotations

from typing import Final, Literal

from assistants.junkjet.words import Phrases, Words, any_of, vocabulary

Sentiment = Literal["positive", "negative", "neutral"]

_MOODS: Final[Phrases[int]] = vocabulary(
    [
        (
            1,
            (
                "(thanks|thank|thx|thankyou|thankful|grateful|great|awesome|love|loved|lovely|happy|excellent|perfect|nice)",
                "(helpful|amazing|wonderful|cool|glad|fantastic|brilliant|superb|pleased|delighted|satisfied|impressed|good)",
                "(super|yay|wow|shukriya|dhanyavaad|dhanyavad|accha|badhiya|enjoy|enjoyed|appreciate|appreciated)",
                "(you_are|you're) the best",
                "i like (it|this|that|you|your)",
                "well done",
                "(works|worked) well",
                "can't complain",
            ),
        ),
        (
            -1,
            (
                "(bad|terrible|awful|hate|hated|angry|useless|worst|worse|cheated|cheat|cheating|scam|scammed|fraud|slow)",
                "(disappointed|disappointing|annoyed|annoying|frustrated|frustrating|rude|ridiculous|horrible|pathetic|unhappy)",
                "(stupid|sad|upset|complaint|complain|unfair|unhelpful|fed_up|nonsense|poor|disgusting|unacceptable|bekar)",
                "(problem|problems|issue|issues|trouble|wrong|ripped_off|rip_off|furious|idiot|idiots|sucks)",
                "too (low|little|expensive|late|long|slow|cheap)",
                "waste of (time|money)",
                "(doesn't|didn't|does_not|did_not|don't|not) (work|working|help|helpful|come|answer|show_up)",
                "never (came|comes|works|worked|answers|answered|showed|called)",
                "no (good|use|help|one_came|response|reply)",
                "(is|this_is) (rubbish|garbage|trash)",
                "thanks for nothing",
                "(don't|dont|do_not|didn't) like",
                "not a (good|great|nice|fair) (price|rate|deal|offer)",
            ),
        ),
        (
            None,
            (
                "good (morning|evening|afternoon|day|night|price|prices|rate|rates|condition|deal)",
                "(best|great|nice|fair|better|excellent) (price|prices|rate|rates|deal|condition|way)",
                "(best|great|nice|fair|better|excellent) (seller|sellers|buyer|buyers|dealer|dealers)",
                "(would|i'd|we'd) love",
                "no (thanks|thank_you)",
                "(wrong|bad) (side|condition|shape)",
                "poor condition",
                "happy to",
                "not too",
                "(slow|super|glad) (cooker|glue|wrap)",
                "(what|which|who|where|who's|what's) (is|are)? (the)? best",
            ),
        ),
    ]
)
_SELF_DENIED = any_of("doesn't didn't does did don't dont do not never no")
"""First words of complaints that hold their own negation; it must not turn them into praise."""
_SMILES = frozenset("😀😃😄😁😊🙂😍🥰👍👏🎉❤💚😎🙏🤩")
_FROWNS = frozenset("😠😡😞😢😭👎🤬😤🙁☹😒💔")


def sentiment_of(words: Words, text: str) -> Sentiment:
    score = 0
    for mood in _MOODS.find(words):
        turned = mood.negated and words.tokens[mood.start] not in _SELF_DENIED
        score += -mood.value if turned else mood.value
    score += sum((char in _SMILES) - (char in _FROWNS) for char in text[:500])
    return "positive" if score > 0 else "negative" if score < 0 else "neutral"
