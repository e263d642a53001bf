"""The shape of an answer, written once as an example, from which its JSON schema is made.

    {"success": True, "duration": Maybe(1_800), "status": OneOf("active", "ended"), "interrupted?": True}

A name that ends in ``?`` may be absent. Times are recognised by their form; everything else is of its example's type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Shape = Any
"""JSON, with these classes in it."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Maybe:
    """The shape, or null."""

    shape: Shape


class OneOf:
    """One of these words (or numbers, or null); the first one is the example."""

    def __init__(self, *values: Any) -> None:
        self.values = values


@dataclass(frozen=True)
class Each:
    """An object with any names, each of which holds this shape; ``name`` is the example's."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class Free:
    """Any JSON; what is in it is somebody else's business."""

    example: Any


@dataclass(frozen=True)
class Named:
    """A shape that stands under this name among the document's components."""

    name: str
    shape: Shape


def example(shape: Shape) -> Any:
    """The example alone, as JSON."""
    match shape:
        case Maybe(shape=inner) | Named(shape=inner):
            return example(inner)
        case OneOf():
            return shape.values[0]
        case Each():
            return {shape.name: example(shape.shape)}
        case Free():
            return shape.example
        case Mapping():
            return {name.removesuffix("?"): example(item) for name, item in shape.items()}
        case list():
            return [example(item) for item in shape]
    return shape


def schema(shape: Shape, components: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a shape; shapes that have a name are put among ``components``."""
    match shape:
        case Maybe(shape=inner):
            return _nullable(schema(inner, components))
        case Named(name=name, shape=inner):
            if name not in components:
                components[name] = {}  # so that a shape may hold itself
                components[name] = {**schema(inner, components), "examples": [example(inner)]}
            return {"$ref": f"#/components/schemas/{name}"}
        case OneOf():
            return {"enum": list(shape.values)}
        case Each():
            return {"type": "object", "additionalProperties": schema(shape.shape, components)}
        case Free():
            return {}
        case Mapping():
            return {
                "type": "object",
                "properties": {name.removesuffix("?"): schema(item, components) for name, item in shape.items()},
                "required": [name for name in shape if not name.endswith("?")],
            }
        case list():
            return {"type": "array", "items": schema(shape[0], components) if shape else {}}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return {"type": "string", "format": "date-time"} if _TIME.fullmatch(shape) else {"type": "string"}
    raise TypeError(f"{shape!r} says nothing of its type: use Maybe or Free")


def _nullable(found: dict[str, Any]) -> dict[str, Any]:
    if isinstance(found.get("type"), str):
        return {**found, "type": [found["type"], "null"]}
    return {"anyOf": [found, {"type": "null"}]}
