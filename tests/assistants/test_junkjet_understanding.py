"""What is read from a message, sentence by sentence."""

from __future__ import annotations

import time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.junkjet.intents import INTENTS
from assistants.junkjet.materials import MATERIALS, materials_in
from assistants.junkjet.mood import Sentiment
from assistants.junkjet.phases import USER_TYPES
from assistants.junkjet.understanding import Understanding, read_message
from assistants.junkjet.whereabouts import Location
from assistants.junkjet.words import MAX_CHARS, Words

SELLING = [
    "Hello, I want to sell plastic",
    "I'd like to sell some old newspapers",
    "Can you help me get rid of my old laptop?",
    "looking to offload 200 kg of scrap metal",
    "I have a bag of aluminium cans",
    "we've got 50 cardboard boxes lying around",
    "Please pick up my newspapers",
    "how do I sell my copper wire?",
    "do you buy old clothes?",
    "don't you buy copper?",
    "Don't you want to buy my copper?",
    "Buy my old phone!",
    "buy this copper from me",
    "I want to donate clothes",
    "I wouldn't mind selling my copper",
    "I can't wait to sell these cans",
    "I can't sell at that price",
    "not looking to buy, only to sell cardboard",
    "Not only do I want to sell plastic but also glass",
    "where can I sell copper near here",
    "come to my house and collect it",
    "my school has 40 old computers",
    "I want to recycle my plastic",
    "mera plastic bechna hai",
    "sell it to a dealer",
    "I want to sell my copper at a good price",
    "I want my scrap picked up",
    "Are you buying steel?",
    "Can I get money for glass?",
    "I do not have any plastic but I have paper",
]
BUYING = [
    "sell me copper",
    "could you sell me some glass jars?",
    "sell that cardboard to us",
    "Do you sell recycled paper?",
    "any copper for sale?",
    "I need to buy 2 tonnes of cardboard",
    "we are looking for PET bottles",
    "I need copper wire",
    "where can I buy scrap aluminium?",
    "I'm not selling, I'm buying",
    "I don't want to sell, I want to buy copper",
    "instead of selling I want to buy",
    "I'd rather buy than sell",
    "I used to sell paper but now I buy it",
    "I was going to sell, but actually I'd like to buy paper",
    "I am a buyer of plastic",
    "I'm looking to purchase copper for our factory",
    "kharidna hai cardboard",
]
CONNECTIONS = [
    "who buys e-waste around here?",
    "who sells copper in Delhi",
    "find me a scrap dealer nearby",
    "connect me with recyclers",
    "any kabadiwala near my house?",
    "Are there copper buyers near me?",
    "list buyers of glass in Pune",
    "copper buyers?",
    "do you know any buyers?",
    "will anyone take my food scraps?",
    "Who can take away my old TV?",
    "I need someone to buy my old fridge",
    "the nearest buyer to Pune station",
    "find recyclers for our factory",
    "I am a scrap dealer looking for suppliers",
    "is there a recycling centre around?",
    "Is anyone buying steel?",
    "Show me what's nearby",
    "Where's the nearest drop-off?",
]
PRICING = [
    "What's the price of copper?",
    "copper rate today?",
    "how much for a kilo of newspapers",
    "how much do you pay for steel?",
    "how much is 5 kg of copper worth near me",
    "what would I get for 10 kg of brass",
    "what will you give me for 3 old phones",
    "price list please",
    "is aluminium worth more than steel?",
    "the price is too low",
    "never mind selling, what is copper worth?",
    "I want to sell 5 kg of copper, how much is it?",
    "Tell me the selling price of iron",
    "copper ka bhav kya hai",
]
INFORMATION = [
    "How does JunkJet work?",
    "what materials do you accept?",
    "can glass be recycled?",
    "Isn't plastic recyclable?",
    "tell me about phase 2",
    "what is junkjet",
    "who are you?",
    "how do I prepare cardboard for pickup?",
    "how does selling work?",
    "I have a question about plastic",
    "I want to know about recycling paper",
    "What do I do with old batteries?",
    "is it free?",
    "is selling on junkjet free?",
    "do they come to pick it up?",
    "what happens to my data?",
]
GENERAL = [
    "hi there",
    "thanks a lot, very helpful!",
    "yes",
    "copper",
    "5 kg",
    "Pune",
    "near me",
    "what about copper?",
    "can you repeat that?",
    "what's the weather like",
    "I do not want to sell anything",
    "I don't want to sell",
    "I don't think I want to sell my laptop",
    "I no longer want to sell plastic",
    "I have nothing to sell",
    "don't sell my data",
    "don't sell yourself short",
    "I am not a recycler",
    "My brother is a scrap dealer",
    "My father runs a scrap shop",
    "please do not pick up my scrap",
    "stop asking me to sell",
    "I want to neither sell nor buy",
    "I've no intention of selling my phone",
    "Copper is better than steel",
    "I want plastic-free packaging",
    "The seller was rude",
    "What is the best seller on your list?",
    "is it worth it?",
    "at any rate, thanks",
    "rate this app",
    "steel yourself, bad news ahead",
    "my band plays heavy metal",
    "I have been to the market",
    "",
    "?!",
    "🙂",
]


