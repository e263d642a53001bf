"""Sums, worked out exactly and within bounds, without running anything that was typed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

LONGEST: Final = 200
"""Characters of a sum."""

_MOST_DIGITS: Final = 60
_DEEPEST: Final = 30
_SHOWN: Final = 10
"""Significant digits of a result that is not exact."""

_LEAD = re.compile(
    r"^\s*(?:(?:hey|hi|hello|ok|okay|so|and|now|please|then)[,\s]+)*"
    r"(?:(?:(?:can|could) you (?:please )?)?"
    r"(?:do you know|tell me|work out|calculate|compute|solve|evaluate|add up|how much (?:is|are)|how many is|"
    r"what(?:'s|’s| is| are| do| does)?)\s+)*(?:the (?:result|value|sum) of\s+)?",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s*(?:=\s*)?(?:\?|(?<![\d)])!|\.|please|equals?|equal to|thanks|thank you|makes?|is|\s)*$", re.IGNORECASE
)

# What people write for an operator, longest first.
_WRITTEN: Final = [
    (r"(?:the )?square root of", " √ "),
    (r"(?:the )?(?:cube|cubic) root of", " ∛ "),
    (r"to the power of|raised to(?: the)?", " ^ "),
    (r"(?<=\d)\s*(?:%|percent|per cent)\s+of\b", " %of "),
    (r"(?<=\d)\s*(?:percent|per cent)\b", " % "),
    (r"(?:multiplied by|times)\b", " * "),
    (r"(?:divided by|over)\b", " / "),
    (r"plus\b", " + "),
    (r"minus\b", " - "),
    (r"(?:modulo|mod)\b", " mod "),
    (r"squared\b", " ^ 2 "),
    (r"cubed\b", " ^ 3 "),
    (r"factorial of\b", " !of "),
    (r"sqrt\b", " √ "),
]
_SMALL_NUMBERS: Final = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
_NUMBERS: Final = {
    **{word: str(number) for number, word in enumerate(_SMALL_NUMBERS.split())},
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "a hundred": "100",
    "hundred": "100",
    "a thousand": "1000",
    "thousand": "1000",
    "a dozen": "12",
    "pi": "π",
}
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})\b")

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|(%of|!of|mod|\*\*|[-+*/^%()√∛!π]))")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{2,4}|\d{3}[- ]\d{3}[- ]\d{4}")


class NoSum(ValueError):
    """The text is not a sum."""


class NoResult(ArithmeticError):
    """The sum has no result that could be told; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Result:
    """A sum as it was understood, and its result; ``exact`` is False where digits were left out."""

    sum: str
    value: str
    exact: bool


def work_out(text: str) -> Result:
    """The result of the sum that is asked for. Raises ``NoSum`` where there is none, ``NoResult`` where it has none."""
    if len(text) > LONGEST or _DATE.search(text):
        raise NoSum
    tokens = _tokens(text)
    numbers = sum(_is_number(token) or token == "π" for token in tokens)
    if numbers == 0 or (all(_is_number(token) or token in "+-()" for token in tokens) and numbers < 2):
        raise NoSum  # a number alone, perhaps with its sign
    parser = _Parser(tokens)
    value = parser.whole()
    told, exact = _told(value)
    told = f"−{told[1:]}" if told.startswith("-") else told
    return Result(_shown(tokens), told, exact and parser.exact)


def _tokens(text: str) -> list[str]:
    text = _TAIL.sub("", _LEAD.sub("", text, count=1), count=1) if text.strip() else ""
    text = text.lower().replace("−", "-").replace("–", "-").replace("×", "*").replace("·", "*").replace("÷", "/")
    text = text.replace("²", "^2").replace("³", "^3").replace("½", "0.5").replace("¼", "0.25").replace("¾", "0.75")
    text = re.sub(r"(?<=\d)[,'’\u202f\u00a0](?=\d{3}(?!\d))", "", text)
    text = _NUMBER_WORD.sub(lambda found: _NUMBERS[found.group()], text)
    text = re.sub(r"(?<=[\d)])\s*x\s*(?=[\d(.√-])", " * ", text)
    for written, operator in _WRITTEN:
        text = re.sub(rf"(?:^|(?<=[\s\d)])){written}", operator, text)
    tokens: list[str] = []
    at = 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NoSum
        tokens.append(found.group(1) or found.group(2))
        at = found.end()
    # Between two numbers it is the remainder: 10 % 3.
    return [
        "mod" if token == "%" and after and (_is_number(after) or after == "(") else token
        for token, after in zip(tokens, [*tokens[1:], ""], strict=bool(tokens))
    ]


