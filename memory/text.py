"""Text that can be stored and sent: a lone surrogate, which a model may say and JSON can escape, fits no UTF-8."""

from __future__ import annotations

from typing import Any


def storable(value: Any) -> Any:
    """The JSON value with U+FFFD in place of lone surrogates; two that make a pair become their character."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return value
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    return value
