"""Where sessions live. ``open_store(url)`` chooses by the URL's scheme."""

from __future__ import annotations

from memory.stores.base import SessionStore
from memory.stores.open import open_failover_store, open_store

__all__ = ["SessionStore", "open_failover_store", "open_store"]
