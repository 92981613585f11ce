"""Finds every step type in this folder: a module that defines a concrete `StepType` is a step type."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import lru_cache
from types import MappingProxyType, ModuleType
from typing import Any, cast

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


def find(type_name: str) -> StepType[Any] | None:
    """The step type called `type_name`, or None."""
    return all_types().get(type_name)


def _defined_in(module: ModuleType) -> Iterator[StepType[Any]]:
    for value in vars(module).values():
        if inspect.isclass(value) and value.__module__ == module.__name__ and issubclass(value, StepType):
            step_class = cast("type[StepType[Any]]", value)
            if not inspect.isabstract(step_class) and hasattr(step_class, "config_model"):
                yield step_class()
