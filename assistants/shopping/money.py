"""Money: exact decimals inside, a JSON number with at most two places at the edge."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
MOST = Decimal(1_000_000)
"""The highest price of one item, and the highest amount that is understood in a message."""


class NotMoney(ValueError):
    """``value`` is no amount from 0 to 1,000,000."""

    def __init__(self, value: object) -> None:
        super().__init__(f"A price must be a number from 0 to 1,000,000, got {str(value)[:40]!r}.")


def amount(value: Decimal | int | float | str) -> Decimal:
    """The exact amount, rounded to cents; raises ``NotMoney``.

    A float is read by its shortest decimal form: ``999.99`` is 999.99 and not the binary fraction next to it.
    """
    if isinstance(value, bool):
        raise NotMoney(value)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        raise NotMoney(value) from None
    if not exact.is_finite() or not 0 <= exact <= MOST:
        raise NotMoney(value)
    return exact.quantize(CENT, ROUND_HALF_UP)


def number(exact: Decimal) -> int | float:
    """The amount as a JSON number: ``999``, ``25.99``."""
    return int(exact) if exact == exact.to_integral_value() else float(exact.quantize(CENT, ROUND_HALF_UP))


def shown(exact: Decimal) -> str:
    """The amount for people: ``$1,299`` or ``$25.99``."""
    return f"${exact:,.0f}" if exact == exact.to_integral_value() else f"${exact:,.2f}"
