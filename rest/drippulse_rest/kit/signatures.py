"""Wrapping handlers: Litestar reads parameters from signatures, so a wrapper has to show the one it stands for."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_type_hints

F = TypeVar("F", bound=Callable[..., Any])


def show_as(wrapper: F, wrapped: Callable[..., Any], *, without: str | None = None) -> F:
    """`wrapper` with the name, the docstring and the signature of `wrapped`, less one parameter."""
    hints = get_type_hints(wrapped, include_extras=True)
    signature = inspect.signature(wrapped)
    kept = [parameter for name, parameter in signature.parameters.items() if name != without]
    shown: Any = wrapper
    shown.__name__, shown.__qualname__ = wrapped.__name__, wrapped.__qualname__
    shown.__doc__, shown.__module__ = wrapped.__doc__, wrapped.__module__
    shown.__signature__ = signature.replace(parameters=kept)
    shown.__annotations__ = {name: hint for name, hint in hints.items() if name != without}
    return wrapper


def parameter_of(function: Callable[..., Any], kind: type) -> str:
    """The name of the parameter that is annotated as `kind`.

    Raises:
        TypeError: there is none.
    """
    hints: Mapping[str, Any] = get_type_hints(function)
    for name, hint in hints.items():
        if name != "return" and isinstance(hint, type) and issubclass(hint, kind):
            return name
    raise TypeError(f"{function.__qualname__} needs a parameter annotated as {kind.__name__}")
