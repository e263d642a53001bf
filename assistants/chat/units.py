"""Units of everyday, converted: length, weight, volume, temperature, speed, area, time and data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from assistants.chat.phrases import plain, sentence


@dataclass(frozen=True, slots=True)
class Unit:
    """``factor`` of the kind's base unit; ``one`` and ``many`` are its names for people."""

    kind: str
    factor: Fraction
    one: str
    many: str


# name for one | name for many | other spellings | size in the base unit, by kind.
_TABLE: Final = {
    "length": """
        millimetre|millimetres|mm millimeter millimeters|0.001
        centimetre|centimetres|cm centimeter centimeters|0.01
        metre|metres|m meter meters|1
        kilometre|kilometres|km kms kilometer kilometers|1000
        inch|inches|in "|0.0254
        foot|feet|ft|0.3048
        yard|yards|yd yds|0.9144
        mile|miles|mi|1609.344
        nautical mile|nautical miles|nmi|1852
    """,
    "weight": """
        milligram|milligrams|mg|0.000001
        gram|grams|g gr gramme grammes|0.001
        kilogram|kilograms|kg kgs kilo kilos kilogramme kilogrammes|1
        tonne|tonnes|t metric_ton metric_tons|1000
        ounce|ounces|oz|0.028349523125
        pound|pounds|lb lbs|0.45359237
        stone|stone|st stones|6.35029318
    """,
    "volume": """
        millilitre|millilitres|ml milliliter milliliters|0.001
        centilitre|centilitres|cl centiliter centiliters|0.01
        litre|litres|l liter liters|1
        teaspoon|teaspoons|tsp|0.00492892159375
        tablespoon|tablespoons|tbsp|0.01478676478125
        fluid ounce|fluid ounces|fl_oz floz|0.0295735295625
        cup|cups||0.2365882365
        pint|pints|pt|0.473176473
        quart|quarts|qt|0.946352946
        gallon|gallons|gal|3.785411784
    """,
    "speed": """
        kilometre per hour|kilometres per hour|km/h kmh kph kilometers_per_hour kilometer_per_hour|1/3.6
        mile per hour|miles per hour|mph mi/h|0.44704
        metre per second|metres per second|m/s meters_per_second meter_per_second|1
        knot|knots|kn kt|1852/3600
    """,
    "area": """
        square metre|square metres|m2 m² sqm square_meter square_meters|1
        square kilometre|square kilometres|km2 km² square_kilometer square_kilometers|1000000
        hectare|hectares|ha|10000
        acre|acres||4046.8564224
        square foot|square feet|ft2 ft² sqft|0.09290304
        square mile|square miles|mi2 mi²|2589988.110336
    """,
    "time": """
        second|seconds|s sec secs|1
        minute|minutes|min mins|60
        hour|hours|h hr hrs|3600
        day|days|d|86400
        week|weeks|wk wks|604800
        year|years|yr yrs|31557600
    """,
    "data": """
        byte|bytes|b|1
        kilobyte|kilobytes|kb|1000
        megabyte|megabytes|mb|1000000
        gigabyte|gigabytes|gb|1000000000
        terabyte|terabytes|tb|1000000000000
        kibibyte|kibibytes|kib|1024
        mebibyte|mebibytes|mib|1048576
        gibibyte|gibibytes|gib|1073741824
    """,
}
_CELSIUS: Final = Unit("temperature", Fraction(1), "°C", "°C")
_FAHRENHEIT: Final = Unit("temperature", Fraction(5, 9), "°F", "°F")
_KELVIN: Final = Unit("temperature", Fraction(1), "K", "K")
_DEGREES: Final = {
    _CELSIUS: "c °c celsius centigrade degrees_celsius degrees_c degree_celsius deg_c",
    _FAHRENHEIT: "f °f fahrenheit degrees_fahrenheit degrees_f degree_fahrenheit deg_f",
    _KELVIN: "k °k kelvin kelvins",
}
_ZERO: Final = {
    _CELSIUS: Fraction(27315, 100),
    _FAHRENHEIT: Fraction(45967, 100) * Fraction(5, 9),
    _KELVIN: Fraction(0),
}


def _units() -> dict[str, Unit]:
    known = {}
    for kind, lines in _TABLE.items():
        for line in lines.split("\n"):
            if line.strip():
                one, many, others, factor = line.strip().split("|")
                size, _, per = factor.partition("/")
                unit = Unit(kind, Fraction(size) / Fraction(per or 1), one, many)
                for name in (one, many, *(other.replace("_", " ") for other in others.split())):
                    known[name] = unit
    for unit, names in _DEGREES.items():
        known.update({name.replace("_", " "): unit for name in names.split()})
    return known


UNITS: Final = _units()

_NAMES = "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True))
_NUMBER = r"(?P<number>[-−]?\d{1,15}(?:\.\d{1,9})?|(?:an?|one|half an?|a half)\b)"
_HOW_MANY = re.compile(
    rf"\bhow (?:many|much) (?P<to>{_NAMES}) (?:(?:are|is)(?: there)?(?: in)?|makes?|do|does|equals?|in) "
    rf"{_NUMBER}\s*(?P<from>{_NAMES})(?![\w²])"
)
_INTO = re.compile(
    rf"(?<![\w.,])(?<!\d-){_NUMBER}\s*(?P<from>{_NAMES})\s+(?:in|into|to|as|is how many|equals how many|=)\s+"
    rf"(?P<to>{_NAMES})(?![\w²])"
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """``26.2 miles`` are ``42.16 kilometres``; both with their units. ``approximate`` where digits were left out."""

    given: str
    result: str
    approximate: bool


def convert(text: str) -> Conversion | str | None:
    """The conversion that is asked for; a sentence why there is none; or None where none is asked for."""
    asked = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", plain(text).replace("−", "-"))
    found = _HOW_MANY.search(asked) or _INTO.search(asked)
    if found is None:
        return None
    number = _number(found["number"])
    given, wanted = UNITS[found["from"]], UNITS[found["to"]]
    if given.kind != wanted.kind:
        one, other = f"{given.many} measure {given.kind}", f"{wanted.many} measure {wanted.kind}"
        return sentence(f"{one}, and {other}: one can't become the other")
    if given.kind == "temperature":
        kelvin = number * given.factor + _ZERO[given]
        if kelvin < 0:
            return "That is below absolute zero (−273.15 °C); nothing gets that cold."
        result = (kelvin - _ZERO[wanted]) / wanted.factor
    else:
        result = number * given.factor / wanted.factor
    told, approximate = _rounded(result)
    return Conversion(_with_unit(_rounded(number)[0], given), _with_unit(told, wanted), approximate)


def _number(word: str) -> Fraction:
    if word in ("a", "an", "one"):
        return Fraction(1)
    return Fraction(1, 2) if "half" in word else Fraction(word)


def _rounded(value: Fraction) -> tuple[str, bool]:
    """Two decimals, or as many as a small value needs; and whether that is less than the whole."""
    for digits in (0, 1, 2, 4, 6, 9):
        step = 10**digits
        near = Fraction(round(value * step), step)
        if near == value or (near and digits >= 2 and abs(near - value) <= abs(value) / 400):
            text = f"{float(near):,.{digits}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−"), near != value
    return f"{float(value):.3g}".replace("-", "−"), True


def _with_unit(number: str, unit: Unit) -> str:
    return f"{number} {unit.one if number == '1' else unit.many}"
