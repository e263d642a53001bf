"""Conversations with the rules that answer without a model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.offline import Ask, ToolCall
from assistants.junkjet import ASSISTANT
from assistants.junkjet.listed import listed_in
from assistants.junkjet.words import MAX_CHARS
from tests.assistants.junkjet_conversation import Conversation


def test_a_sale_goes_from_material_to_amount_to_price_to_buyers() -> None:
    chat = Conversation()
    assert "I am JunkJet's assistant" in chat.says("Hello")
    assert "What would you like to sell?" in chat.says("I want to sell something")
    assert chat.says("plastic bottles") == "Roughly how many kilos of plastic do you have?"
    prices = chat.says("about 5")
    assert "**₹70–110** for 5 kg" in prices
    assert prices.endswith("Which city are you in? Then I can list the nearest buyers.")
    buyers = chat.says("Pune")
    assert "Buyers of **plastic** nearest to Pune" in buyers
    assert "₹" not in buyers  # the prices were told a moment ago
    other = chat.says("what about copper?")
    assert "bright bare wire" in other
    assert "Buyers of **copper** nearest to Pune" in other
    assert "**₹7,680–8,880** for 12 kg" in chat.says("12 kilos")
    assert chat.says("thanks!").startswith("You are welcome!")
    assert chat.says("my name is Asha").startswith("Nice to meet you, Asha!")
    assert chat.says("what's my name?").startswith("You are Asha.")
    assert "Goodbye, Asha" in chat.says("bye")


def test_everything_in_one_message_needs_no_question() -> None:
    reply = Conversation().says("I want to sell 8 kg of copper in Pune")
    assert "**₹5,120–5,920** for 8 kg" in reply
    assert "Buyers of **copper** nearest to Pune" in reply


def test_a_sale_near_me_routes_the_client() -> None:
    chat = Conversation()
    reply = chat.says("I want to sell glass near me")
    assert chat.flag == "current"
    assert "search for buyers around your current position" in reply
    assert "how many kilos" in reply


def test_who_does_not_know_the_amount_is_told_the_prices() -> None:
    chat = Conversation()
    chat.says("I want to sell copper")
    assert "bright bare wire: ₹640–740 per kg" in chat.says("no idea")
    reply = chat.says("near me")
    assert chat.flag == "current"
    assert "how many kilos" not in reply


def test_several_materials_are_priced_each() -> None:
    reply = Conversation().says("I have 3kg of newspapers and some cardboard in Kochi")
    assert "newspaper: ₹12–17 per kg\n" in reply
    assert "clean corrugated boxes" in reply
    assert "Buyers of **cardboard** nearest to Kochi" in reply


def test_what_has_no_price_is_said_plainly() -> None:
    chat = Conversation()
    chat.says("I want to sell copper")
    assert "no prices or buyers for **car tyres**" in chat.says("I want to sell my car tyres")


@pytest.mark.parametrize(
    ("message", "thing"),
    [("Do you take old sofas?", "sofas"), ("what do you do with mattresses", "mattresses")],
)
def test_what_is_not_taken_is_said_and_what_to_do_with_it(message: str, thing: str) -> None:
    reply = Conversation().says(message)
    assert reply.startswith(f"JunkJet has no prices or buyers for **{thing}**.")
    assert "your city's collection of bulky waste" in reply


def test_thanks_do_not_hide_a_question() -> None:
    chat = Conversation()
    chat.says("Hello, I have 10 kg of newspapers")
    assert chat.says("thanks! how should I pack them?").startswith("**Paper**: Keep it dry")
    assert chat.says("I'm Asha by the way").startswith("Nice to meet you, Asha!")
    assert chat.says("ok great, thank you! what was my name again?").startswith("You are Asha.")
    assert chat.says("what was the first thing I said?").startswith(
        "The first message that I can see is: “Hello, I have"
    )


def test_a_greeting_is_returned_with_the_answer() -> None:
    chat = Conversation()
    assert chat.says("Hello, I want to sell plastic") == "Hello! Roughly how many kilos of plastic do you have?"
    assert chat.says("hi, 5 kg").startswith("Guide prices for **plastic**")


def test_others_are_those_who_were_not_named_yet() -> None:
    chat = Conversation()
    chat.says("I am a scrap dealer")
    named = {person.name for person in listed_in(chat.says("find sellers in Mumbai"))}
    others = {person.name for person in listed_in(chat.says("any others?"))}
    assert len(named) == 3
    assert others
    assert not named & others
    while "know no other" not in (reply := chat.says("anyone else?")):
        assert not (named | others) & {person.name for person in listed_in(reply)}
        others |= {person.name for person in listed_in(reply)}
    assert chat.says("find buyers of plastic in Pune").startswith("Buyers of **plastic** nearest to Pune")
    assert chat.says("who buys plastic in Pune?").endswith(", above, is the nearest that I know.")


def test_who_was_listed_can_be_asked_about() -> None:
    chat = Conversation()
    chat.says("I want to sell 20 kg of plastic in Pune")
    assert chat.says("which of them is closest?").startswith("The nearest is **Bhoomi Textile Sorters** in Yerawada")
    assert chat.says("what's the phone number of the second one?") == "**Falak Kabadi Corner**: +91 00000 00138."
    assert chat.says("are they open on monday?") == "Open on Monday:\n- **Falak Kabadi Corner**: Mon–Sat 9:00–19:00"
    assert chat.says("is the first one open on Sunday?").startswith("Yes: **Bhoomi Textile Sorters** is open Tue–Sun")
    assert chat.says("the fourth one?") != ""
    assert "nearest to Delhi" in chat.says("where can I sell it in Delhi?")


def test_price_and_buyers_in_one_message() -> None:
    prices, note, buyers = Conversation().says("whats copper worth, and who buys it in Pune?").split("\n\n")
    assert prices.startswith("Guide prices for **copper**")
    assert note.startswith("These are guide values")
    assert buyers.startswith("Buyers of **copper** nearest to Pune")


def test_what_was_told_a_moment_ago_is_not_told_again() -> None:
    chat = Conversation()
    chat.says("can I sell my old washing machine in Pune?")
    assert chat.says("and a fridge?").startswith(
        "That is **electronics**, too: the prices and buyers above hold for it."
    )
    assert "Jyoti E-Scrap Point" not in chat.says("30 kg")


def test_a_city_that_is_not_covered_is_said_plainly() -> None:
    chat = Conversation()
    reply = chat.says("I want to sell 20 kg of steel in Paris")
    assert 'nobody listed in "Paris"' in reply
    assert "Buyers of **steel** nearest to Hyderabad" in chat.says("Hyderabad")


def test_an_answer_that_is_no_city_we_know_is_said_plainly() -> None:
    chat = Conversation()
    chat.says("find copper buyers")
    assert 'nobody listed in "timbuktu"' in chat.says("timbuktu")


def test_a_dealer_buys() -> None:
    chat = Conversation()
    assert "What would you like to buy?" in chat.says("I'm a scrap dealer in Delhi")
    assert "Sellers of **copper** nearest to Delhi" in chat.says("I need copper")
    assert "Sellers of **aluminum** nearest to Jaipur" in chat.says("find suppliers of aluminium in Jaipur")
    assert "large recycler" in chat.says("and who buys copper in Delhi?")


def test_people_near_me_are_left_to_the_client() -> None:
    chat = Conversation()
    reply = chat.says("who buys glass near my home?")
    assert chat.flag == "home"
    assert "around your home address" in reply
    assert "tell me your city" in reply
    assert "Buyers of **glass** nearest to Kochi" in chat.says("Kochi")


def test_prices_lead_on_to_a_sale() -> None:
    chat = Conversation()
    assert "copper: ₹180–740 per kg" in chat.says("price list")
    assert "clean PET bottles" in chat.says("plastic")
    assert "**₹560–880** for 40 kg" in chat.says("what would 40 kg bring?")
    assert "Buyers of **plastic** nearest to Chennai" in chat.says("I am in Chennai")


def test_how_it_works_is_explained() -> None:
    chat = Conversation()
    assert "JunkJet brings scrap" in chat.says("how does junkjet work?")
    assert "Rinse bottles and jars" in chat.says("how do I recycle glass?")
    assert "Phase 2" in chat.says("what are the phases?")


def test_complaints_are_met_with_sympathy() -> None:
    chat = Conversation()
    assert "sorry" in chat.says("This is useless")
    chat.says("how much is steel?")
    assert chat.says("the price is too low").startswith("Sorry to hear that.")


def test_a_user_who_comes_back_is_remembered() -> None:
    chat = Conversation()
    chat.says("I'm Asha and I want to sell 8 kg copper in Pune")
    chat.new_session()
    assert "Hello again, Asha! Shall we go on with your 8 kg of copper" in chat.says("hi")
    assert "it was about 8 kg of copper" in chat.says("do you remember me?")
    assert "Buyers of **copper** nearest to Pune" in chat.says("sell it")


def test_nothing_is_remembered_of_somebody_else() -> None:
    assert "not told me your name" in Conversation(subject="anon-1").says("what's my name?")
    assert "only just begun" in Conversation(subject="anon-1").says("what was I selling?")


def test_the_ninth_message_brings_an_offer() -> None:
    chat = Conversation()
    replies = [chat.says(f"how much is copper, question {number}?") for number in range(1, 11)]
    assert not any("something new" in reply for reply in replies[:8])
    assert all("something new" in reply for reply in replies[8:])


def test_a_change_of_mind_is_taken() -> None:
    chat = Conversation()
    chat.says("I want to sell copper")
    assert "then we leave it" in chat.says("I don't want to sell anymore")
    assert "how many kilos" in chat.says("actually sell the copper")


def test_a_bare_yes_goes_on_with_what_is_missing() -> None:
    chat = Conversation()
    chat.says("I know copper")
    assert "how many kilos" in chat.says("yes")


def test_outside_of_a_session_the_history_is_the_memory() -> None:
    ask = Ask("Pune", [("human", "I want to sell 5 kg of copper"), ("ai", "Which city are you in?")])
    calls = ASSISTANT.offline(ask)
    assert isinstance(calls, list)
    assert calls == [ToolCall("find_buyers", {"material": "copper", "place": "Pune", "limit": 3})]


@given(
    st.lists(
        st.text(max_size=80)
        | st.sampled_from(
            [
                "sell",
                "copper",
                "5 kg",
                "Pune",
                "near me",
                "Paris",
                "buy it",
                "who buys?",
                "price",
                "no",
                "yes",
                "7",
                "how?",
            ]
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(deadline=None)
def test_whatever_is_said_is_answered(messages: list[str]) -> None:
    chat = Conversation()
    for message in messages:
        assert chat.says(message).strip()


@pytest.mark.parametrize("piece", ["sell copper ", "\ud83d", "\u0000", "ﷺ", "in Aaaa "])
def test_long_messages_are_answered(piece: str) -> None:
    reply = Conversation().says((piece * MAX_CHARS)[:MAX_CHARS])
    assert reply.strip()
    assert len(reply) < 4_000
