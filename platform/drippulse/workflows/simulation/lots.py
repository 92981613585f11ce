"""What the world does in a simulation, drawn by lot. Pure: the same seed, contact and step always draw the same."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from drippulse.workflows.simulation.schemas import CallModel, Delay, Models
from drippulse.workflows.steps.base import Outcome, OutcomeKind, StepContext
from drippulse.workflows.steps.webhook_callback import WebhookRequest
from drippulse.workflows.steps.webhook_response import judge
from drippulse.workflows.walk import Effect


@dataclass(frozen=True, slots=True)
class Lots:
    """Draws by seed. Both definitions of a comparison draw the same for the same contact, step id and visit."""

    seed: int
    models: Models

    def event(self, ctx: StepContext, contact: int, event_type: str) -> tuple[float, dict[str, Any]] | None:
        """(seconds until the event comes, its data), or None when it never does."""
        model = self.models.events.get(ctx.step_id) or self.models.events.get(event_type)
        if model is None or self._drawn(ctx, contact, "event") >= model.probability:
            return None
        return self._delay(model, ctx, contact), model.data

    def ending(self, contact: int, event_type: str) -> float | None:
        """Seconds from entering until an event that ends the run, or None when it never comes."""
        model = self.models.events.get(event_type)
        if model is None or self._draw(contact, event_type, 0, "ending") >= model.probability:
            return None
        return model.least + (model.most - model.least) * self._draw(contact, event_type, 0, "delay")

    def approval(self, ctx: StepContext, contact: int) -> tuple[float, bool] | None:
        """(seconds until somebody decides, whether it is a yes), or None when nobody does."""
        model = self.models.approvals.get(ctx.step_id)
        if model is None:
            return None
        drawn = self._drawn(ctx, contact, "approval")
        if drawn >= model.approve + model.reject:
            return None
        return self._delay(model, ctx, contact), drawn < model.approve

    def call(self, effect: Effect, contact: int) -> Outcome | None:
        """What becomes of this attempt of a call; None when it succeeds as it does in `/test`."""
        outcomes = self.models.calls.get(effect.node.id)
        if not outcomes:
            return None
        ctx = effect.ctx
        chosen = _choose(outcomes, self._drawn(ctx, contact, f"call:{ctx.attempt}"))
        return None if chosen is None else _outcome(chosen, effect)

    def _delay(self, model: Delay, ctx: StepContext, contact: int) -> float:
        if model.most == model.least:
            return model.least
        return model.least + (model.most - model.least) * self._drawn(ctx, contact, "delay")

    def _drawn(self, ctx: StepContext, contact: int, what: str) -> float:
        return self._draw(contact, ctx.step_id, ctx.step_visits, what)

    def _draw(self, contact: int, step_id: str, nth: int, what: str) -> float:
        text = f"{self.seed}\0{contact}\0{step_id}\0{nth}\0{what}"
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
        return (int.from_bytes(digest) >> 11) / 2**53


def _choose(outcomes: Sequence[CallModel], drawn: float) -> CallModel | None:
    for outcome in outcomes:
        if drawn < outcome.probability:
            return outcome
        drawn -= outcome.probability
    return None


def _outcome(model: CallModel, effect: Effect) -> Outcome:
    if model.status is not None:
        request: WebhookRequest = effect.prepared.request
        return judge(httpx.Response(model.status, json=model.body), request.branches, effect.ctx)
    kind = OutcomeKind(model.outcome)
    if kind is OutcomeKind.DONE:
        return Outcome(kind, output=model.output, logs=("[simulation] Done",))
    return Outcome(kind, code=f"simulated_{kind}", message=f"The simulation drew the outcome {kind}.")
