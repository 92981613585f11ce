"""What a step type is. One file in this folder is one step type; the registry finds it by itself.

A pure step takes values and returns a `Decision`; an effect step prepares a `Prepared` (pure), which the engine
performs after it has committed the intent; a local step applies its `Prepared` to the database in the very transaction
that moves the enrollment on. Only local steps touch the database.
"""

import builtins
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from drippulse.kit.db import Session
from drippulse.kit.http import OutboundHttp
from drippulse.workflows.steps.url_secrets import MASK
from drippulse.workflows.templates import Templates

Bag: TypeAlias = dict[str, Any]
SecretPath: TypeAlias = tuple[str, ...]
"""Keys that lead from a config to a value: `("headers", "authorization")`."""
SECRET: JsonDict = {"secret": True}
"""`json_schema_extra` of a config field whose value is never shown."""


class Category(StrEnum):
    TRIGGER = "trigger"
    TIMING = "timing"
    LOGIC = "logic"
    DATA = "data"
    ACTION = "action"


class Guarantee(StrEnum):
    """How often a step's effect happens, whatever crashes."""

    EXACTLY_ONCE = "exactly_once"
    ONCE_NEVER_EARLY = "once_never_early"
    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"
    KEYED = "effect_once_with_idempotency_key"


class StepConfig(BaseModel):
    """A step's parameters. Unknown ones are refused at save with the nearest known name."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Problem:
    """What makes a step unacceptable at save. `path` is relative to the step's config (`branches.0.goto`)."""

    path: str
    message: str


@dataclass(slots=True)
class StepContext:
    """What a decision may depend on; all times are UTC and come from the database's clock.

    `visit` numbers the visits of the enrollment to all of its steps, `step_visits` those to this step, this one
    included. `timezone` is the contact's. `signal` is what was told to this visit from outside since it began: an event
    that it waited for (`{"event": {…}}`), a decision (`{"approval": {…}}`).

    Read-only by agreement: one is made for every step, and a frozen dataclass takes three times as long to make.
    """

    now: datetime
    entered_at: datetime
    organization_id: int
    enrollment_id: int
    workflow_id: int
    visit: int
    attempt: int
    timezone: str
    bag: Mapping[str, Any]
    templates: Templates
    step_id: str = ""
    step_visits: int = 1
    organization_timezone: str = "UTC"
    signal: Mapping[str, Any] | None = None

    @property
    def idempotency_key(self) -> str:
        """Stable over attempts of one step visit."""
        return f"drippulse-{self.organization_id}-{self.enrollment_id}-{self.visit}"

    def render(self, source: str) -> str:
        """Render a Liquid text against the bag; missing variables render empty."""
        return self.templates.render(source, self.bag)

    def render_html(self, source: str) -> str:
        """The same with every value HTML-escaped."""
        return self.templates.render_html(source, self.bag)


@dataclass(frozen=True, slots=True)
class Advance:
    """The step is done. `output` is shallow-merged into the bag; `to` is a step id, or None for the next step.

    `skipped` says why the step did nothing. With `skip_next` the step that follows in order is jumped over.
    """

    output: Bag = field(default_factory=dict[str, Any])
    logs: tuple[str, ...] = ()
    to: str | None = None
    skipped: str | None = None
    skip_next: bool = False


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """The enrollment stays on this step; it is asked again once the database's clock has passed `at`, or a signal came.

    Without a time only a signal ends the wait.
    """

    at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The enrollment completes here."""

    reason: str
    output: Bag = field(default_factory=dict[str, Any])
    logs: tuple[str, ...] = ()


Decision: TypeAlias = Advance | WaitUntil | Finish


@dataclass(frozen=True, slots=True)
class Prepared:
    """An effect, rendered and ready: what the engine records as the intent before the call.

    `request` is the effect step's own value; `summary` is safe to show (no secrets). `recipient` is an e-mail address
    that the suppression list is asked about in the same transaction as the intent.
    """

    request: Any
    summary: dict[str, Any]
    guarantee: Guarantee
    recipient: str | None = None
    subject: str | None = None
    links: tuple[str, ...] = ()
    on_unknown: str = "skip"


class OutcomeKind(StrEnum):
    DONE = "done"
    RETRY = "retry"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an effect.

    `RETRY`: it certainly did not happen, try again (after `retry_after` seconds when the provider said so).
    `UNKNOWN`: it may have happened; what follows is the step's guarantee and `on_unknown`.
    """

    kind: OutcomeKind
    output: Bag = field(default_factory=dict[str, Any])
    logs: tuple[str, ...] = ()
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What `/test` shows for an effect step. `logs` start with `[test] Would …`."""

    logs: tuple[str, ...]
    output: Bag = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A rendered mail, as the step made it; the mailer adds tracking, unsubscribe headers and sends it."""

    to: str
    subject: str
    text: str | None
    html: str | None
    sender: str | None
    reply_to: str | None
    track_opens: bool
    track_clicks: bool
    opt_out: str = "link"
    """How it says that one can unsubscribe: link, reply or header_only."""


