"""JunkJet's replies without a model: a sale step by step, purchases, prices, people around a place, how it works.

What was read from the messages stands in the session's attributes, so that the rules need no memory of their own: each
reply asks for the next thing that is missing there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from agent.offline import Answer, Ask, ToolCall
from agent.questions import one_by_one, questions_of
from assistants.junkjet import guide
from assistants.junkjet.details import Details, read_details
from assistants.junkjet.directory import locate
from assistants.junkjet.hooks import location_flag
from assistants.junkjet.intents import Intent
from assistants.junkjet.listed import about_listed, listed_in
from assistants.junkjet.materials import MATERIALS
from assistants.junkjet.prices import kilograms
from assistants.junkjet.profile import fold
from assistants.junkjet.smalltalk import affirms, greets, small_talk
from assistants.junkjet.understanding import Understanding, read_message
from assistants.junkjet.whereabouts import Location
from assistants.junkjet.words import Phrases, Words, any_of, vocabulary

MOST_MATERIALS: Final = 3
_PEOPLE: Final = 3
_MOST_PEOPLE: Final = 10
_FEW_WORDS: Final = 6
_AT_A_LOSS: Final = "I am not sure what you need."
_POINTING: Final = any_of("it them this these that those the")
_OTHERS: Final[Phrases[bool]] = vocabulary(
    [
        (
            True,
            (
                "(any|some|more|the|no|show|are_there) (others|other|more|else)",
                "(other|more|another|further) (buyer|buyers|seller|sellers|dealer|dealers)",
                "another one",
                "(who|anyone|anybody|someone|somebody) else",
                "other (options|people)",
                "(next|others)",
            ),
        )
    ]
)
_ASK_CITY: Final = "For a list here in the chat, tell me your city."
_SEARCHES: Final[dict[Location, str]] = {"current": "your current position", "home": "your home address"}


@dataclass(frozen=True, slots=True)
class _State:
    """The message, as it was read, and what the session knows with it."""

    ask: Ask
    said: Understanding
    details: Details
    profile: Mapping[str, Any]

    @property
    def materials(self) -> tuple[str, ...]:
        """What it is about: the materials of this message, else the last one that was spoken of."""
        last = (self.profile["material"],) if "material" in self.profile else ()
        return self.said.materials[:MOST_MATERIALS] or last

    @property
    def city(self) -> str | None:
        """The place to look around, unless the message names one that the directory does not have."""
        if self.details.unknown_place:
            return self.details.unknown_place
        return self.profile.get("city")

    @property
    def amount(self) -> float | None:
        """How much there is; of several materials at once nobody knows whose amount it is."""
        return self.profile.get("amountKg") if len(self.materials) == 1 else None

    @property
    def flag(self) -> Location | None:
        return location_flag(self.said, self.details, self.profile)


def reply(ask: Ask) -> Answer:
    """The rules of this assistant (see ``agent.offline``)."""
    several = one_by_one(ask, _reply) if _asks_for_several(ask) else None
    answer = _reply(ask) if several is None else several
    if isinstance(answer, str) and not ask.history and greets(ask.message) and not greets(answer):
        return f"Hello! {answer}"
    return answer


def _asks_for_several(ask: Ask) -> bool:
    """Whether the questions of a message are for different things, as "what is it worth, and who buys it?" is."""
    tasks = {_task(_state(replace(ask, message=question))) for question in questions_of(ask.message)}
    return len(tasks) > 1 and "general" not in tasks


def _state(ask: Ask) -> _State:
    return _State(ask, read_message(ask.message), read_details(ask.message), _profile(ask))


def _reply(ask: Ask) -> Answer:
    state = _state(ask)
    answer = small_talk(ask.message, state.said, state.details, state.profile, ask.history)
    if answer is None and not (state.said.materials or state.details.place or state.details.unknown_thing):
        answer = about_listed(ask.message, ask.history)
    if answer is not None:
        return answer
    if _wants_others(state):
        return _others(state)
    if state.details.unknown_thing:
        return _unknown_thing(state)
    match _task(state):
        case "selling":
            return _selling(state)
        case "buying":
            return _buying(state)
        case "pricing":
            return _pricing(state)
        case "finding_connections":
            return _connections(state)
        case "information":
            return _information(state)
        case _:
            return _open_question(state)


def _profile(ask: Ask) -> Mapping[str, Any]:
    """The session's attributes; outside of a session the same, from what was said."""
    if ask.turn is not None and "currentIntent" in ask.turn.attributes:
        return ask.turn.attributes
    profile: dict[str, Any] = {}
    for text in [*(text for role, text in ask.history if role == "human"), ask.message]:
        fold(profile, read_message(text), read_details(text), 0)
    return profile


