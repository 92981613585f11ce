"""Liquid without a file system, a wall clock or a way to eat the machine.

python-liquid limits nesting, output and assigned values; what it leaves open is closed here: the total of loop
iterations, the work that loops and filters do, range literals, filters that multiply sizes, and the local time zone in
dates.
"""

import functools
import json
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import Any, TextIO, cast

import liquid
from dateutil import parser as dateutil_parser
from liquid import Environment, Markup, RenderContext, Token
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.exceptions import LoopIterationLimitError, OutputStreamLimitError
from liquid.undefined import Undefined, is_undefined

from drippulse.kit.clock import Clock

MAX_OUTPUT_BYTES = 1_048_576
MAX_LOCALS_BYTES = 262_144
MAX_LOOP_ITERATIONS = 10_000
NO_DISK_TAGS = ("include", "render")
MAX_WORK = 2_000_000
"""Of one rendering: characters of source that loops repeat, and what filters cost. About a second at the worst."""
MAX_WORK_TOGETHER = 5_000_000
"""Of all renderings within one `work_together`."""
FILTER_WORK = 20
FILTERED_PER_WORK = 10
MAX_NUMBER_BITS = 1024
MAX_DATE_CHARACTERS = 100
MULTIPLYING_FILTERS = ("replace", "join")

missing_names: ContextVar[dict[str, None] | None] = ContextVar("missing_names", default=None)
"""Where undefined variables leave their names as they are rendered; None when nobody records."""
_together: ContextVar[list[int] | None] = ContextVar("work_together", default=None)


@contextmanager
def work_together() -> Generator[None]:
    """Renderings within it share one allowance: for calls that render many templates, or one for many contacts."""
    token = _together.set([MAX_WORK_TOGETHER])
    try:
        yield
    finally:
        _together.reset(token)


class RecordingUndefined(Undefined):
    """Renders empty, as Liquid does, and remembers its name. `default` never stringifies it, so it stays unrecorded."""

    __slots__ = ()

    def __str__(self) -> str:
        names = missing_names.get()
        if names is not None:
            names[self.path()] = None
        return ""

    def path(self) -> str:
        """The variable as the author wrote it (`contact.attributes.plan`)."""
        if self.token is None or self.token.start_index < 0:
            return self.name
        start = end = self.token.start_index
        source = self.token.source
        while end < len(source) and (source[end].isalnum() or source[end] in "_-.[]\"'"):
            end += 1
        return source[start:end].rstrip(".") or self.name


