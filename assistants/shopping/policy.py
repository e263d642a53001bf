"""When a shopping session ends and what it keeps (seed 004)."""

from __future__ import annotations

from typing import Final

from memory import SessionPolicy

POLICY: Final = SessionPolicy(
    inactivity=86_400,
    keep_turns=50,
    history_ttl=7_200,  # the talk is forgotten before the cart is
    durability="memory",  # the seed: nothing on disk
)
