"""The session's attributes as a whole: kept small, whatever a shopper does.

{"cart": {sku: {name, price (string decimal), category, quantity, added_at (ms)}},
 "cart_stats": {"added": n, "removed": n, "purchased": n},                              units
 "purchases": [{at (ms), items: [{sku, name, price, quantity}], lines, units, total}],  newest last
 "preferences": {…}, "avoided": [brand…], "name": "…",
 "last_results": [sku…], "focus": [sku…], "search": {query, page, …},
 "answers": [key…], "cache": {"hits": n, "misses": n}, "keys": [mark of an idempotency key…]}
"""

from __future__ import annotations

from typing import Any

import orjson

MOST_BYTES = 15_500
"""Below the 16 KB that are promised, with room for how another JSON encoder writes the same."""


def size(document: Any) -> int:
    """How many bytes of JSON it takes."""
    return len(orjson.dumps(document))


def trim(document: dict[str, Any]) -> None:
    """Let go of what is least missed until the document fits: the items of old purchases, what could be repeated from
    the last search, answers to find again, then whole purchases and the numbering of the last list.

    Cart, preferences and name are not touched; they are bounded where they grow, so that together they always fit.
    Whatever makes the document larger calls this.
    """
    purchases: list[dict[str, Any]] = document.get("purchases") or []
    for purchase in purchases:
        if size(document) <= MOST_BYTES:
            return
        purchase["items"] = []
    for name in ("search", "answers"):
        if size(document) > MOST_BYTES:
            document.pop(name, None)
    while purchases and size(document) > MOST_BYTES:
        del purchases[0]
    for name in ("last_results", "focus"):
        if size(document) > MOST_BYTES:
            document.pop(name, None)
