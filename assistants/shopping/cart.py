"""The cart: pure functions on the attributes document (its shape stands in ``document``). No payment is taken.

CartError
├── CartFull             no room for another line
├── QuantityOutOfRange   a line would hold more than 999 units, or fewer than one
├── NotInCart            there is no line with that SKU
└── CartEmpty            nothing to check out
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from assistants.shopping import money
from assistants.shopping.document import size, trim
from assistants.shopping.words import clean
from memory.clock import iso

MOST_LINES = 100
MOST_UNITS = 999
MOST_PURCHASES = 50
MOST_ITEMS = 25
"""How many lines of a purchase are kept one by one; its totals count all of them."""

CART_BYTES = 14_200
"""Room for 100 lines as the catalogue has them; far longer names fill the cart earlier."""

NAME_CHARS = 120
CATEGORY_CHARS = 40
SKU_CHARS = 64
SKU_RULE = f"begins with a letter or digit and has at most {SKU_CHARS} of the characters A-Z a-z 0-9 . _ : @ + -"
_SKU = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:@+-]{{0,{SKU_CHARS - 1}}}", re.ASCII)


def is_sku(text: str) -> bool:
    """Whether this could be a SKU of any shop: something that a path can name."""
    return _SKU.fullmatch(text) is not None


class CartError(ValueError):
    """The cart stays as it was; the message tells a person why."""


class CartFull(CartError):
    def __init__(self, lines: int) -> None:
        super().__init__(f"The cart is full with {lines} lines; remove something or check out first.")
        self.lines = lines
        self.limit = MOST_LINES


class QuantityOutOfRange(CartError):
    def __init__(self, sku: str, quantity: int) -> None:
        super().__init__(f"A line holds 1 to {MOST_UNITS} units; {sku} would have {quantity}.")
        self.sku = sku
        self.quantity = quantity


class NotInCart(CartError):
    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku[:SKU_CHARS]} is not in the cart.")
        self.sku = sku


class CartEmpty(CartError):
    def __init__(self) -> None:
        super().__init__("The cart is empty; there is nothing to check out.")


def add(
    document: dict[str, Any],
    *,
    sku: str,
    name: str,
    price: Decimal | int | float | str,
    category: str,
    now: int,
    quantity: int = 1,
) -> None:
    """Put units of an item in the cart; the same SKU adds up, at the price and name given last.

    ``now`` in ms. Raises ``CartFull``, ``QuantityOutOfRange``, ``money.NotMoney``; the document is then unchanged.
    Names are cut to 120 characters, categories to 40.
    """
    key = clean(sku)[:SKU_CHARS]
    lines: dict[str, Any] = {**document.get("cart", {})}
    before = lines.get(key)
    units = quantity + (before["quantity"] if before else 0)
    if quantity < 1 or units > MOST_UNITS:
        raise QuantityOutOfRange(key, units)
    if before is None and len(lines) >= MOST_LINES:
        raise CartFull(len(lines))
    # Stored keys have no order: a line is at least a millisecond younger than the one before it.
    newest = max((line["added_at"] for line in lines.values()), default=0)
    lines[key] = {
        "name": clean(name)[:NAME_CHARS],
        "price": str(money.amount(price)),
        "category": clean(category)[:CATEGORY_CHARS],
        "quantity": units,
        "added_at": before["added_at"] if before else max(now, newest + 1),
    }
    if size(lines) > CART_BYTES:
        raise CartFull(len(lines) - (before is None))
    document["cart"] = lines
    _count(document, "added", quantity)
    trim(document)


def remove(document: dict[str, Any], sku: str, units: int | None = None) -> int:
    """Take units of a line out, or all of it; returns how many. Raises ``NotInCart``, ``QuantityOutOfRange``."""
    key = clean(sku)[:SKU_CHARS]
    lines: dict[str, Any] = {**document.get("cart", {})}
    if key not in lines:
        raise NotInCart(key)
    held: int = lines[key]["quantity"]
    if units is not None and units < 1:
        raise QuantityOutOfRange(key, units)
    gone = held if units is None else min(units, held)
    if gone == held:
        del lines[key]
    else:
        lines[key] = {**lines[key], "quantity": held - gone}
    document["cart"] = lines
    _count(document, "removed", gone)
    return gone


def clear(document: dict[str, Any]) -> int:
    """Empty the cart; returns how many units were in it."""
    gone = units(document)
    document["cart"] = {}
    if gone:
        _count(document, "removed", gone)
    return gone


def checkout(document: dict[str, Any], now: int) -> dict[str, Any]:
    """Turn the cart into a purchase and empty it; returns the purchase as ``purchases`` shows it.

    Raises ``CartEmpty``. The newest 50 purchases are kept.
    """
    lines = in_order(document)
    if not lines:
        raise CartEmpty
    count = units(document)
    bought = {
        "at": now,
        "items": [
            {"sku": sku, "name": line["name"], "price": line["price"], "quantity": line["quantity"]}
            for sku, line in lines[:MOST_ITEMS]
        ],
        "lines": len(lines),
        "units": count,
        "total": str(total(document)),
    }
    document["purchases"] = [*document.get("purchases", ()), bought][-MOST_PURCHASES:]
    document["cart"] = {}
    _count(document, "purchased", count)
    shown = _purchase(bought)
    trim(document)
    return shown


def in_order(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The (SKU, line) pairs in the order in which they came into the cart."""
    return sorted(document.get("cart", {}).items(), key=lambda line: (line[1]["added_at"], line[0]))


def total(document: Mapping[str, Any]) -> Decimal:
    """What the cart costs, exactly."""
    return sum(
        (money.amount(line["price"]) * line["quantity"] for line in document.get("cart", {}).values()), Decimal("0.00")
    )


def units(document: Mapping[str, Any]) -> int:
    """How many units are in the cart."""
    return sum(line["quantity"] for line in document.get("cart", {}).values())


def view(document: Mapping[str, Any]) -> dict[str, Any]:
    """The cart for clients: ``{items: [{name, price, category, sku, quantity, added_at}], count, total}``.

    ``count`` is lines; prices and total are numbers with at most two places; ``added_at`` is ISO-8601.
    """
    items = [
        {
            "name": line["name"],
            "price": money.number(money.amount(line["price"])),
            "category": line["category"],
            "sku": sku,
            "quantity": line["quantity"],
            "added_at": iso(line["added_at"]),
        }
        for sku, line in in_order(document)
    ]
    return {"items": items, "count": len(items), "total": money.number(total(document))}


def purchases(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The purchases for clients, newest first: ``[{at, items: [{sku, name, price, quantity}], lines, units, total}]``.

    ``items`` of an old or a very large purchase may be shorter than ``lines``.
    """
    return [_purchase(purchase) for purchase in reversed(document.get("purchases") or ())]


def stats(document: Mapping[str, Any]) -> dict[str, int]:
    """Units ever ``added``, ``removed`` and ``purchased`` in this session."""
    counted = document.get("cart_stats", {})
    return {name: counted.get(name, 0) for name in ("added", "removed", "purchased")}


def _purchase(purchase: Mapping[str, Any]) -> dict[str, Any]:
    items = [{**item, "price": money.number(money.amount(item["price"]))} for item in purchase["items"]]
    return {**purchase, "at": iso(purchase["at"]), "items": items, "total": money.number(Decimal(purchase["total"]))}


def _count(document: dict[str, Any], what: str, units_: int) -> None:
    document["cart_stats"] = {**stats(document), what: stats(document)[what] + units_}
