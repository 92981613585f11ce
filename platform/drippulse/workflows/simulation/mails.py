"""What a mail comes to when nobody reads it: to whom, from whom, and which of its variables are missing. Pure.

Most mails are text with a few `{{ names }}` in it (see `quick_templates`). Of those a simulation composes nothing: it
looks up the names, which says all that it counts. Whatever could go another way than plainly out (a value that Liquid
itself must render, an address that is none) is left to the step.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from liquid import Environment
from liquid.exceptions import LiquidError

from drippulse.kit.addresses import Mailbox, parse_mailbox
from drippulse.kit.clock import utc_now
from drippulse.workflows.graph import Graph, Node
from drippulse.workflows.liquid_sandbox import RecordingUndefined, make_environment
from drippulse.workflows.namespace import contact_view
from drippulse.workflows.quick_templates import MAX_QUICK_CHARACTERS, Part, Variable, quick_parts, render_quick
from drippulse.workflows.steps.base import Guarantee, Prepared
from drippulse.workflows.steps.email import EmailConfig, EmailStep
from drippulse.workflows.templates import is_template

BY_THE_CLOCK = frozenset({"now", "today"})
KEPT_ADDRESSES = 20_000
MOST_PER_CHARACTER = 6
"""A character of a value becomes so many at most when it is escaped."""
MAX_NUMBER = 10**18

Parts: TypeAlias = tuple[Part, ...]
Parse: TypeAlias = Callable[[str], Mailbox | None]
NO_TEXT: Parts = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail that is as good as composed. `sender` is empty for the default one."""

    recipient: str
    sender: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Name:
    """A variable: where its value is, how often the texts have it, and how it is called when it is missing (None where
    a default stands in)."""

    path: tuple[str, ...]
    times: int
    missing: str | None


@dataclass(frozen=True, slots=True)
class QuickMail:
    """An email step whose mails can be looked at without composing them.

    `length` is that of its texts without values. `senders`, where there are any, stand for `sender`.
    """

    to: Parts
    sender: Parts
    senders: tuple[str, ...]
    reply_to: Parts
    names: tuple[_Name, ...]
    length: int
    parse: Parse

    def look(self, bag: Mapping[str, Any], enrollment_id: int) -> Seen | None:
        """None when the step itself has to be asked."""
        scope = _Scope(bag)
        to = render_quick(self.to, scope, html=False)
        recipient = self.parse(to) if to is not None else None
        if recipient is None:
            return None
        sender = (self.senders[enrollment_id % len(self.senders)],) if self.senders else self.sender
        addresses = self._address(sender, scope), self._address(self.reply_to, scope)
        missing = self._missing(scope)
        if missing is None or None in addresses:
            return None
        return Seen(recipient.address, addresses[0] or "", missing)

    def _address(self, parts: Parts, scope: Mapping[str, Any]) -> str | None:
        """Empty where the default applies, None where the step would fail or Liquid is needed."""
        if not parts:
            return ""
        text = render_quick(parts, scope, html=False)
        if text is None:
            return None
        mailbox = self.parse(text.strip())
        return str(mailbox) if mailbox else None if text.strip() else ""

    def _missing(self, scope: "_Scope") -> tuple[str, ...] | None:
        """The names that render empty; None when a value, or what it makes of a text, is left to Liquid."""
        missing: list[str] = []
        length = 0
        for name in self.names:
            value: Any = scope
            try:
                for key in name.path:
                    value = value[key]
            except (KeyError, TypeError, IndexError):
                if name.missing is not None:
                    missing.append(name.missing)
                continue
            if isinstance(value, str):
                length += len(value) * name.times
            elif not _is_short(value):
                return None
        fits = self.length + length * MOST_PER_CHARACTER <= MAX_QUICK_CHARACTERS
        return tuple(missing) if fits else None


class _Scope(dict[str, Any]):
    """What templates see, less the clock."""

    def __missing__(self, key: str) -> Any:
        if key != "contact":
            raise KeyError(key)
        view = self[key] = contact_view(self)
        return view


def quick_mails(graph: Graph) -> dict[int, QuickMail]:
    """Those email steps of a graph that can be looked at, by their place."""
    environment = make_environment(autoescape=False, clock=utc_now)
    parse = lru_cache(KEPT_ADDRESSES)(parse_mailbox)
    compiled = ((node.index, _compiled(node, environment, parse)) for node in graph.nodes)
    return {index: mail for index, mail in compiled if mail is not None}


def lean(seen: Seen, config: EmailConfig) -> Prepared:
    """What the step would have prepared, without the texts."""
    return Prepared(
        request=None,
        summary={"to": seen.recipient, "subject": "", "from": seen.sender or None},
        guarantee=Guarantee.AT_MOST_ONCE,
        recipient=seen.recipient,
        on_unknown=config.on_unknown,
    )


def _compiled(node: Node, environment: Environment, parse: Parse) -> QuickMail | None:
    if not isinstance(node.step, EmailStep):
        return None
    config: EmailConfig = node.config
    if any(is_template(sender) for sender in config.senders):
        return None
    sender = None if config.senders else config.text_of("sender")
    sources = (config.to, sender, config.reply_to, config.text_of("subject"), *_bodies(config))
    texts = [_parts(source or "", environment) for source in sources]
    parts = [text for text in texts if text is not None]
    names = _names(part for text in parts for part in text if isinstance(part, Variable))
    if len(parts) < len(texts) or any(name.path[0] in BY_THE_CLOCK for name in names):
        return None
    return QuickMail(
        to=parts[0],
        sender=parts[1],
        senders=tuple(config.senders),
        reply_to=parts[2],
        names=names,
        length=sum(_length(text) for text in parts),
        parse=parse,
    )


def _bodies(config: EmailConfig) -> tuple[str | None, str | None]:
    if config.body or config.html:
        return config.body, config.html
    return config.text_of("body"), config.text_of("html")


def _parts(source: str, environment: Environment) -> Parts | None:
    if not is_template(source):
        return (source,) if source else NO_TEXT
    try:
        return quick_parts(environment.from_string(source))
    except (LiquidError, RecursionError):
        return None


def _length(parts: Parts) -> int:
    return sum(len(part) if isinstance(part, str) else len(part.default or "") for part in parts)


def _names(variables: Iterable[Variable]) -> tuple[_Name, ...]:
    counted = Counter((variable.names, _called(variable)) for variable in variables)
    return tuple(_Name(path, times, called) for (path, called), times in counted.items())


def _called(variable: Variable) -> str | None:
    if variable.default is not None:
        return None
    return RecordingUndefined(variable.names[0], token=variable.token).path()


def _is_short(value: object) -> bool:
    """Whether it renders as a few characters, and without Liquid."""
    if isinstance(value, int):
        return abs(value) <= MAX_NUMBER
    return value is None or isinstance(value, float)
