"""The phrases by which an intent shows (what they weigh is decided in ``intents``)."""

from __future__ import annotations

from typing import Final, Literal

from assistants.junkjet.words import Phrases, vocabulary

Cue = Literal[
    "sell",
    "buy",
    "find buyers",
    "find sellers",
    "buyer",
    "seller",
    "price",
    "price word",
    "how",
    "question",
    "opening",  # a question only at the head of its clause
    "topic",
]

_CAN: Final = "(can|could|will|would|might|may|should)"
_DO: Final = "(do|does|will|would|can|could)"
_SOMEONE: Final = (
    "(anyone|anybody|someone|somebody|people|person|company|companies|shop|shops|place|places|factory|factories)"
)
_WHO: Final = "(who|who's|whos)"
_BUYS: Final = "(buy|buys|buying|take|takes|taking|purchase|purchases|collect|collects|collecting|accepts|recycles)"
_SELLS: Final = "(sell|sells|selling|supply|supplies|supplying)"
_PRICE: Final = "(price|prices|rate|rates|value|cost|costs)"
_WHAT_IS: Final = "(what|what's|whats) (is|are|was)?"
_THINGS: Final = "(materials|material|items|waste|scrap|things|stuff)"
_CAN_I: Final = "(do|can|to|should|would|could) (i|we|you|one)?"