def _task(state: _State) -> Intent:
    """What the message is for; an answer to a question of ours ("about 5 kg", "Pune") belongs to what was begun."""
    if state.said.intent != "general":
        return state.said.intent
    begun: Intent = state.profile.get("currentIntent", "general")
    if begun in ("general", "information"):
        return "general"
    details = state.details
    if details.amount_kg or _is_amount(state) or _names_place(state) or state.said.location or details.unsure:
        return "selling" if begun == "pricing" else begun  # who says how much there is, or where, wants it sold
    return begun if state.said.materials else "general"


def _is_amount(state: _State) -> bool:
    return state.details.bare_number is not None and state.details.bare_number == state.profile.get("amountKg")


def _names_place(state: _State) -> bool:
    return bool(state.details.place or state.details.unknown_place or _answers_city(state))


def _answers_city(state: _State) -> bool:
    """One or two plain words where a city was asked for: a place, if not one of ours."""
    last = next((text for role, text in reversed(state.ask.history) if role == "ai"), "")
    words = state.ask.message.split()
    nothing_else = state.said == Understanding() and state.details == Details(unknown_place=state.details.unknown_place)
    return nothing_else and "city" in last.lower() and len(words) <= 2 and all(w.strip(".,!").isalpha() for w in words)


# --- the tasks --------------------------------------------------------------------------------------------------------


def _selling(state: _State) -> Answer:
    """Material, amount, price, nearest buyers: the next of these that is missing, with what is new."""
    if not state.materials:
        return (
            "Good idea! What would you like to sell? For example plastic bottles, newspapers, copper wire or a laptop."
        )
    one = len(state.materials) == 1
    place = _place(state)
    if one and not state.amount and not state.details.unsure and not place:
        routed = f"{_routed(state, 'buyers')} " if state.flag else ""
        if routed and state.said.intent == "general":  # it answered "which city?"; the amount has been asked for
            return f"{_sorry(state)}{routed}{_ASK_CITY}"
        return f"{_sorry(state)}{routed}Roughly how many kilos of {state.materials[0]} do you have?"
    if not state.ask.results:
        return [*_price_calls(state), *_people_calls("find_buyers", state.materials, place, _PEOPLE if one else 2)]
    fresh = [text for text in _texts(state) if text not in _told_lately(state)]
    parts = [_sorry(state) + (fresh or [_the_same(state)])[0], *fresh[1:]]
    if state.flag:
        parts.append(_routed(state, "buyers"))
    if not place:
        parts.append("Which city are you in? Then I can list the nearest buyers.")
    elif not locate(place):
        parts.append("Is one of these close enough for you?")
    elif one and not state.amount:
        parts.append("Tell me how many kilos there are, and I will work out the total.")
    else:
        parts.append("Call ahead and agree on the price: the buyer has the last word on it.")
    return _paragraphs(parts)


def _price_calls(state: _State) -> list[ToolCall]:
    """Prices, unless the message only answers where: they were told before."""
    only_where = state.said.intent == "general" and not (
        state.said.materials or state.details.amount_kg or state.details.unsure or _is_amount(state)
    )
    if only_where and _place(state):
        return []
    return [ToolCall("material_prices", _price_args(state, material)) for material in state.materials]


