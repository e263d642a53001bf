"""How JunkJet works, in short answers, and how to hand over each material."""

from __future__ import annotations

from typing import Final, Literal

from assistants.junkjet.materials import MATERIALS, Material, material_named
from assistants.junkjet.words import Phrases, Words, any_of, vocabulary

Topic = Literal[
    "overview",
    "selling",
    "buying",
    "phases",
    "prices",
    "pickup",
    "payment",
    "materials",
    "location",
    "preparing",
    "session",
]

_ANSWERS: Final[dict[Topic, str]] = {
    "overview": (
        "JunkJet brings scrap to those who can use it. Households sell to middle buyers, and these sell on to large "
        "recyclers. Here you can ask what a material is worth, find buyers or sellers around a place, and get ready "
        "for a sale. Tell me a material, how many kilos there are, and your city."
    ),
    "selling": (
        "Selling takes four steps:\n"
        "1. Tell me the material, for example copper or newspapers.\n"
        "2. Tell me roughly how many kilos there are.\n"
        "3. See what it may bring.\n"
        '4. Name your city, or say "near me", and get the nearest buyers with phone number and hours.\n\n'
        "You settle the price and the handover with the buyer."
    ),
    "buying": (
        "To buy, name the material and a city. I list sellers around it: household groups and middle buyers with "
        "stock. You call them and agree on quality, price and transport."
    ),
    "phases": (
        "JunkJet knows three kinds of users:\n"
        "- **Phase 1**: households that sell what they no longer need.\n"
        "- **Phase 2**: middle buyers and organisations, such as scrap dealers, shops, schools and offices.\n"
        "- **Phase 3**: large recyclers that process tonnes.\n\n"
        "Phase 1 sells to phase 2 (large lots to phase 3 as well), and phase 2 sells to phase 3."
    ),
    "prices": (
        "I give guide prices in Indian rupees per kilogram, by grade. Clean and sorted material is at the upper end. "
        "They are no live quotes: the buyer names the final price after seeing the material."
    ),
    "pickup": (
        "Pickup is arranged with the buyer: call one from the list, say what there is and how much, and agree on a "
        "time. For small amounts most people bring the material along within the opening hours."
    ),
    "payment": (
        "Chatting here is free. The buyer pays you directly once the material has been weighed. Agree on the price per "
        "kilo beforehand, and watch the scale. I take no payments and never ask for card or bank details."
    ),
    "materials": (
        f"I know {', '.join(MATERIALS[:-1])} and {MATERIALS[-1]}. Everyday words do as well: bottles, newspapers, "
        "cans, wires, laptops, clothes, food scraps."
    ),
    "location": (
        'Name a city or an area and I list people there. If you say "near me", the app searches around your current '
        'position; if you say "near my home", around your saved address.'
    ),
    "preparing": (
        "Keep materials apart, dry and clean: rinse bottles and cans, flatten boxes, tie paper into bundles, strip "
        "plastic from metal where it is easy, and remove personal data from devices. Sorted material brings more."
    ),
    "session": (
        "I remember our chat while you are active. It ends after some minutes of silence, and a few minutes later what "
        "was said is forgotten too. You can clear it at once in the app."
    ),
}

_TIPS: Final[dict[Material, str]] = {
    "plastic": "Rinse bottles, take off the caps and press them flat. PET bottles apart from hard plastic bring more.",
    "paper": "Keep it dry and tie newspapers, office paper and magazines into separate bundles. No greasy paper.",
    "cardboard": "Flatten boxes, take off tape and keep them dry. Greasy pizza boxes go to organic waste.",
    "metal": "Keep iron and brass apart: a magnet sticks to iron only, and brass is worth far more.",
    "aluminum": "Empty and crush cans. A magnet does not stick to aluminum; keep foil apart from solid pieces.",
    "steel": "Keep stainless steel apart from mild steel: a magnet hardly sticks to most stainless grades.",
    "copper": "Bare, shiny wire brings most. Never burn the insulation off: it is poisonous and lowers the price.",
    "glass": "Rinse bottles and jars and keep them whole. Wrap broken glass and mark it.",
    "electronics": "Erase your data and remove batteries that come out. Do not open screens or power supplies.",
    "textile": "Wash and dry clothes, tie shoes in pairs. What can be worn again brings more than rags.",
    "organic": "Keep food and garden waste free of plastic. Collect used cooking oil in a closed bottle.",
}

_TOPICS: Final[Phrases[Topic]] = vocabulary(
    [
        ("phases", ("(phase|phases|phase1|phase2|phase3)", "(kinds|types) of users", "who (can|may) (join|use)")),
        (
            "pickup",
            (
                "(do|will|can) (they|you) come",
                "(pickup|pickups|pick_up|pick_it_up|pick_them_up|collection|schedule|transport|doorstep|delivery|book)",
            ),
        ),
        ("payment", ("(payment|payments|pay|paid|cash|upi|money|fee|fees|free|commission|charge|charges)",)),
        ("prices", ("(price|prices|pricing|rate|rates|worth|value)",)),
        ("location", ("(location|gps|address|near|nearby|city|cities|area)",)),
        (
            "session",
            ("(session|sessions|remember|memory|privacy|forget|history|data|delete|chat)", "personal (data|details)"),
        ),
        (
            "preparing",
            (
                "(prepare|preparing|sort|sorting|segregate|separate|clean|wash|rinse|store|condition)",
                "(pack|packing|bundle|wrap|tie|bring)",
                "(recycle|recycled|recycling|recyclable|compost)",
            ),
        ),
        ("materials", ("(material|materials|accept|items|things|stuff)", "(do|can) you (take|buy)")),
        ("selling", ("(sell|selling|seller|sellers|sale)",)),
        ("buying", ("(buy|buying|buyer|buyers|purchase|source)",)),
        ("overview", ("(junkjet|overview|everything|help|you|about|app|work|works)",)),
    ]
)
_BY_PRIORITY: Final[tuple[Topic, ...]] = (
    "phases",
    "pickup",
    "payment",
    "prices",
    "location",
    "session",
    "preparing",
    "materials",
    "selling",
    "buying",
    "overview",
)
"""Of several topics in a question, the first of these is meant: "is selling free?" is about money."""
_WHAT_ABOUT_IT: Final = any_of("overview preparing materials")
"""Topics that are answered with a material's own tip where one is named: "how do I recycle glass?"."""


def topic_of(text: str) -> str:
    """What a question is about: a topic, or a material whose handling is asked about; ``overview`` if nothing fits."""
    found = {phrase.value for phrase in _TOPICS.find(Words.of(text))}
    topic = next((name for name in _BY_PRIORITY if name in found), _BY_PRIORITY[-1])
    material = material_named(text)
    return material if material and topic in _WHAT_ABOUT_IT else topic


def explain(topic: str) -> str:
    """The answer on ``topic``: a topic's name, a material, or a question in words."""
    name = topic.strip().casefold()
    for known, answer in _ANSWERS.items():
        if known == name:
            return answer
    for material, tip in _TIPS.items():
        if material == name:
            return f"**{material.capitalize()}**: {tip}"
    return explain(topic_of(topic))
