"""What the model may do: look into the catalogue, and change this session's cart and preferences.

Every tool answers compact JSON text; what went wrong is ``{"error": "<a sentence>"}``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, NotRequired

import orjson
from langchain.tools import ToolRuntime
from langchain_core.tools import tool
from typing_extensions import TypedDict  # pydantic asks for this one on Python 3.11

from agent.assistant import Change, TurnContext
from assistants.shopping import cart, money, preferences, references
from assistants.shopping.catalogue import Product, catalogue
from assistants.shopping.document import trim
from assistants.shopping.naming import named
from assistants.shopping.query import narrowed
from assistants.shopping.search import PAGE, search
from assistants.shopping.spelling import brand_of
from assistants.shopping.understanding import understand
from assistants.shopping.vocabulary import category_of

MOST_COMPARED: Final = 4
MOST_ATTACHED: Final = 12
MOST_AT_ONCE: Final = 6
_QUERY_CHARS: Final = 200

_ATTACHING = threading.Lock()
"""A model may call several tools at once; each adds to the products that the one before it left."""


class Wanted(TypedDict):
    """One of several products to add."""

    sku: str
    quantity: NotRequired[int]


@tool
def search_products(
    query: str,
    runtime: ToolRuntime[TurnContext],
    category: str | None = None,
    brand: str | None = None,
    max_price: float | None = None,
    min_price: float | None = None,
    page: int = 1,
) -> str:
    """Search the shop. Understands words like "smartphones under $500", "cheap", "noise cancelling", "16 GB".

    The shopper's budget and brands are applied where the query leaves them open. "missed" tells which wishes nothing
    in the shop meets; the products are then the closest.

    Args:
        query: what is looked for, in the shopper's own words.
        category: for example smartphone, laptop, tablet, headphones, smartwatch, camera, television, monitor, gaming,
            speaker, charger, accessory, smart-home.
        brand: for example Samsung.
        max_price: in dollars.
        min_price: in dollars.
        page: 2 for the next results, and so on.
    """
    context = runtime.context
    try:
        asked = narrowed(
            understand(query),
            category=category_of(category),
            brand=brand_of(brand),
            least=None if min_price is None else money.amount(min_price),
            most=None if max_price is None else money.amount(max_price),
        )
    except money.NotMoney as error:
        return _error(str(error))
    unknown = ["brand"] if brand and not brand_of(brand) else []
    liked = preferences.of(context.attributes)
    page = min(max(page, 1), 50)
    found = search(asked, liked, page)
    if found.products:
        skus = [product.sku for product in found.products]
        repeat = {
            "query": query[:_QUERY_CHARS],
            "category": asked.category,
            "brand": brand_of(brand),
            "max_price": max_price,
            "min_price": min_price,
            "page": page,
        }

        def shown(document: dict[str, Any]) -> None:
            references.show(document, skus, skus[:1] if asked.one else ())
            document["search"] = {name: value for name, value in repeat.items() if value is not None}
            trim(document)

        context.update(shown)
        _attach(context, found.products, listed=True)
    first = (page - 1) * PAGE + 1
    return _json(
        {
            "looked_for": found.query.described(),
            "found": found.total,
            "first": first,
            "missed": [*found.missed, *unknown],
            "within_budget": found.by_budget,
            "favourites": list(found.favourites),
            "products": [{**_brief(product), "n": n} for n, product in enumerate(found.products, 1)],
        }
    )


@tool
def compare_products(skus: list[str], runtime: ToolRuntime[TurnContext]) -> str:
    """Compare two to four products side by side: price, rating, stock and specifications.

    Args:
        skus: their SKUs.
    """
    products = list(dict.fromkeys(product for sku in skus[:MOST_COMPARED] if (product := _product(sku))))
    if len(products) < 2:
        return _error("Give two to four SKUs from the catalogue to compare; search_products finds them.")
    compared = [product.sku for product in products]
    runtime.context.update(lambda document: references.show(document, compared, compared))
    _attach(runtime.context, products, listed=True)
    return _json(
        {
            "products": [{**_brief(product), "specs": dict(product.specs)} for product in products],
            "cheapest": min(products, key=lambda product: product.price).sku,
            "best_rated": max(products, key=lambda product: product.rating).sku,
        }
    )


@tool
def product_details(sku: str, runtime: ToolRuntime[TurnContext]) -> str:
    """Everything on one product: price, rating, stock, specifications, description.

    Args:
        sku: its SKU.
    """
    product = _product(sku)
    if product is None:
        return _error(_unknown(sku))
    context = runtime.context
    context.update(lambda document: _single_out(document, product.sku))
    _attach(context, [product])
    return _json({**_brief(product), "specs": dict(product.specs), "about": product.description})


@tool
def view_cart(runtime: ToolRuntime[TurnContext]) -> str:
    """What is in the shopper's cart, its total, and the purchases of this session, newest first."""
    document = runtime.context.attributes
    return _json({"cart": cart.view(document), "purchases": cart.purchases(document)[:5]})


