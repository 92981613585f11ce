"""Finds every step type in this folder: a module that defines a concrete `StepType` is a step type."""

import importlib
import inspect
import pkgutil
from functools import lru_cache
from types import MappingProxyType, ModuleType
from typing import Any

import drippulse.workflows.steps as folder
from drippulse.workflows.steps.base import StepType


@lru_cache(maxsize=1)
def all_types() -> MappingProxyType[str, StepType[Any]]:
    """Every step type by its `type`, in alphabetical order."""
    found: dict[str, StepType[Any]] = {}
    for module in pkgutil.iter_modules(folder.__path__):
        for step in _defined_in(importlib.import_module(f"{folder.__name__}.{module.name}")):
            if step.type in found:
                raise RuntimeError(f"two step types are called {step.type!r}")
            found[step.type] = step
    return MappingProxyType(dict(sorted(found.items())))


def get(type_name: str) -> StepType[Any] | None:
    return all_types().get(type_name)


def _defined_in(module: ModuleType) -> list[StepType[Any]]:
    return [
        value()
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, StepType)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
        and hasattr(value, "type")
    ]
