"""The shop's words: what people call its categories, product lines and features.

A phrase is one word or two or three with spaces, spelled as ``words.words`` spells them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from assistants.shopping.catalogue import CATEGORIES
from assistants.shopping.words import bag, normal, singular, words

_CATEGORY_WORDS = {
    "smartphone": "smartphone phone mobile cellphone handset cell|mobile phone|cell phone|smart phone|phablet",
    "laptop": "laptop notebook ultrabook chromebook computer|laptop computer|gaming laptop|pc laptop|macbooks",
    "tablet": "tablet|e reader|ereader|ebook reader|e book reader",
    "headphones": "headphones headphone earphones earphone earbuds earbud buds|ear buds|in ears|head phones",
    "smartwatch": "smartwatch watch wearable|smart watch|fitness tracker|fitness band|fitness watch|running watch",
    "camera": "camera camcorder drone dslr mirrorless|action camera|action cam|digital camera|webcams",
    "television": "television tv telly tvs|smart tv|tv set",
    "monitor": "monitor|computer monitor|gaming monitor|computer screen|pc screen",
    "gaming": "gaming console controller gamepad headset games videogame|game console|games console|gaming console"
    "|gaming headset|gaming mouse|gaming keyboard|vr headset|video game|handheld|gaming product|gaming gear",
    "speaker": "speaker soundbar loudspeaker|sound bar|bluetooth speaker|smart speaker|party speaker",
    "charger": "charger powerbank|power bank|power adapter|wall charger|car charger|wireless charger|portable charger",
    "accessory": "accessory accessories case cover sleeve mouse keyboard webcam tripod backpack stylus hub|phone case"
    "|screen protector|phone accessory|laptop sleeve|memory card|portable ssd|microsd|hard drive|laptop bag|ssd|tracker"
    "|usb hub|protective case",
    "smart-home": "thermostat doorbell bulb vacuum router|smart home|smart plug|smart lock|smart bulb|light bulb"
    "|robot vacuum|home automation|smart light|security camera|smart display|streaming stick|smart home device"
    "|video doorbell|vacuum cleaner",
}

NARROW = bag(
    """
    chromebook console controller gamepad headset soundbar drone case cover sleeve mouse keyboard webcam tripod backpack
    stylus hub power bank thermostat doorbell bulb vacuum router plug lock earbuds mirrorless ssd memory card tracker
    handheld reader action security display streaming robot vr protector wall car fitness
    """
)
"""Words that name only a part of a category, or parts of several: a product must have them, whatever its category."""

_LINES = {
    "iphone": ("Apple", "smartphone"),
    "ipad": ("Apple", "tablet"),
    "macbook": ("Apple", "laptop"),
    "airpods": ("Apple", "headphones"),
    "airpod": ("Apple", "headphones"),
    "apple watch": ("Apple", "smartwatch"),
    "homepod": ("Apple", "speaker"),
    "airtag": ("Apple", "accessory"),
    "galaxy": ("Samsung", "smartphone"),
    "galaxy tab": ("Samsung", "tablet"),
    "galaxy watch": ("Samsung", "smartwatch"),
    "galaxy watch6": ("Samsung", "smartwatch"),
    "galaxy buds": ("Samsung", "headphones"),
    "galaxy buds2": ("Samsung", "headphones"),
    "pixel": ("Google", "smartphone"),
    "pixel watch": ("Google", "smartwatch"),
    "pixel buds": ("Google", "headphones"),
    "pixel tablet": ("Google", "tablet"),
    "redmi": ("Xiaomi", "smartphone"),
    "moto": ("Motorola", "smartphone"),
    "xperia": ("Sony", "smartphone"),
    "thinkpad": ("Lenovo", "laptop"),
    "ideapad": ("Lenovo", "laptop"),
    "xps": ("Dell", "laptop"),
    "inspiron": ("Dell", "laptop"),
    "zenbook": ("ASUS", "laptop"),
    "vivobook": ("ASUS", "laptop"),
    "pavilion": ("HP", "laptop"),
    "nothing phone": ("Nothing", "smartphone"),
    "surface": ("Microsoft", None),
    "kindle": ("Amazon", "tablet"),
    "bravia": ("Sony", "television"),
    "playstation": ("Sony", "gaming"),
    "xbox": ("Microsoft", "gaming"),
    "nintendo switch": ("Nintendo", "gaming"),
    "quest": ("Meta", "gaming"),
    "echo": ("Amazon", None),
    "nest": ("Google", None),
    "hue": ("Philips", "smart-home"),
    "roomba": ("iRobot", "smart-home"),
}
LINES: Mapping[str, tuple[str, str | None]] = MappingProxyType(_LINES)
"""A product line → its brand, and its category where it has one."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "ps5": "playstation 5",
        "ps 5": "playstation 5",
        "iphones": "iphone",
        "ipads": "ipad",
        "macbooks": "macbook",
        "galaxies": "galaxy",
        "pixels": "pixel",
        "mac book": "macbook",
        "i phone": "iphone",
        "i pad": "ipad",
        "air pods": "airpods",
        "airpod": "airpods",
        "ereader": "e reader",
        "ebook reader": "e reader",
        "e book reader": "e reader",
        "powerbank": "power bank",
        "micro sd": "memory card",
        "microsd": "memory card",
        "sd card": "memory card",
        "earphones": "earbuds",
        "gamepad": "controller",
        "ear buds": "earbuds",
        "sound bar": "soundbar",
        "hoover": "vacuum",
        "playstations": "playstation",
        "play station": "playstation",
        "head phones": "headphones",
        "lap top": "laptop",
        "kindles": "kindle",
        "xboxes": "xbox",
        "think pad": "thinkpad",
        "go pro": "gopro",
        "one plus": "oneplus",
        "jbls": "jbl",
        "colour": "color",
    }
)
"""Other spellings of names."""

