"""How long something took, the short way: ``1h 15m``."""

from __future__ import annotations


def short(milliseconds: int) -> str:
    """``45s``, ``3m``, ``1h 15m``, ``2d 4h``: at most two units, the rest cut off; a zero unit is left out."""
    seconds = max(0, milliseconds) // 1000
    if seconds < 60:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 60:
        return f"{minutes}m"
    parts = [(hours, "h"), (minutes % 60, "m")] if hours < 24 else [(days, "d"), (hours % 24, "h")]
    return " ".join(f"{count}{unit}" for count, unit in parts if count)
