"""The chat model behind an assistant. The only place that names a provider.

``MODEL`` is anything that LangChain's ``init_chat_model`` takes (``openai:gpt-4o-mini``); with ``OPENAI_BASE_URL`` the
same client talks to Ollama, vLLM or llama.cpp. One client a model serves all assistants of a process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final

from langchain_core.language_models import BaseChatModel

from agent.offline import OFFLINE, OfflineModel, Rules

DEFAULT_MODEL: Final = "openai:gpt-4o-mini"
"""Where there is a key and nothing else is said."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """``name`` is ``offline`` or ``provider:model``; ``timeout`` is for a whole turn (s), ``context_tokens`` what a
    model is shown at most (the newest turns stay), ``retries`` how often the provider's client asks again,
    ``connections`` how many calls it makes at once."""

    name: str = OFFLINE
    fallback: str = ""
    api_key: str = ""
    base_url: str = ""
    timeout: float = 60.0
    context_tokens: int = 16_000
    retries: int = 2
    connections: int = 64

    @property
    def provider(self) -> str:
        return self.name.partition(":")[0] if ":" in self.name else (OFFLINE if self.name == OFFLINE else "openai")

    @property
    def model(self) -> str:
        return self.name.partition(":")[2] or self.name


class Models:
    """Makes each model once, when it is first needed."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._made: dict[str, BaseChatModel] = {}
        self._lock = threading.Lock()

    @property
    def offline(self) -> bool:
        return self.settings.name == OFFLINE

    def main(self, rules: Rules) -> BaseChatModel:
        """The model that answers; offline it speaks by the assistant's rules."""
        return self._get(self.settings.name, rules)

    def fallback(self, rules: Rules) -> BaseChatModel | None:
        """The model that is asked when the first one fails, if any."""
        return self._get(self.settings.fallback, rules) if self.settings.fallback else None

    def _get(self, name: str, rules: Rules) -> BaseChatModel:
        if name == OFFLINE:
            return OfflineModel(rules=rules)
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def _make(self, name: str) -> BaseChatModel:
        provider, colon, model = name.partition(":")
        options: dict[str, Any] = {"timeout": self.settings.timeout, "max_retries": self.settings.retries}
        if colon and provider != "openai":
            from langchain.chat_models import init_chat_model

            made: BaseChatModel = init_chat_model(name, **options)
            return made
        from agent.openai_client import light_model

        if self.settings.base_url:
            options["base_url"] = self.settings.base_url
        # A server of one's own (Ollama, vLLM) asks for no key, but the client wants one to be there.
        key = self.settings.api_key or "none"
        return light_model(self.settings.connections, model=model or name, api_key=key, stream_usage=True, **options)