class _Parser:
    """Recursive descent: sums of products of powers of signed values. ``exact`` turns False at a root or π."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self.exact = True

    def whole(self) -> Fraction:
        value = self._sum()
        if self._at != len(self._tokens):
            raise NoSum
        return value

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._peek()
        if token not in wanted:
            return ""
        self._at += 1
        return token

    def _sum(self) -> Fraction:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NoResult("that has too many brackets for me")
        value = self._product()
        while operator := self._take("+", "-"):
            other = value * self._percentage() if self._is_percentage() else self._product()
            value = value + other if operator == "+" else value - other
        self._depth -= 1
        return _bounded(value)

    def _is_percentage(self) -> bool:
        """Whether all of what comes next in the sum is ``10%``: 80 + 10% is 88, as on a pocket calculator."""
        number, sign, after = (*self._tokens[self._at : self._at + 3], "", "", "")[:3]
        return _is_number(number) and sign == "%" and after in ("", ")", "+", "-")

    def _percentage(self) -> Fraction:
        value = self._value() / 100
        self._take("%")
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while operator := self._take("*", "/", "%of", "mod", "("):
            if operator == "(":  # 2(3 + 4)
                self._at -= 1
            other = self._signed()
            if operator in ("/", "mod") and other == 0:
                raise NoResult("nothing can be divided by zero")
            if operator in ("*", "("):
                value *= other
            elif operator == "/":
                value /= other
            elif operator == "mod":
                value %= other
            else:
                value = value * other / 100
            value = _bounded(value)
        return value

    def _signed(self) -> Fraction:
        if self._take("-"):
            return -self._signed_within()
        if self._take("+"):
            return self._signed_within()
        return self._power()

    def _signed_within(self) -> Fraction:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NoResult("that has too many signs for me")
        value = self._signed()
        self._depth -= 1
        return value

    def _power(self) -> Fraction:
        base = self._suffixed()
        if not self._take("^", "**"):
            return base
        exponent = self._signed_within()
        return self._raised(base, exponent)

    def _suffixed(self) -> Fraction:
        value = self._value()
        while mark := self._take("!", "%"):
            value = _factorial(value) if mark == "!" else value / 100
        return value

    def _value(self) -> Fraction:
        if self._take("("):
            value = self._sum()
            if not self._take(")"):
                raise NoSum
            return value
        if self._take("√"):
            return self._raised(self._rooted(), Fraction(1, 2))
        if self._take("∛"):
            return self._raised(self._rooted(), Fraction(1, 3))
        if self._take("!of"):
            return _factorial(self._value())
        if self._take("π"):
            self.exact = False
            return Fraction(math.pi)
        token = self._peek()
        if not _is_number(token):
            raise NoSum
        self._at += 1
        return _bounded(Fraction(token))

    def _rooted(self) -> Fraction:
        value = self._signed_within()
        if value < 0:
            raise NoResult("a negative number has no real root")
        return value

    def _raised(self, base: Fraction, exponent: Fraction) -> Fraction:
        if base == 0 and exponent < 0:
            raise NoResult("nothing can be divided by zero")
        if exponent.denominator == 1:
            size = max(len(str(abs(base.numerator))), len(str(base.denominator)))
            if abs(exponent) * size > _MOST_DIGITS * 10:
                raise NoResult("the result is too large for me")
            return _bounded(base ** int(exponent))
        if base < 0:
            raise NoResult("a negative number has no real root")
        root = _exact_root(base, exponent)
        if root is not None:
            return _bounded(root)
        self.exact = False
        try:
            return Fraction(float(base) ** float(exponent))
        except OverflowError as error:
            raise NoResult("the result is too large for me") from error


def _is_number(token: str) -> bool:
    return token[:1].isdigit() or token[:1] == "."


def _exact_root(base: Fraction, exponent: Fraction) -> Fraction | None:
    """The root where it is a whole number or a fraction of such: √(9/4) is 3/2."""
    if exponent.numerator != 1 or exponent.denominator not in (2, 3):
        return None
    degree = exponent.denominator
    parts = []
    for part in (base.numerator, base.denominator):
        guess = math.isqrt(part) if degree == 2 else round(part ** (1 / 3)) if part < 10**15 else 0
        if guess**degree != part:
            return None
        parts.append(guess)
    return Fraction(parts[0], parts[1])


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or value < 0:
        raise NoResult("only whole numbers from 0 on have a factorial")
    if value > 40:
        raise NoResult("the result is too large for me")
    return Fraction(math.factorial(int(value)))


def _bounded(value: Fraction) -> Fraction:
    if max(len(str(abs(value.numerator))), len(str(value.denominator))) > _MOST_DIGITS:
        raise NoResult("the result is too large for me")
    return value


def _told(value: Fraction) -> tuple[str, bool]:
    """A value for people, and whether that is all of it."""
    if value.denominator == 1:
        return f"{int(value):,}", True
    for digits in range(1, _SHOWN + 1):
        scaled = value * 10**digits
        if scaled.denominator == 1:
            return _decimal(int(scaled), digits), True
    rounded = float(value)
    if not rounded or not 10**-6 <= abs(rounded) < 10**15:
        return f"{rounded:.{_SHOWN}g}", False
    digits = max(0, _SHOWN - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text, False


def _decimal(scaled: int, digits: int) -> str:
    """``scaled`` / 10 ** ``digits``, every digit of it."""
    whole, part = divmod(abs(scaled), 10**digits)
    return f"{'-' if scaled < 0 else ''}{whole:,}.{part:0{digits}d}"


def _shown(tokens: Sequence[str]) -> str:
    """The sum as it was understood: ``2 × (3 + 4)``."""
    spelt = [
        f"× {token}" if token == "(" and (_is_number(before) or before == ")") else token
        for before, token in zip(["", *tokens[:-1]], tokens, strict=True)
    ]
    text = " ".join(
        {"*": "×", "/": "÷", "**": "^", "%of": "% of", "mod": "mod", "-": "−"}.get(token, token) for token in spelt
    )
    for wrong, right in (("( ", "("), (" )", ")"), (" !", "!"), (" %", "%"), (" ^ ", "^"), ("√ ", "√"), ("∛ ", "∛")):
        text = text.replace(wrong, right)
    text = re.sub(r"!of (\S+)", r"\1!", text)
    return re.sub(r"(^|[(×÷+−^] ?)− ", r"\1−", text)