@tool
def add_to_cart(sku: str, runtime: ToolRuntime[TurnContext], quantity: int = 1) -> str:
    """Put a product in the cart. The same product adds up.

    Args:
        sku: its exact SKU.
        quantity: how many units, 1 to 999.
    """
    return _add_all(runtime.context, [(sku, quantity)])


@tool
def add_several_to_cart(items: list[Wanted], runtime: ToolRuntime[TurnContext]) -> str:
    """Put several different products in the cart, in this order. Each is told by itself if it can't be added.

    Args:
        items: SKU and quantity of each, at most six.
    """
    return _add_all(runtime.context, [(item["sku"], item.get("quantity", 1)) for item in items[:MOST_AT_ONCE]])


@tool
def remove_from_cart(sku: str, runtime: ToolRuntime[TurnContext], quantity: int | None = None) -> str:
    """Take a product out of the cart, all of its units or some.

    Args:
        sku: its SKU, as the cart shows it.
        quantity: how many units; leave it out for all.
    """
    context = runtime.context
    line = context.attributes.get("cart", {}).get(sku)
    gone: list[int] = []

    def removed(document: dict[str, Any]) -> None:
        gone.append(cart.remove(document, sku, quantity))

    if refused := _changed(context, removed):
        return _error(refused)
    return _json(
        {
            "removed": {"sku": sku, "title": line["name"] if line else sku, "quantity": gone[0]},
            "cart": cart.view(context.attributes),
        }
    )


@tool
def clear_cart(runtime: ToolRuntime[TurnContext]) -> str:
    """Take everything out of the cart."""
    context = runtime.context
    held = cart.units(context.attributes)
    context.update(lambda document: (cart.clear(document), None)[1])
    return _json({"removed_units": held, "cart": cart.view(context.attributes)})


@tool
def set_preferences(
    runtime: ToolRuntime[TurnContext],
    budget_range: str | None = None,
    preferred_brands: list[str] | None = None,
    device_type: str | None = None,
    shipping_preference: str | None = None,
) -> str:
    """Note what the shopper prefers, for all further recommendations. What is left out stays; "" or [] clears it.

    Args:
        budget_range: for example "500-1000", "under 500" or "over 1000", in dollars.
        preferred_brands: for example ["Apple", "Samsung"].
        device_type: for example smartphone.
        shipping_preference: for example express.
    """
    given: dict[str, Any] = {
        "budget_range": budget_range,
        "preferred_brands": preferred_brands,
        "device_type": device_type,
        "shipping_preference": shipping_preference,
    }
    given = {name: value for name, value in given.items() if value is not None}
    context = runtime.context
    if refused := _changed(context, lambda document: preferences.merge(document, given)):
        return _error(refused)
    return _json({"preferences": context.attributes["preferences"]})


@tool
def checkout(runtime: ToolRuntime[TurnContext]) -> str:
    """Place the order for what is in the cart. No payment is taken. Only when the shopper asks for it."""
    context = runtime.context

    def bought(document: dict[str, Any]) -> None:
        cart.checkout(document, context.now)

    if refused := _changed(context, bought):
        return _error(refused)
    return _json({"purchase": cart.purchases(context.attributes)[0], "cart": cart.view(context.attributes)})


