"""Most templates are text with a few `{{ names }}` in it. Those are rendered without Liquid's machinery.

A template qualifies when it has nothing but text and outputs of plain paths, each with at most a `default` of a quoted
text. What it renders is exactly what Liquid renders; the tests compare the two.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from liquid import BoundTemplate, Token, escape
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path, PositionalArgument, StringLiteral
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.output import OutputNode

from drippulse.workflows.liquid_sandbox import MAX_OUTPUT_BYTES, RecordingUndefined

RESERVED = frozenset({"size", "first", "last"})
MAX_QUICK_CHARACTERS = MAX_OUTPUT_BYTES // 4
"""UTF-8 takes four bytes a character at most, so what is shorter needs no counting."""

Part: TypeAlias = "str | Variable"


class Variable:
    """One output: where the value is, and what stands in for a missing one."""

    __slots__ = ("default", "names", "token")

    def __init__(self, names: tuple[str, ...], token: Token, default: str | None) -> None:
        self.names = names
        self.token = token
        self.default = default


def quick_parts(template: BoundTemplate) -> tuple[Part, ...] | None:
    """The template as text and variables, or None when it needs Liquid itself."""
    parts: list[Part] = []
    for node in template.nodes:
        part = node.text if isinstance(node, ContentNode) else _variable(node)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _variable(node: object) -> Variable | None:
    if not isinstance(node, OutputNode) or type(node.expression) is not FilteredExpression:
        return None
    left, filters = node.expression.left, node.expression.filters or []
    if type(left) is not Path or len(filters) > 1:
        return None
    names = tuple(name for name in left.path if isinstance(name, str))
    if len(names) != len(left.path) or RESERVED & set(names):
        return None
    default: str | None = None
    if filters:
        default = _default_text(filters[0])
        if default is None:
            return None
    return Variable(names, left.token, default)


def _default_text(used: Filter) -> str | None:
    """The text of a `default: "text"`, or None for any other filter and argument."""
    if used.name != "default" or len(used.args) != 1 or not isinstance(used.args[0], PositionalArgument):
        return None
    literal = used.args[0].value
    return literal.value if isinstance(literal, StringLiteral) else None


def render_quick(parts: tuple[Part, ...], scope: Mapping[str, Any], *, html: bool) -> str | None:
    """The rendered text, or None when a value is of a kind that is left to Liquid (lists, objects, dates)."""
    rendered: list[str] = []
    length = 0
    for part in parts:
        text = part if isinstance(part, str) else _value(part, scope, html)
        if text is None:
            return None
        length += len(text)
        rendered.append(text)
    return "".join(rendered) if length <= MAX_QUICK_CHARACTERS else None


def _value(variable: Variable, scope: Mapping[str, Any], html: bool) -> str | None:
    value: Any = scope
    for name in variable.names:
        try:
            value = value[name]
        except (KeyError, TypeError, IndexError):
            return _missing(variable)
    if variable.default is not None and (value is None or value is False or value == ""):
        return variable.default
    return _text(value, html)


def _missing(variable: Variable) -> str:
    """The default, or nothing and a note for whoever records what is missing."""
    if variable.default is None:
        str(RecordingUndefined(variable.names[0], token=variable.token))
    return variable.default or ""


def _text(value: Any, html: bool) -> str | None:
    if isinstance(value, str):
        return escape(value) if html else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None
