"""Liquid texts: parsed once, rendered against one bag after the other. No I/O."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from io import StringIO
from typing import Any

from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError
from liquid.output import LimitedStringIO

from drippulse.kit.clock import Clock, utc_now
from drippulse.kit.text import did_you_mean
from drippulse.workflows.errors import TemplateRenderError
from drippulse.workflows.liquid_sandbox import (
    MAX_OUTPUT_BYTES,
    BudgetedContext,
    make_environment,
    missing_names,
    unknown_filters,
)
from drippulse.workflows.namespace import contact_view
from drippulse.workflows.quick_templates import quick_parts, render_quick

MAX_SOURCE_CHARACTERS = 262_144
CACHED_TEMPLATES = 512


class _Namespace(Mapping[str, Any]):
    """The bag, and behind it `contact`, `now` and `today`, made when asked for."""

    __slots__ = ("_bag", "_clock", "_contact")

    def __init__(self, bag: Mapping[str, Any], clock: Clock) -> None:
        self._bag = bag
        self._clock = clock
        self._contact: dict[str, Any] | None = None

    def __getitem__(self, key: str) -> Any:
        if key in self._bag:
            return self._bag[key]
        if key == "contact":
            if self._contact is None:
                self._contact = contact_view(self._bag)
            return self._contact
        if key == "now":
            return self._clock()
        if key == "today":
            return self._clock().date()
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._bag)

    def __len__(self) -> int:
        return len(self._bag)

    def __bool__(self) -> bool:
        """The library drops a false mapping, and with an empty bag `now` would be the machine's local time."""
        return True


class _Parsed:
    """A parsed template, and its parts when it is simple enough for `render_quick`."""

    __slots__ = ("html", "parts", "template")

    def __init__(self, environment: Environment, source: str) -> None:
        self.template = environment.from_string(source)
        self.parts = quick_parts(self.template)
        self.html = environment.autoescape


class Templates:
    """Renders Liquid in a sandbox, plain or HTML-escaped.

    Top-level names are the bag's keys, `contact` (see `namespace`), `now` and `today` (UTC, from `clock`). A missing
    variable renders empty. Parsed templates are kept by source, the least recently used going first.
    """

    def __init__(self, clock: Clock = utc_now, cached: int = CACHED_TEMPLATES) -> None:
        self._clock = clock
        self._plain_environment = make_environment(autoescape=False, clock=clock)
        self._html_environment = make_environment(autoescape=True, clock=clock)
        self._parse_plain = lru_cache(maxsize=cached)(partial(_Parsed, self._plain_environment))
        self._parse_html = lru_cache(maxsize=cached)(partial(_Parsed, self._html_environment))

    def render(self, source: str, bag: Mapping[str, Any]) -> str:
        """Raises TemplateRenderError when the data makes the template fail or a limit is passed."""
        if not is_template(source):
            return source
        try:
            return self._run(self._parse_plain(source), bag)
        except Exception as error:
            raise _as_render_error(error) from error

    def render_html(self, source: str, bag: Mapping[str, Any]) -> str:
        """The same, with every value HTML-escaped unless the author filters it through `safe`."""
        if not is_template(source):
            return source
        try:
            return self._run(self._parse_html(source), bag)
        except Exception as error:
            raise _as_render_error(error) from error

    def parse_error(self, source: str) -> str | None:
        """Why `source` is refused at save (`line 2: unexpected tag 'endfor'`), or None. Unknown filters count."""
        if len(source) > MAX_SOURCE_CHARACTERS:
            return f"the template has {len(source)} characters; at most {MAX_SOURCE_CHARACTERS} are accepted"
        if not is_template(source):
            return None
        try:
            return _filter_problem(self._parse_plain(source).template, self._plain_environment, source)
        except LiquidError as error:
            return _describe(error)
        except RecursionError:
            return "the template is nested too deeply"

    def variables(self, source: str) -> list[str]:
        """The names that a text reads from outside, as paths (`contact.first_name`); none when it does not parse."""
        if not is_template(source):
            return []
        try:
            return sorted(self._parse_plain(source).template.global_variable_paths(include_partials=False))
        except (LiquidError, RecursionError):
            return []

    @contextmanager
    def recording(self) -> Generator[dict[str, None]]:
        """Collects, in order, the names that rendered empty because they are not defined, as the keys of a dict.

        `{{ x | default: "there" }}` is not missing, nor is a variable that is only tested (`{% if x %}`).
        """
        names: dict[str, None] = {}
        token = missing_names.set(names)
        try:
            yield names
        finally:
            missing_names.reset(token)

    def _run(self, parsed: "_Parsed", bag: Mapping[str, Any]) -> str:
        """What `BoundTemplate.render` does, less the copies it makes of the bag, and quickly where that is enough."""
        namespace = _Namespace(bag, self._clock)
        if parsed.parts is not None:
            quick = render_quick(parsed.parts, namespace, html=parsed.html)
            if quick is not None:
                return quick
        context = BudgetedContext(parsed.template, globals=namespace)
        buffer: StringIO = LimitedStringIO(limit=MAX_OUTPUT_BYTES)
        for node in parsed.template.nodes:
            node.render(context, buffer)
        return buffer.getvalue()


@lru_cache(maxsize=1)
def shared_templates() -> Templates:
    """The process's own, for checks at save; one parse cache serves all."""
    return Templates()


def is_template(source: str) -> bool:
    return "{{" in source or "{%" in source


def _filter_problem(template: BoundTemplate, environment: Environment, source: str) -> str | None:
    for name, index in unknown_filters(template, environment):
        line = source.count("\n", 0, max(index, 0)) + 1
        return f"line {line}: unknown filter '{name}'.{did_you_mean(name, environment.filters)}"
    return None


def _describe(error: LiquidError) -> str:
    message = str(error.message or "it does not parse")
    try:
        context = error.context()
    except ValueError:
        context = None
    return f"line {context[0]}: {message}" if context else message


def _as_render_error(error: Exception) -> TemplateRenderError:
    if isinstance(error, LiquidError):
        return TemplateRenderError(f"The template failed on this contact's data: {_describe(error)}.")
    return TemplateRenderError(f"The template failed on this contact's data ({type(error).__name__}).")
