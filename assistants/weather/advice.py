"""Umbrella or not, coat or not: what the weather means for a person who goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

Wet = Literal["yes", "maybe", "no"]

LIKELY: Final = 50
POSSIBLE: Final = 25
"""Chances of rain (%) from which on an umbrella is, or may be, worth carrying."""

WARM_COAT: Final = 5
COAT: Final = 12
LIGHT_JACKET: Final = 18
HOT: Final = 30
"""Up to which °C one wants which; and from where on it is hot."""

SNOWY: Final = 2
"""Typical lows (°C) up to which some of what falls is snow."""

RAINY_MONTH: Final = 0.4
DAMP_MONTH: Final = 0.2
"""Shares of rainy days from which on an umbrella is, or may be, worth packing."""


@dataclass(frozen=True, slots=True)
class Advice:
    """``wet``: whether it rains; ``wet_days``: on which days, where several were asked for. ``celsius``: how it feels.

    ``snow``: whether it snows; ``snow_days``: when. ``raining``: it rains at this moment. ``chance``: of rain, in %.
    """

    wet: Wet
    celsius: float
    snow: bool = False
    raining: bool = False
    chance: int | None = None
    wet_days: tuple[str, ...] = ()
    snow_days: tuple[str, ...] = ()
    several: bool = False

    @classmethod
    def now(cls, report: dict[str, Any]) -> Self:
        """For the moment and the rest of the day."""
        today = report.get("today", {})
        raining = report.get("falling") == "rain"
        feels = report.get("feels_like", report["temperature"])
        return cls(
            wet="yes" if raining else _wet(today),
            celsius=celsius(feels, report["units"]["temperature"]),
            snow="snow" in (report.get("falling"), today.get("falling")),
            raining=raining,
            chance=today.get("rain_chance"),
        )

    @classmethod
    def days(cls, days: Sequence[dict[str, Any]], degrees: str, names: Sequence[str]) -> Self:
        """For some days of a forecast, which are called ``names``."""
        wet = [_wet(day) for day in days]
        worst: Wet = "yes" if "yes" in wet else "maybe" if "maybe" in wet else "no"
        chances = [day["rain_chance"] for day in days if "rain_chance" in day]
        snow_days = tuple(name for name, day in zip(names, days, strict=True) if day.get("falling") == "snow")
        return cls(
            wet=worst,
            celsius=celsius(min(day["high"] for day in days), degrees),
            snow=bool(snow_days),
            chance=max(chances, default=None),
            wet_days=tuple(name for name, is_wet in zip(names, wet, strict=True) if is_wet == worst != "no"),
            snow_days=snow_days,
            several=len(days) > 1,
        )

    @classmethod
    def typical(cls, months: Sequence[dict[str, Any]], degrees: str) -> Self:
        """For typical months."""
        share = max(month["rain_days"] / month["days_in_month"] for month in months)
        wet: Wet = "yes" if share >= RAINY_MONTH else "maybe" if share >= DAMP_MONTH else "no"
        coldest = celsius(min(month["low"] for month in months), degrees)
        return cls(wet=wet, celsius=celsius(min(month["high"] for month in months), degrees), snow=coldest <= SNOWY)

    def answer(self, about: frozenset[str]) -> str:
        """The direct answer to «do I need an umbrella (a coat)?» and «will it rain (snow)?»; else nothing."""
        answers = []
        if "umbrella" in about:
            answers.append(self._umbrella())
        elif "rain" in about:
            answers.append(self._rain())
        if "snow" in about:
            answers.append(self._snow())
        if "coat" in about:
            answers.append(f"Yes, take {coat}." if (coat := self._coat()) else "No, you won't need a coat.")
        elif "clothes" in about:
            answers.append(f"Take {coat}." if (coat := self._coat()) else "Light clothes will do.")
        return " ".join(answers)

    def usual(self, about: frozenset[str]) -> str:
        """The same for a typical month, where there is no certainty."""
        answers = []
        if "umbrella" in about:
            answers.append(
                {
                    "yes": "Yes, better take an umbrella.",
                    "maybe": "An umbrella wouldn't hurt.",
                    "no": "You will hardly need an umbrella.",
                }[self.wet]
            )
        elif "rain" in about:
            answers.append(
                {"yes": "Rain is quite likely.", "maybe": "Rain is possible.", "no": "Rain is unlikely."}[self.wet]
            )
        if "snow" in about:
            answers.append("Snow is possible then." if self.snow else "Snow is unlikely then.")
        if {"coat", "clothes"} & about:
            answers.append(f"Take {coat}." if (coat := self._coat()) else "Light clothes will do.")
        return " ".join(answers)

    def sentence(self, *, without: frozenset[str]) -> str:
        """What to take, where that isn't said already."""
        told_umbrella = bool({"umbrella", "rain"} & without)
        surely = ["an umbrella"] if self.wet == "yes" and not told_umbrella else []
        coat = "" if {"coat", "clothes"} & without else self._coat()
        surely += [coat] if coat else []
        on_days = f" (for {join(self.wet_days)})" if self.several and self.wet_days else ""
        perhaps = "an umbrella" if self.wet == "maybe" and not told_umbrella else ""
        if surely and surely[0] == "an umbrella":
            surely[0] += on_days
        if surely and perhaps:
            return f"Take {join(surely)}, and perhaps {perhaps}{on_days}."
        if surely:
            return f"Take {join(surely)}."
        if perhaps:
            return f"Perhaps take {perhaps}{on_days}."
        return "It's hot: drink plenty of water." if self.celsius >= HOT else ""

    def _umbrella(self) -> str:
        if self.raining:
            return "Yes, take an umbrella: it's raining."
        if self.wet == "yes":
            return f"Yes, take an umbrella{self._which_days()}."
        if self.wet == "maybe":
            return f"Perhaps{self._how_likely()}: an umbrella wouldn't hurt{self._which_days()}."
        return "No umbrella needed: it's snow, not rain." if self.snow else "No, you won't need an umbrella."

    def _rain(self) -> str:
        if self.raining:
            return "Yes, it's raining."
        if self.wet == "yes":
            return f"Yes, rain is likely{self._which_days()}."
        if self.wet == "maybe":
            return f"Rain is possible{self._which_days()}."
        return "No rain, but snow." if self.snow else "No, it looks dry."

    def _snow(self) -> str:
        if not self.snow:
            return "No snow is expected."
        return f"Yes, snow is expected{f' {_on(self.snow_days)}' if self.several else ''}."

    def _coat(self) -> str:
        """What to wear over the rest, if anything."""
        for limit, coat in ((WARM_COAT, "a warm coat"), (COAT, "a coat"), (LIGHT_JACKET, "a light jacket")):
            if self.celsius <= limit:
                return coat
        return ""

    def _which_days(self) -> str:
        return f" {_on(self.wet_days)}" if self.several and self.wet_days else ""

    def _how_likely(self) -> str:
        return f" ({self.chance} % chance of rain)" if self.chance is not None else ""


def join(names: Sequence[str]) -> str:
    """``Rome``, ``Rome and Oslo``, ``Rome, Oslo and Paris``."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _on(days: Sequence[str]) -> str:
    """``tomorrow and on Saturday``."""
    return join([day if day in ("today", "tomorrow") else f"on {day}" for day in days])


def _wet(day: dict[str, Any]) -> Wet:
    chance = day.get("rain_chance")
    if day.get("falling") == "snow":
        return "no"
    if chance is None:
        return "yes" if day.get("falling") == "rain" else "no"
    if chance >= LIKELY:
        return "yes"
    return "maybe" if chance >= POSSIBLE else "no"


def celsius(degrees: float, unit: str) -> float:
    return (degrees - 32) * 5 / 9 if unit == "°F" else degrees