class BudgetedContext(RenderContext):
    """Counts the iterations and the work of one rendering; the library limits the depth of nested loops only.

    `body` is the length of the loop that is about to begin.
    """

    __slots__ = ("body", "iterations", "work")

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.iterations: int = getattr(self, "iterations", 0) + length
        if self.iterations > MAX_LOOP_ITERATIONS:
            raise LoopIterationLimitError(f"more than {MAX_LOOP_ITERATIONS} loop iterations", token=None)
        self.spend(length * getattr(self, "body", 0))

    def spend(self, work: int) -> None:
        """Raises LoopIterationLimitError when it is more than one rendering, or those together, may do."""
        self.work: int = getattr(self, "work", 0) + work
        if self.work > MAX_WORK:
            raise LoopIterationLimitError("its loops and filters have too much to do", token=None)
        left = _together.get()
        if left is not None:
            left[0] -= work
            if left[0] < 0:
                raise LoopIterationLimitError("the templates of this call have too much to do together", token=None)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        function = super().filter(name, token)

        def counted(value: object, *args: object, **kwargs: object) -> object:
            size = _size(value) + sum(map(_size, args))
            self.spend(FILTER_WORK + size // FILTERED_PER_WORK)
            result = function(value, *args, **kwargs)
            self.spend(_size(result) // FILTERED_PER_WORK)
            return result

        return counted


class _BoundedForNode(ForNode):
    """Says how long its body is, and looks at a range before the library turns a reversed one into a list."""

    __slots__ = ("body",)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        _refuse_long_range(self.expression.iterable.evaluate(context))
        _begin_loop(self, context)
        return super().render_to_output(context, buffer)


class _BoundedForTag(ForTag):
    node_class = _BoundedForNode


class _BoundedTablerowNode(TablerowNode):
    __slots__ = ("body",)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        _refuse_long_range(self.expression.iterable.evaluate(context))
        _begin_loop(self, context)
        return super().render_to_output(context, buffer)


class _BoundedTablerowTag(TablerowTag):
    node_class = _BoundedTablerowNode


class SandboxEnvironment(Environment):
    """Standard Liquid tags and filters and `json`; nothing reads a disk."""

    loop_iteration_limit = MAX_LOOP_ITERATIONS
    local_namespace_limit = MAX_LOCALS_BYTES
    output_stream_limit = MAX_OUTPUT_BYTES


def make_environment(*, autoescape: bool, clock: Clock) -> Environment:
    """One environment; with `autoescape` every value is HTML-escaped unless the author marks it `safe`."""
    environment = SandboxEnvironment(autoescape=autoescape, undefined=RecordingUndefined)
    for tag in NO_DISK_TAGS:
        del environment.tags[tag]
    environment.add_tag(_BoundedForTag)
    environment.add_tag(_BoundedTablerowTag)
    environment.add_filter("json", _to_json)
    environment.add_filter("date", functools.partial(_format_date, clock))
    for name, function in list(environment.filters.items()):
        environment.filters[name] = _bounded(name, function)
    return environment


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    multiplies = name in MULTIPLYING_FILTERS

    @functools.wraps(function, assigned=(), updated=("__dict__",))
    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_long_range(value)
        for argument in args:
            _refuse_long_range(argument)
        if multiplies and args:
            _refuse_growth(name, value, args)
        result = function(value, *args, **kwargs)
        if isinstance(result, int) and result.bit_length() > MAX_NUMBER_BITS:
            raise OutputStreamLimitError(f"{name} made a number of more than {MAX_NUMBER_BITS} bits", token=None)
        if isinstance(result, str) and len(result) > MAX_OUTPUT_BYTES:
            raise OutputStreamLimitError(f"{name} made more than {MAX_OUTPUT_BYTES} characters", token=None)
        return result

    return bounded


def _begin_loop(node: _BoundedForNode | _BoundedTablerowNode, context: RenderContext) -> None:
    """The length of the body is reckoned once; inner loops count in it, and again as they begin."""
    if not hasattr(node, "body"):
        node.body = len(str(node.block))
    cast("BudgetedContext", context).body = node.body


def _size(value: object) -> int:
    """In characters; a member of a list counts as ten."""
    if isinstance(value, str):
        return len(value)
    return 10 * len(value) if isinstance(value, list | tuple | dict) else 1  # pyright: ignore[reportUnknownArgumentType] - JSON


def _refuse_long_range(value: object) -> None:
    if isinstance(value, range) and value.stop - value.start > MAX_LOOP_ITERATIONS:
        raise LoopIterationLimitError(f"a range of more than {MAX_LOOP_ITERATIONS} numbers", token=None)


def _refuse_growth(name: str, value: Any, args: tuple[Any, ...]) -> None:
    """`replace` and `join` can multiply two large values; their result is estimated before it is made."""
    if name == "join":
        pieces, length = (len(value) if isinstance(value, list | tuple | range | dict) else 1), len(str(args[0]))  # pyright: ignore[reportUnknownArgumentType] - JSON
    else:
        text = str(value)
        pieces, length = text.count(str(args[0])), len(str(args[1])) if len(args) > 1 else 0
    if pieces * length > MAX_OUTPUT_BYTES:
        raise OutputStreamLimitError(f"{name} would make more than {MAX_OUTPUT_BYTES} characters", token=None)


def _to_json(value: object, indent: object = None) -> str:
    if is_undefined(value):
        value = None
    return json.dumps(value, ensure_ascii=False, indent=2 if indent else None)


def _format_date(clock: Clock, value: object, fmt: object = "") -> str:
    """The `date` filter in UTC. `now` and `today` are the clock's; what is no date comes back unchanged."""
    if is_undefined(value) or value is None:
        return str(value or "")
    pattern = "" if is_undefined(fmt) else str(fmt)
    moment = clock() if value in ("now", "today") else _moment(value)
    if moment is None or not pattern:
        return str(value)
    text = moment.strftime(pattern)
    return Markup(text) if isinstance(fmt, Markup) else text


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal()):
            return datetime.fromtimestamp(float(value), UTC)
        text = str(value)
        if len(text) > MAX_DATE_CHARACTERS:
            return None
        parsed = dateutil_parser.parse(text, default=datetime(2000, 1, 1, tzinfo=UTC))
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def unknown_filters(template: liquid.BoundTemplate, environment: Environment) -> Iterable[tuple[str, int]]:
    """(name, character index) of each filter the template uses and the environment lacks."""
    for name, spans in template.analyze(include_partials=False).filters.items():
        if name not in environment.filters:
            yield name, spans[0].index