class Mailer(Protocol):
    async def send(self, mail: OutgoingMail, ctx: StepContext) -> Outcome: ...


class ConnectorCalls(Protocol):
    """Resolves (organization, provider, connection_key) to a live connector and calls an action of it."""

    async def call(
        self,
        organization_id: int,
        provider: str,
        connection_key: str,
        action: str,
        payload: Mapping[str, Any],
        idempotency_key: str,
    ) -> Outcome: ...

    def guarantee(self, provider: str, action: str) -> Guarantee: ...


class Services(Protocol):
    """What an effect may use. The engine supplies it; no effect opens a database transaction."""

    @property
    def http(self) -> OutboundHttp: ...
    @property
    def mailer(self) -> Mailer: ...
    @property
    def connectors(self) -> ConnectorCalls: ...


C = TypeVar("C", bound=StepConfig)


class StepType(ABC, Generic[C]):
    """The base of every step type.

    `outputs` documents the bag keys a step sets (name -> sentence). `test_behaviour` says what `/test` does instead.
    `unavailable` says why a workflow with this step cannot go live yet; drafts may hold it.
    """

    type: ClassVar[str]
    label: ClassVar[str]
    category: ClassVar[Category]
    description: ClassVar[str]
    guarantee: ClassVar[Guarantee]
    test_behaviour: ClassVar[str]
    outputs: ClassVar[dict[str, str]] = {}
    unavailable: ClassVar[str | None] = None
    config_model: builtins.type[C]

    def problems(self, config: C) -> Iterator[Problem]:
        """What the config model cannot see by itself (a template that does not parse, an unknown provider)."""
        yield from ()

    def targets(self, config: C) -> Iterator[tuple[str, str]]:
        """(config path, step id) of every jump, so that the graph can refuse one into nothing."""
        yield from ()

    def falls_through(self, config: C) -> bool:
        """Whether the step can go on to the next one in order; the graph's reachability asks."""
        return True

    def jumps_are_bounded(self, config: C) -> bool:
        """Whether one enrollment takes this step's jumps a limited number of times, so that a cycle over them ends."""
        return False

    def may_skip_next(self, config: C) -> bool:
        """Whether a visit can jump over the following step; the graph's search for cycles asks."""
        return False

    @property
    def secret_fields(self) -> frozenset[str]:
        """Config fields marked `json_schema_extra=SECRET`: never shown, logged or put into a timeline."""
        return frozenset(
            info.alias or name
            for name, info in self.config_model.model_fields.items()
            if info.json_schema_extra == SECRET
        )

    def secret_paths(self, config: Mapping[str, Any]) -> Iterator[SecretPath]:
        """Where a config, checked or not, holds secrets: those fields, and what a step type adds by its contents."""
        yield from ((name,) for name in sorted(self.secret_fields) if name in config)

    def shown_secret(self, path: SecretPath, value: str) -> str:
        """What callers see of a secret: usually a mask alone."""
        del path, value
        return MASK

    def restored_secret(self, path: SecretPath, sent: str, stored: str) -> str | None:
        """The secret that was sent, where it has masks with what they stand for in the stored one; None when one stands
        for nothing there."""
        del path
        return stored if sent == MASK else sent

    def suspends(self, config: C) -> bool:
        """Whether a visit always takes time, so that a cycle through this step cannot spin."""
        return False


class PureStep(StepType[C]):
    @abstractmethod
    def decide(self, config: C, ctx: StepContext) -> Decision: ...


class EffectStep(StepType[C]):
    @abstractmethod
    def prepare(self, config: C, ctx: StepContext) -> Prepared | Decision:
        """Render the effect. A `Decision` instead means that there is nothing to do (say, no recipient)."""

    def guarantee_of(self, prepared: Prepared, services: Services) -> Guarantee:
        """How often this very effect happens; steps that call a connector ask the connector's action."""
        del services
        return prepared.guarantee

    @abstractmethod
    async def perform(self, prepared: Prepared, ctx: StepContext, services: Services) -> Outcome:
        """Do it once. Never raises for what the outside world does; that is an `Outcome`."""

    @abstractmethod
    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        """What `/test` shows instead of doing it."""


class LocalStep(StepType[C]):
    """A step whose effect is in our own database: effect, timeline entry and cursor commit together, or not at all."""

    @abstractmethod
    def prepare(self, config: C, ctx: StepContext) -> Prepared | Decision:
        """Render the effect. A `Decision` instead means that there is nothing to write."""

    @abstractmethod
    async def apply(self, prepared: Prepared, ctx: StepContext, session: Session) -> Decision:
        """Write it, and say how to go on. `session` has the engine's role: every statement names the organization.

        It runs behind the enrollment's fence and may run again when its transaction does not commit. Raises a
        DomainError to fail the step; what it wrote is then undone.
        """

    @abstractmethod
    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        """What `/test` shows instead of doing it."""