CUES: Final[Phrases[Cue]] = vocabulary(
    [
        (
            "sell",
            (
                "(sell|selling|offload|offloading|dispose|disposing|discard|donate|bechna|bechne|bechni)",
                "(get|getting) rid of",
                "(get|make|earn) (some|any)? (money|cash)",
                "(are|is) (you|they|junkjet) (buying|collecting|purchasing)",
                "(sold|taken) off my hands",
                "(get|want|have|need) (it|them|this|that|these|everything) (sold|gone|collected|removed)",
                "(give|throw|clear|throwing|giving|clearing) (away|out)",
                "(pickup|pickups|pick_up|picked_up|picking_up|pick_it_up|pick_them_up)",
                "(scrap|recycle|take|haul) my",
                "collect (my|our|it|them|this|these|everything)",
                "(take|haul) (away|it_away|them_away)",
                "(buy|purchase) (my|our|it_from|them_from|this_from|these_from)",
                f"{_DO} (you|junkjet|u|they) (buy|purchase|collect)",
                "(don't|dont) you (buy|purchase|collect)",
                "for sale",
            ),
        ),
        (
            "buy",
            (
                "(buy|buying|purchase|purchasing|procure|procuring|procurement|acquire|sourcing|kharidna|kharidne)",
                "stock up on",
                "(sell|selling) (me|us)",
                "sell it to (me|us)",
                f"{_DO} (you|junkjet|u) sell",
                "are you selling",
            ),
        ),
        (
            "find buyers",
            (
                "(connect|introduce|link|match) (me|us)",
                "(connections|networking)",
                "(put|get) (me|us) in touch",
                "(contact|phone) (details|number|numbers) of",
                "(what's|what_is|who's|who_is|anything|anyone|anybody) (nearby|near_me|around_me|around_here|close_by)",
                f"{_WHO} {_CAN}? {_BUYS}",
                f"{_WHO} (is|here|actually|wants_to|around_here|else) {_BUYS}",
                f"{_SOMEONE} (who|that)? {_CAN}? {_BUYS}",
                f"{_SOMEONE} (to|who_wants_to|interested_in|willing_to) (buy|buying|take|collect|purchase)",
            ),
        ),
        (
            "find sellers",
            (
                f"{_WHO} {_CAN}? {_SELLS}",
                f"{_WHO} (is|here|actually|wants_to|around_here|else) {_SELLS}",
                f"{_SOMEONE} (who|that)? {_CAN}? {_SELLS}",
                f"{_SOMEONE} to sell (me|us)",
            ),
        ),
        (
            "price",
            (
                "how much (is|are|for|does|do|can|could|will|would|per|money|should|you|cash)",
                "how much (i|we) (get|earn|make)",
                f"{_WHAT_IS} (the|your|its|today's|todays)? (current|latest|going|best|exact)? {_PRICE}",
                "(price|prices|rate|rates|value|cost|worth|pricing|quote|quotation) (of|for)",
                "(price|rate) (list|lists|chart|check|range|today)",
                f"(market|scrap|current|today's|todays|latest|going) {_PRICE}",
                "per (kg|kilo|kilogram|tonne|ton)",
                "(worth|quote|quotation|bhav|daam|kitna|kitne|kitni)",
                "what (do|will|would|can|could) (you|they|buyers|dealers|people) (pay|give|offer)",
                "what (can|will|would|do|could|should) (i|we) (get|earn|make)",
                "(pay|paid|paying) (me|us)? for",
                "what (does|do|will|would|can|could) (it|they|this|that)? (sell|go|fetch)",
                "(sells|goes) for",
            ),
        ),
        (
            "price word",
            ("(price|prices|pricing|rate|rates|cost|costs|expensive|rupees|earn)", "how much", "pay more"),
        ),
        (
            "how",
            (
                "how (it|this|that|everything|junkjet|things) (all)? (works|work|functions)",
                "how (does|do) (it|this|that|everything|junkjet|selling|buying) (all)? (work|function)",
                "how (does|do) (pickup|pickups|payment|payments|prices|pricing) (all)? (work|function)",
                "how does (the|your|this) (app|site|service|platform|process|system|chatbot|thing) work",
                "(what|what's|whats|who|who's|whos) (is|are)? (a)? (junkjet|you|this_app|this_site|this_place)",
                "what does junkjet (do|mean)",
                "about (junkjet|you|yourself|this_app|your_service|the_service)",
                "what (can|do) you (do|offer|accept|take|buy|know|mean)",
                "(tell_me|know|learn|explain|talk|read|hear|info|information|details) (more)? about",
                "(explain|information|info|faq|faqs|instructions)",
                "tell me more",
                "is (it|this|junkjet|the_app|that) (free|safe|legal|legit|real|secure)",
                f"(how|where) {_CAN_I} (register|signup|sign_up|start|join|schedule|book|pay|contact|cancel|use)",
                f"(how|where) {_CAN_I} (separate|sort|segregate|clean|prepare|recycle|store|wash|reuse|compost)",
                f"how {_CAN_I} (pack|bundle|wrap|tie|bring|transport|hand_over)",
                f"(how|where) {_CAN_I} get (started|paid)",
                "(can|could|should) (i|we|you|it|they|this|that) (be)? (recycle|recycled|reused|composted|compost)",
                "(be_recycled|recyclable|recyclables)",
                f"(what|which) (kinds_of|types_of|kind_of|type_of|sort_of)? {_THINGS} (do|does|can|are)",
                "(do|does|can|will|don't|dont) (you|junkjet|they|u) (accept|take|handle|deal_in|support|recycle)",
                "(difference|differences) between",
                "(what|what's|whats|explain) (is|are|does|do)? (the)? (phase|phases|phase1|phase2|phase3)",
                "(which|what) phase",
                "why (should|do|must|would) (i|we|people)? (recycle|recycling|segregate|separate)",
                "why (recycle|recycling)",
                "benefits of",
                "(do|does|will|would|can) (they|you|buyers|dealers) (come|deliver|pick_up|pick_it_up|pick_them_up)",
                "(do|does|will|would|can) (they|you|buyers|dealers) (offer|do|have) (pickup|pickups|a_pickup|delivery)",
                "is (selling|buying) (on|with|at|through)? (junkjet|here|you|this)? (free|safe|legal)",
                "(fee|fees|commission|charges)",
                "(my|personal) data",
                "(privacy|terms_and_conditions|opening_hours|customer_service|customer_care)",
                "(have|got) (a|some|one|another)? (question|questions|doubt|doubts|query)",
            ),
        ),
        ("question", ("(how|what|what's|whats|why|which|when)",)),
        ("opening", ("(is|are|does|do|can|help)",)),
        ("topic", ("(recycle|recycling|recycled|scrap|waste|junk|junkjet|phase|phases|kabad)",)),
        (
            "buyer",
            (
                "(buyer|buyers|purchaser|purchasers|dealer|dealers|recycler|recyclers|trader|traders|reseller|resellers)",
                "(collector|collectors|aggregator|aggregators|kabadi|kabadiwala|kabadiwalas|kabadiwale|kabadiwallah)",
                "(kabaadi|kabariwala|smelter|smelters|scrapper|middleman|middlemen|foundry|foundries)",
                "(scrap|junk|waste|paper|metal|plastic) (dealer|dealers|buyer|buyers|trader|traders|man|guy)",
                "(scrap|junk) (shop|shops|yard|yards)",
                "(scrapyard|scrapyards|junkyard|junkyards|drop_off|dropoff)",
                "(recycling|collection|drop_off|dropoff|buyback) (centre|centres|center|centers|plant|plants)",
                "(recycling|collection|drop_off|dropoff) (point|points|company|companies|unit|facility|facilities)",
            ),
        ),
        ("seller", ("(seller|sellers|supplier|suppliers|vendor|vendors|wholesaler|wholesalers)",)),
        (
            # Sayings, and questions that are not about scrap.
            None,
            (
                "best (seller|sellers|selling)",
                "(hard|short) sell",
                "sell (by|myself|yourself|himself|ourselves|short|out)",
                "selling (point|points|myself|yourself)",
                "buyer's remorse",
                "buy (time|into)",
                "(any|first|second|at_any|heart|interest|exchange) rate",
                "rate (you|this|your|us|me|the|my|it|him)",
                "worth (it|my|the|your|a|trying|every|while|mentioning|noting|repeating)",
                "worth of",
                "(pay|pays|paid|paying) attention",
                "(garbage|data|stamp|coin|debt|tax|bill) (collector|collectors)",
                "(drug|car|art|card|poker) (dealer|dealers)",
                "what (is|are|was) (up|going_on|new|the_time|the_weather)",
                "(what's|whats) (up|going_on|new)",
                "how (are|is) (you|it_going|everything|things|life|your_day)",
                "how do you do",
                "(what_is|what's|whats|what_was) my name",
                "my name again",
                "who am i",
                "take it easy",
                "cost of living",
                "(what|how) about",  # "and what about copper?" asks for whatever was asked before
                "(not_sure|no_idea|no_clue|don't_know|dont_know) (how)? (much|many)",
            ),
        ),
    ]
)