_FEATURES = {
    "noise cancelling": "noise cancelling|noise canceling|noise cancellation|noise cancelation|anc|noise reduction",
    "5g": "5g",
    "4k": "4k|ultra hd|uhd",
    "oled": "oled|amoled",
    "qled": "qled",
    "mini led": "mini led|miniled",
    "wireless charging": "wireless charging|qi charging|qi",
    "fast charging": "fast charging|quick charging|quick charge|fast charge",
    "waterproof": "waterproof|water proof|water resistant|water resistance|splash proof",
    "foldable": "foldable|folding|fold",
    "wireless": "wireless",
    "bluetooth": "bluetooth",
    "touchscreen": "touchscreen|touch screen",
    "usb c": "usb c|type c|usbc",
    "gps": "gps",
    "heart rate": "heart rate|pulse",
    "ecg": "ecg|ekg",
    "full frame": "full frame",
    "lightweight": "lightweight|light weight|light|portable laptop",
    "compact": "compact|small|little|pocket size|pocketable",
    "large screen": "large screen|big screen|huge screen|large display|big display",
    "over ear": "over ear|overear",
    "on ear": "on ear",
    "pen input": "stylus|s pen|pen|pen input",
    "headphone jack": "headphone jack|audio jack",
    "dolby atmos": "dolby atmos|atmos",
    "repairable": "repairable|repair",
    "sustainable": "sustainable|eco friendly|ethical",
    "gaming": "gaming|gamer|gamers|play games|playing games",
    "running": "running|jogging|runner",
    "kids": "kids|kid|child|children|son|daughter",
    "student": "student|students|school|university|college|studies",
    "business": "business|work|office laptop",
    "travel": "travel|travelling|traveling|flights|flying|commuting|commute",
    "beginner": "beginner|beginners|first camera",
    "vlogging": "vlogging|vlog|youtube",
    "professional": "professional|professionals",
    "voice assistant": "voice assistant|voice control",
    "alexa": "alexa",
    "android": "android",
    "ios": "ios",
    "windows": "windows",
    "wired": "wired|cabled",
    "mechanical": "mechanical",
    "144hz": "144hz",
}


def _spelled(phrases: str) -> list[str]:
    return [" ".join(words(normal(phrase))) for phrase in phrases.split("|") if phrase]


def _category_phrases() -> dict[str, str]:
    phrases: dict[str, str] = {}
    for slug, text in _CATEGORY_WORDS.items():
        first, *rest = text.split("|")
        for phrase in (*first.split(), *_spelled("|".join(rest))):
            phrases[phrase] = slug
            phrases[plural(phrase)] = slug
    return phrases


def plural(phrase: str) -> str:
    """The plural of a phrase: its last word's. A word that is one already stays."""
    if phrase.endswith("ss"):
        return phrase + "es"
    if phrase.endswith("s"):
        return phrase
    if phrase.endswith(("ch", "sh", "x")):
        return phrase + "es"
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return phrase[:-1] + "ies"
    return {"mouse": "mice"}.get(phrase, phrase + "s")


CATEGORY_OF: Mapping[str, str] = MappingProxyType(_category_phrases())
"""Phrase → category slug, in singular and plural."""

FEATURE_OF: Mapping[str, str] = MappingProxyType(
    {phrase: feature for feature, phrases in _FEATURES.items() for phrase in _spelled(phrases)}
)
"""Phrase → the feature that it means."""

LONGEST_PHRASE = max(len(phrase.split()) for phrase in (*CATEGORY_OF, *FEATURE_OF, *LINES, *ALIASES))


def category_of(text: str | None) -> str | None:
    """The slug for what somebody calls a category (``Phones``, ``smart watch``, ``notebook``), or None."""
    if not text:
        return None
    tokens = words(normal(text))
    phrase = " ".join(tokens)
    if phrase.replace(" ", "-") in CATEGORIES:
        return phrase.replace(" ", "-")
    found = CATEGORY_OF.get(phrase)
    if found or not tokens:
        return found
    return CATEGORY_OF.get(tokens[-1]) or CATEGORY_OF.get(singular(tokens[-1]))