def _people_calls(tool: str, materials: tuple[str, ...], place: str | None, limit: int) -> list[ToolCall]:
    if not place:
        return []
    return [ToolCall(tool, {"material": name, "place": place, "limit": limit}) for name in materials]


def _buying(state: _State) -> Answer:
    if not state.materials:
        where = "" if state.city else " and your city"
        return f"What would you like to buy? Name a material, for example cardboard or aluminum{where}."
    return _listed(state, "sellers", state.materials)


def _connections(state: _State) -> Answer:
    side = state.profile.get("seeking") or ("buyers" if state.profile.get("userType") == "phase1" else "sellers")
    return _listed(state, side, state.materials or ("any",))


def _listed(state: _State, side: str, materials: tuple[str, ...]) -> Answer:
    """People of one side around the place at hand, or the question for it."""
    place = _place(state)
    what = side if materials == ("any",) else f"{side} of {' and '.join(materials)}"
    if not place:
        if state.flag:
            return f"{_sorry(state)}{_routed(state, what)} {_ASK_CITY}"
        return f'{_sorry(state)}I can look for {what}. Which city or area should I search? Or say "near me".'
    if not state.ask.results:
        return _people_calls("find_buyers" if side == "buyers" else "find_sellers", materials, place, _PEOPLE)
    texts = dict.fromkeys(_above(text) if text in _told_lately(state) else text for text in _texts(state))
    parts = [_sorry(state) + next(iter(texts)), *list(texts)[1:]]
    if state.flag:
        parts.append(_routed(state, what))
    if materials == ("any",) and locate(place):
        parts.append("Tell me the material, and I will narrow it down.")
    return _paragraphs(parts)


def _above(told: str) -> str:
    people = listed_in(told)
    if len(people) == 1:
        return f"**{people[0].name}**, above, is the nearest that I know."
    return "Those above are the nearest that I know."


def _pricing(state: _State) -> Answer:
    materials = state.materials or ("all",)
    if not state.ask.results:
        return [ToolCall("material_prices", _price_args(state, material)) for material in materials]
    parts = [_sorry(state) + _texts(state)[0], *_texts(state)[1:]]
    parts.append(
        "These are guide values; the buyer decides after seeing it." if state.materials else "Which one is it?"
    )
    if state.materials and not state.amount:
        parts[-1] += " If you have some to sell, tell me how many kilos."
    return _paragraphs(parts)


def _information(state: _State) -> Answer:
    if not state.ask.results:
        topic = guide.topic_of(state.ask.message)
        if topic == "preparing" and state.materials and _POINTING & set(Words.of(state.ask.message).spoken):
            topic = state.materials[0]  # "how should I pack them?"
        return ToolCall("how_junkjet_works", {"topic": topic})
    return _paragraphs([_sorry(state) + _texts(state)[0], *_texts(state)[1:]])


def _wants_others(state: _State) -> bool:
    """ "Any others?", "who else?" after a list of people."""
    words = Words.of(state.ask.message)
    asks = any(found.value for found in _OTHERS.find(words)) and len(words.spoken) <= _FEW_WORDS
    return asks and not (state.said.materials or state.said.location) and bool(state.city)


def _others(state: _State) -> Answer:
    """Those around the place at hand who were not named yet."""
    side = state.profile.get("seeking") or ("sellers" if state.profile.get("currentIntent") == "buying" else "buyers")
    place = state.city or ""
    materials = state.materials or ("any",)
    if not state.ask.results:
        return _people_calls(f"find_{side}", materials, place, _MOST_PEOPLE) or _ASK_CITY
    named = {person.name for role, text in state.ask.history if role == "ai" for person in listed_in(text)}
    lines = [line for text in _texts(state) for line in text.split("\n") if listed_in(line)]
    fresh = [line for line in lines if listed_in(line)[0].name not in named][:_PEOPLE]
    what = side if materials == ("any",) else f"{side} of {' and '.join(materials)}"
    if not fresh:
        return f"I know no other {what} around {place}. Name another city, and I look there."
    renumbered = [f"{number}. {line.partition('. ')[2]}" for number, line in enumerate(fresh, 1)]
    return f"{f'More {what}' if named else what.capitalize()} around {place}:\n" + "\n".join(renumbered)