@pytest.mark.parametrize(
    ("intent", "sentence"),
    [
        (intent, sentence)
        for intent, sentences in {
            "selling": SELLING,
            "buying": BUYING,
            "finding_connections": CONNECTIONS,
            "pricing": PRICING,
            "information": INFORMATION,
            "general": GENERAL,
        }.items()
        for sentence in sentences
    ],
)
def test_a_sentence_shows_its_intent(intent: str, sentence: str) -> None:
    assert read_message(sentence).intent == intent


@pytest.mark.parametrize(
    ("sentence", "materials"),
    [
        ("plastic bottles", ["plastic"]),
        ("PET bottles and bags", ["plastic"]),
        ("what do you pay for PET?", ["plastic"]),
        ("glass bottles", ["glass"]),
        ("old newspapers, magazines and books", ["paper"]),
        ("raddi", ["paper"]),
        ("cardboard boxes", ["cardboard"]),
        ("paper boxes", ["cardboard"]),
        ("scrap iron", ["metal"]),
        ("brass taps", ["metal"]),
        ("tin cans and wires", ["metal", "copper"]),
        ("aluminium", ["aluminum"]),
        ("ALUMINUM FOIL", ["aluminum"]),
        ("empty soda cans", ["aluminum"]),
        ("stainless steel utensils", ["steel"]),
        ("rebar", ["steel"]),
        ("copper wires and glass bottles, plus jeans", ["copper", "glass", "textile"]),
        ("electric cables", ["copper"]),
        ("a jar", ["glass"]),
        ("laptops, phones and dead batteries", ["electronics"]),
        ("e-waste", ["electronics"]),
        ("my old TV", ["electronics"]),
        ("clothes", ["textile"]),
        ("organic cotton shirts", ["textile"]),
        ("food scraps", ["organic"]),
        ("used cooking oil and vegetable peels", ["organic"]),
        ("plastic, plastic, PLASTIC", ["plastic"]),
        ("\uff50\uff4c\uff41\uff53\uff54\uff49\uff43", ["plastic"]),  # full-width letters
        # denied
        ("no plastic, no paper, just copper", ["copper"]),
        ("no plastic or paper, only copper", ["copper"]),
        ("everything except glass", []),
        ("I have no plastic", []),
        ("I don't want to sell my laptop", []),
        ("not just plastic but glass too", ["plastic", "glass"]),
        # only sounding like it
        ("steel yourself", []),
        ("she has nerves of steel", []),
        ("I had a glass of water", []),
        ("the ceo broke the glass ceiling", []),
        ("it's a plastic surgery clinic", []),
        ("my band plays heavy metal", []),
        ("on paper it sounds fine", []),
        ("organic growth", []),
        ("can you help me", []),
        ("call my phone", []),
        ("he leaves at five", []),
        ("book a pickup", []),
    ],
)
def test_materials_are_found_under_their_many_names(sentence: str, materials: list[str]) -> None:
    assert list(read_message(sentence).materials) == materials


def test_every_material_is_known_by_its_own_name() -> None:
    for material in MATERIALS:
        assert materials_in(Words.of(material)) == (material,)


