"""English words that a search has to know: those that say nothing, those that say little, and numbers."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> list[str]:
    return text.split()


# How something is asked, not what it is about. Question words are here on purpose: "who" is in no article that
# answers it.
STOP_WORDS: Final = frozenset(
    _words("""
        a about above after again against ago all almost along already also although always am among an and another any
        anybody anyone anything are around as at away be became because become been before behind being below between
        both but by can cannot could did do does doing done down during each either else even ever every everybody
        everyone everything far few for from further gave get gets getting give given gives go goes going gone got had
        has have having he her here hers herself him himself his how however i if in instead into is it its itself just
        keep let like made make makes many may me might mine more most much must my myself near neither never no nobody
        none nor not nothing now of off often on once one only onto or other others ought our ours out over own per
        please quite rather really said same say saying says shall she should since so some somebody someone something
        soon still such take taken takes tell tells than that the their theirs them themselves then there these they
        thing things this those though through till to together too took toward towards under until up upon us very via
        was way we well went were what whatever when where whether which while who whole whom whose why will with
        within without would yes yet you your yours yourself dont didnt doesnt isnt arent wasnt werent hasnt havent
        hadnt cant couldnt wont wouldnt shouldnt whats whos wheres hows whens thats theres im ive id youre youve theyre
        theyve weve ok okay
    """)
)

# Words of everyday that are in every paper and every question. They help to rank, but say little about what is meant;
# a small collection cannot know that from its own counts.
EVERYDAY_WORDS: Final = frozenset(
    _words("""
        ask back bad become begin best better big build call care case change city come cost country date day die
        different do early easy end ever fact fall feel few find first follow friend full game good great group hand
        happen hard help high home hour house idea job joke know last late learn leave life list live long look lose
        lot man mean meet money month morning move name need new news next night number old open part pay people person
        place plan play point power price problem question read release right run school second see send show side
        small speak stand start state stay stop story student study system talk team time today tomorrow try turn use
        wait want week win won woman word work world write year yesterday young best worst found made seen left lost
        paid sold told bought built
    """)
)

# Numbers are written both ways in the same newspaper. ("One" is mostly a pronoun.)
NUMBER_WORDS: Final = {
    word: str(number)
    for number, word in enumerate(
        _words(
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
            "eighteen nineteen twenty"
        ),
        start=2,
    )
}