def _open_question(state: _State) -> Answer:
    if affirms(state.ask.message):
        return _next_step(state) if "?" in _last_reply(state) else "All right! Name a material whenever you need one."
    lot = state.materials[0] if state.materials else ""
    if state.said.materials:
        return (
            f"I know {' and '.join(state.said.materials)} well. Would you like to sell it, buy it, or know the price?"
        )
    if state.details.amount_kg:
        of = f" of {lot}. Would you like to sell it, buy it, or know the price?" if lot else ". Of which material?"
        return f"Noted, {kilograms(state.details.amount_kg)}{of}"
    if state.details.place:
        name = state.details.place.name
        if lot:
            return f"{name}, good. Would you like to sell your {lot} there, or buy some?"
        return f"{name}, good. Which material is it about, and are you selling or buying?"
    if state.said.location:
        return "I can search around you. Are you looking for buyers or for sellers, and of which material?"
    if state.said.user_type:
        return "Good to know, I will look with that in mind. What would you like to sell, buy or price?"
    if any(_AT_A_LOSS in text for role, text in state.ask.history if role == "ai"):
        return (
            "I cannot help with that, I only know about scrap. Name a material and a city, and I will look for prices "
            "and buyers."
        )
    return (
        f"{_AT_A_LOSS} I can tell you what scrap is worth, find buyers or sellers around a city, and explain how "
        'JunkJet works. For example: "I want to sell 5 kg of newspapers in Pune".'
    )


def _next_step(state: _State) -> str:
    """What to say to a bare "yes": the question that is still open, if there is one."""
    if not state.materials:
        return "Good. Which material is it about?"
    if not state.amount:
        return f"Good. Roughly how many kilos of {state.materials[0]} are there?"
    if not state.city:
        return "Good. Which city is it in?"
    return "Good. Give them a call to agree on price and time, and tell me if you need another material or place."


# --- pieces -----------------------------------------------------------------------------------------------------------


def _unknown_thing(state: _State) -> str:
    known = f"JunkJet has no prices or buyers for **{state.details.unknown_thing}**."
    if state.said.intent == "buying":
        return f"{known} I know {', '.join(MATERIALS[:-1])} and {MATERIALS[-1]}."
    return (
        f"{known} If parts of it are metal, plastic, fabric or the like, those can be sold by themselves: tell me "
        "which. What is still good is welcome at a charity, and the rest goes to your city's collection of bulky waste."
    )


def _the_same(state: _State) -> str:
    """Where all that there is to tell of a material was told a moment ago: "and a fridge?" after a washing machine."""
    told = "prices and buyers" if _place(state) else "prices"
    return f"That is **{' and '.join(state.materials)}**, too: the {told} above hold for it."


def _told_lately(state: _State) -> str:
    """The last two replies: what stands there is still before the reader's eyes."""
    return "\n".join([text for role, text in state.ask.history if role == "ai"][-2:])


def _last_reply(state: _State) -> str:
    return next((text for role, text in reversed(state.ask.history) if role == "ai"), "")


def _place(state: _State) -> str | None:
    """Where to look: the city at hand, or the words that answered the question for one (the tool says if unknown)."""
    return state.ask.message.strip(" .,!") if _answers_city(state) else state.city


def _routed(state: _State, what: str) -> str:
    assert state.flag is not None
    return f"I am opening the app's search for {what} around {_SEARCHES[state.flag]}."


def _sorry(state: _State) -> str:
    return "Sorry to hear that. " if state.said.sentiment == "negative" else ""


def _price_args(state: _State, material: str) -> dict[str, Any]:
    return {"material": material} | ({"amount_kg": state.amount} if state.amount else {})


def _texts(state: _State) -> list[str]:
    return [result.content for result in state.ask.results]


def _paragraphs(parts: list[str]) -> str:
    return "\n\n".join(part for part in parts if part)