@pytest.mark.parametrize(
    ("sentence", "user_type"),
    [
        ("I am a homeowner", "phase1"),
        ("I'm a student with some old books", "phase1"),
        ("we are a household of four", "phase1"),
        ("I'm a phase 1 user", "phase1"),
        ("I'm a kabadiwala in Pune", "phase2"),
        ("I am a local scrap dealer", "phase2"),
        ("we are an NGO", "phase2"),
        ("I run a small scrap shop", "phase2"),
        ("our office has old computers", "phase2"),
        ("my school has 40 old computers", "phase2"),
        ("we collect scrap from households and sell it to recyclers", "phase2"),
        ("we are a recycling company that processes 20 tonnes a day", "phase3"),
        ("I run a paper mill", "phase3"),
        ("We run a recycling plant", "phase3"),
        ("we process 50 tonnes of plastic a month", "phase3"),
        ("our factory needs copper", "phase3"),
        ("I am a large recycler", "phase3"),
        ("I work for a recycling plant", "phase3"),
        ("we are a housing society", "phase2"),
        # of others, or denied
        ("find recyclers near me", None),
        ("I am looking for a recycler", None),
        ("I am not a recycler", None),
        ("are you a recycler?", None),
        ("My brother is a scrap dealer", None),
        ("connect me with a scrap dealer", None),
        ("I have 2 tonnes of steel", None),
        ("buyers near my home", None),
    ],
)
def test_people_say_which_phase_they_are(sentence: str, user_type: str | None) -> None:
    assert read_message(sentence).user_type == user_type


@pytest.mark.parametrize(
    ("sentence", "location"),
    [
        ("buyers near me", "current"),
        ("who buys copper here?", "current"),
        ("anyone nearby", "current"),
        ("the nearest recycler", "current"),
        ("use my current location", "current"),
        ("in my neighbourhood", "current"),
        ("buyers near my home", "home"),
        ("I need pickup at home", "home"),
        ("the nearest dealer to my house", "home"),
        ("use my home address", "home"),
        ("not near me, near my home", "home"),
        ("I'm not at home, use my current location", "current"),
        ("the nearest buyer to Pune station", None),
        ("buyers in Pune", None),
        ("I'm new here", None),
        ("here is my list", None),
        ("are you here?", None),
        ("take me to the home page", None),
        ("I work from home", None),
        ("old home appliances", None),
        ("I go home now", None),
        ("not near me", None),
    ],
)
def test_a_place_is_the_current_one_or_home(sentence: str, location: str | None) -> None:
    assert read_message(sentence).location == location


@pytest.mark.parametrize(
    ("sentence", "sentiment"),
    [
        ("thanks, that was great", "positive"),
        ("I love it 👍", "positive"),
        ("not bad!", "positive"),
        ("you are useless", "negative"),
        ("not happy with the buyer", "negative"),
        ("nobody answered, it doesn't work", "negative"),
        ("thanks for nothing", "negative"),
        ("the price is too low", "negative"),
        ("a waste of time", "negative"),
        ("I don't like the price", "negative"),
        ("not a good price", "negative"),
        ("😡😡", "negative"),
        ("I want to sell plastic waste", "neutral"),
        ("a broken laptop and other junk", "neutral"),
        ("good morning", "neutral"),
        ("what is the best price for copper", "neutral"),
        ("no thanks", "neutral"),
        ("I'd love to sell my copper", "neutral"),
    ],
)
def test_the_mood_of_a_message(sentence: str, sentiment: str) -> None:
    assert read_message(sentence).sentiment == sentiment


@pytest.mark.parametrize(
    ("sentence", "side"),
    [
        ("find buyers of paper", "buyers"),
        ("who sells copper", "sellers"),
        ("I need suppliers of cardboard", "sellers"),
        ("connect me with recyclers", "buyers"),
        ("I want to sell copper", None),
    ],
)
def test_who_looks_for_people_says_of_which_side(sentence: str, side: str | None) -> None:
    assert read_message(sentence).seeking == side


def test_curly_apostrophes_read_like_straight_ones() -> None:
    assert read_message("I don\u2019t want to sell") == read_message("I don't want to sell")


def test_what_is_beyond_the_limit_is_not_read() -> None:
    padding = "x " * (MAX_CHARS // 2)
    assert read_message(padding + "sell copper") == Understanding()


@given(st.text(max_size=400))
def test_any_text_is_understood_as_something(text: str) -> None:
    said = read_message(text)
    assert said.intent in INTENTS
    assert set(said.materials) <= set(MATERIALS)
    assert len(set(said.materials)) == len(said.materials)
    assert said.user_type in (None, *USER_TYPES)
    assert said.location in (None, *get_args(Location))
    assert said.sentiment in get_args(Sentiment)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "how ",
        "who can ",
        "don't ",
        "i am a ",
        "1,",
        "''",
        "\ufdfa",
        "\ud800",
        "sell me ",
        "near ",
        "\n",
        "I'm X ",
        "💥",
    ],
)
def test_eight_thousand_characters_take_no_time(piece: str) -> None:
    text = (piece * MAX_CHARS)[:MAX_CHARS]
    began = time.perf_counter()
    read_message(text)
    assert time.perf_counter() - began < 0.5  # some 20 ms here; a backtracking pattern would take minutes