TOOLS: Final = (
    search_products,
    compare_products,
    product_details,
    view_cart,
    add_to_cart,
    add_several_to_cart,
    remove_from_cart,
    clear_cart,
    set_preferences,
    checkout,
)


LISTED: Final = "_listed"
"""Under this name the SKUs that a tool listed wait in the turn's data until the reply is there."""


def attach(context: TurnContext, products: Sequence[Product]) -> None:
    """Let exactly these products travel with the reply."""
    context.attach("products", [product.summary() for product in products[:MOST_ATTACHED]])
    sources = [{"title": p.title, "sku": p.sku, "snippet": p.description} for p in products[:MOST_ATTACHED]]
    context.attach("sources", sources)


def _attach(context: TurnContext, products: Sequence[Product], *, listed: bool = False) -> None:
    """Let these products travel with the reply, behind those of the tools that were called before."""
    with _ATTACHING:
        before = catalogue().known(entry["sku"] for entry in context.data.get("products", ()))
        attach(context, list(dict.fromkeys((*before, *products))))
        if listed:
            context.attach(LISTED, [*context.data.get(LISTED, ()), *(product.sku for product in products)])


def _add_all(context: TurnContext, wanted: Sequence[tuple[str, int]]) -> str:
    done: list[dict[str, Any]] = []
    refused: list[str] = []
    products: list[Product] = []
    for sku, quantity in wanted:
        product = _product(sku)
        if product is None:
            refused.append(_unknown(sku))
        elif error := _add_one(context, product, quantity):
            refused.append(error)
        else:
            done.append({**_brief(product), "quantity": quantity})
            products.append(product)
    if not done:
        return _error(" ".join(refused) or "There is nothing to add.")
    context.update(lambda document: references.point_at(document, [product.sku for product in products]))
    _attach(context, products)
    return _json({"added": done, "refused": refused, "cart": cart.view(context.attributes)})


def _add_one(context: TurnContext, product: Product, quantity: int) -> str | None:
    """Put it in the cart; what stands against it as a sentence, or None where it is in."""
    held = context.attributes.get("cart", {}).get(product.sku, {}).get("quantity", 0)
    if product.stock == 0:
        return f"{product.title} is out of stock at the moment."
    if quantity + held > product.stock:
        more = f", and {held} of them in your cart already" if held else ""
        return f"There are only {product.stock} of {product.title} in stock{more}."
    return _changed(
        context,
        lambda document: cart.add(
            document,
            sku=product.sku,
            name=product.title,
            price=product.price,
            category=product.category,
            quantity=quantity,
            now=context.now,
        ),
    )


def _changed(context: TurnContext, change: Change) -> str | None:
    """Make the change; what stands against it as a sentence, or None where it was made."""
    refused: list[str] = []

    def guarded(document: dict[str, Any]) -> None:
        try:
            change(document)
        except (cart.CartError, preferences.BadPreference) as error:
            # Also when the turn is stored on attributes that were changed from elsewhere: it must not be lost for it.
            refused.append(str(error))

    context.update(guarded)
    return refused[0] if refused else None


def _single_out(document: dict[str, Any], sku: str) -> None:
    """A product of the last list keeps its number there; another one becomes the list."""
    if sku in references.last_results(document):
        references.point_at(document, [sku])
    else:
        references.show(document, [sku])


def _product(sku: str) -> Product | None:
    """The product with this SKU, or with this name where a model gives one."""
    exact = catalogue().get(sku)
    if exact:
        return exact
    by_name = named(sku)
    return by_name[0].product if len(by_name) == 1 and by_name[0].exact else None


def _brief(product: Product) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "title": product.title,
        "price": money.number(product.price),
        "rating": product.rating,
        "stock": product.stock,
        "short": ", ".join(list(product.specs.values())[:3]),
    }


def _unknown(sku: str) -> str:
    return f"There is no product {sku[:40]!r} in the catalogue; search for it to find the right SKU."


def _error(message: str) -> str:
    return _json({"error": message})


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()
