"""``/api/v1/shopping``: the HTTP face of seed 004."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from flask import Blueprint, Response
from pydantic import AfterValidator, Field

from agent.assistant import Change
from agent.conversation import Request
from agent.events import Done
from api import shapes, sse
from api.chat import refuse_when_draining
from api.errors import ApiError, invalid, not_found, session_not_found
from api.identity import owner
from api.parsing import Body, Text, idempotency_key, message_text, parse, query_number, subject_id
from api.services import Services
from api.session_ids import new_session_id
from assistants.shopping import cart, overview, preferences
from assistants.shopping.hooks import COUNT
from assistants.shopping.money import MOST
from assistants.shopping.retries import KeyReused, exact_key, first_of
from assistants.shopping.words import clean
from memory import View

NAME: Final = "shopping"
PREFIX: Final = "/api/v1/shopping"


def _readable(value: str) -> str:
    if not clean(value):
        raise ValueError("must not be empty")
    return value


def _sku(value: str) -> str:
    if not cart.is_sku(value):
        raise ValueError(cart.SKU_RULE)
    return value


Readable = Annotated[str, AfterValidator(_readable)]


class Query(Body):
    """A question. Without ``sessionId`` a new session is opened for it."""

    q: Text
    sessionId: str | None = None
    messageId: str | None = None


class Preferences(Body):
    """What is given is merged; null, "" and [] clear. What each may be, ``preferences.checked`` says."""

    budget_range: Any = None
    preferred_brands: Any = None
    device_type: Any = None
    shipping_preference: Any = None


class Item(Body):
    """What goes into the cart; ``price`` is for one unit."""

    name: Readable
    price: Annotated[float, Field(ge=0, le=float(MOST))]
    category: Readable
    sku: Annotated[str, AfterValidator(_sku)]
    quantity: Annotated[int, Field(ge=1, le=cart.MOST_UNITS)] = 1
    messageId: str | None = None


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint(NAME, __name__, url_prefix=PREFIX)
    engine, conversation = services.engine(NAME), services.conversation(NAME)

    # --- talking ----------------------------------------------------------------------------------------------------

    def understand() -> Request:
        """The turn that the client asks for."""
        refuse_when_draining(services)
        asked, who = parse(Query), owner()
        key = idempotency_key(asked.messageId)
        session_id = asked.sessionId
        return Request(
            subject=new_session_id(services.config, NAME, who, key) if session_id is None else subject_id(session_id),
            message=message_text(asked.q, services.config.max_message_chars),
            key=key,
            owner=who,
        )

    @routes.post("/query")
    def query() -> dict[str, Any]:
        return _answer(conversation.run(understand()))

    @routes.post("/query/stream")
    def stream() -> Response:
        asked = understand()
        view, events = conversation.stream(asked)
        first = {**shapes.view(view), "session_id": asked.subject}  # the only way to learn it if the stream breaks
        return sse.respond(sse.turn(first, events, _answer))

    # --- looking ----------------------------------------------------------------------------------------------------

    def look(session_id: str, turns: int = 0) -> View:
        """The live session with its newest turns, which looking does not extend; 404 where it is not the caller's."""
        view = engine.session(subject_id(session_id), owner=owner(), turns=turns)
        if view is None:
            raise session_not_found()
        return view

    @routes.get("/session/<session_id>/info")
    def info(session_id: str) -> dict[str, Any]:
        view = look(session_id, engine.policy.keep_turns)
        return _data(
            session_info=overview.session_info(view.session),
            analytics=overview.analytics(view.session, overview.own_turns(view)),
        )

    @routes.get("/session/<session_id>/conversation")
    def history(session_id: str) -> dict[str, Any]:
        limit = query_number("limit", 20, 1, 100)
        said = shapes.messages(overview.own_turns(look(session_id, (limit + 1) // 2)), "role", "user", "assistant")
        newest = said[-limit:]
        return _data(session_id=session_id, conversation=newest, count=len(newest))

    @routes.get("/session/<session_id>/preferences")
    def preferred(session_id: str) -> dict[str, Any]:
        return _preferred(look(session_id).session.attributes)

    @routes.get("/session/<session_id>/cart")
    def cart_of(session_id: str) -> dict[str, Any]:
        return _data(**cart.view(look(session_id).session.attributes))

    # --- changing ---------------------------------------------------------------------------------------------------

    def changed(
        session_id: str, change: Change, *asked: object, key: str | None = None, create: bool = False
    ) -> Mapping[str, Any]:
        """The attributes after the change; with a ``key`` it is made once for what is ``asked``. 404 unless ``create``
        where there is no session, and the error of whatever else stands against it."""
        who = owner()
        try:
            if key is None:
                return engine.update(session_id, change, owner=who, create=create)
            exact = exact_key(key, *asked)
            return engine.update(session_id, first_of(key, change), key=exact, owner=who, create=create)
        except cart.CartError as error:
            raise _refused(error) from error
        except preferences.BadPreference as error:
            raise invalid(str(error), error.field) from error
        except KeyReused as error:
            raise ApiError(422, "idempotency_mismatch", str(error)) from error

    @routes.post("/session/<session_id>/preferences")
    def prefer(session_id: str) -> dict[str, Any]:
        given = parse(Preferences).model_dump(exclude_unset=True)

        def merged(document: dict[str, Any]) -> None:
            preferences.merge(document, given)

        return _preferred(changed(subject_id(session_id), merged, create=True))

    @routes.post("/session/<session_id>/cart/add")
    def add(session_id: str) -> dict[str, Any]:
        asked = parse(Item)
        item, key = asked.model_dump(exclude={"messageId"}), idempotency_key(asked.messageId)
        subject, now = subject_id(session_id), engine.store.now()

        def put_in(document: dict[str, Any]) -> None:
            cart.add(document, **item, now=now)

        return _data(**cart.view(changed(subject, put_in, "add", item, key=key, create=True)))

    @routes.delete("/session/<session_id>/cart/items/<sku>")
    def remove(session_id: str, sku: str) -> dict[str, Any]:
        if not cart.is_sku(sku):
            raise ApiError(400, "invalid_id", f"A SKU {cart.SKU_RULE}", details={"field": "sku"})

        def taken_out(document: dict[str, Any]) -> None:
            cart.remove(document, sku)

        key = idempotency_key()
        return _data(**cart.view(changed(subject_id(session_id), taken_out, "remove", sku, key=key)))

    @routes.delete("/session/<session_id>/cart/clear")
    def clear(session_id: str) -> dict[str, Any]:
        def cleared(document: dict[str, Any]) -> None:
            cart.clear(document)

        return _data(**cart.view(changed(subject_id(session_id), cleared, "clear", key=idempotency_key())))

    @routes.post("/session/<session_id>/cart/checkout")
    def checkout(session_id: str) -> dict[str, Any]:
        """The empty cart, and with it the newest purchase. No payment is taken."""
        subject, key, now = subject_id(session_id), idempotency_key(), engine.store.now()

        def bought(document: dict[str, Any]) -> None:
            cart.checkout(document, now)

        document = changed(subject, bought, "checkout", key=key)
        return _data(**cart.view(document), purchase=next(iter(cart.purchases(document)), None))

    return routes


def _data(**data: Any) -> dict[str, Any]:
    return {"success": True, "data": data}


def _preferred(document: Mapping[str, Any]) -> dict[str, Any]:
    return _data(preferences=dict(document.get("preferences") or {}))


def _answer(done: Done) -> dict[str, Any]:
    """The answer to a question; a retry is given the same. ``conversation_count`` says which of its session it is."""
    finished = done.finished
    with_it = finished.turn.data
    data = {
        "answer": done.text,
        "session_id": finished.session.key.subject,
        "products": with_it.get("products", []),
        "sources": with_it.get("sources", []),
        "cached": with_it.get("cached", False),
        "conversation_count": with_it.get(COUNT, finished.session.turns),
    }
    return {"success": True, "data": data, **shapes.safety(finished)}


def _refused(error: cart.CartError) -> ApiError:
    match error:
        case cart.CartFull():
            return ApiError(409, "cart_full", str(error))
        case cart.CartEmpty():
            return ApiError(409, "cart_empty", str(error))
        case cart.NotInCart():
            return not_found(str(error))
        case _:
            return invalid(str(error), "quantity")
