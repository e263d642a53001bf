"""Finds the assistants: every folder of a package that holds an ``ASSISTANT``."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from agent.assistant import Assistant


class UnknownAssistant(LookupError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no assistant {name[:40]!r}; there are {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class Registry(Mapping[str, Assistant]):
    """Assistants by name, in the order of their names; ``packages`` are the folders they come from."""

    assistants: Mapping[str, Assistant]
    packages: Mapping[str, ModuleType]

    def __getitem__(self, name: str) -> Assistant:
        try:
            return self.assistants[name]
        except KeyError:
            raise UnknownAssistant(name, self.assistants) from None

    def __contains__(self, name: object) -> bool:
        return name in self.assistants

    def __iter__(self) -> Iterator[str]:
        return iter(self.assistants)

    def __len__(self) -> int:
        return len(self.assistants)


def find(package: str = "assistants", only: Iterable[str] = ()) -> Registry:
    """The assistants of a package, all of them or those named in ``only`` (``UnknownAssistant`` if one is missing)."""
    root = import_module(package)
    names = sorted(info.name for info in pkgutil.iter_modules(root.__path__) if info.ispkg)
    wanted = list(only) or names
    if missing := [name for name in wanted if name not in names]:
        raise UnknownAssistant(missing[0], names)
    packages = {name: import_module(f"{package}.{name}") for name in names if name in wanted}
    return Registry({name: module.ASSISTANT for name, module in packages.items()}, packages)
