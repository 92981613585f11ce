"""`ab_test`: every contact gets one variant, always the same one."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from drippulse.workflows.steps.base import Advance, Category, Guarantee, Problem, PureStep, StepConfig, StepContext

MAX_VARIANTS = 20


class Variant(BaseModel):
    """One of the things to try."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=100, description="Name of the variant, such as `a`.")
    weight: float = Field(
        default=1,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Share of the contacts, in proportion to the other weights; 0 turns the variant off.",
    )
    goto: str | None = Field(
        default=None, min_length=1, description="Id of the step to go on with; default: the next one."
    )


class AbTestConfig(StepConfig):
    variants: list[Variant] = Field(
        min_length=1, max_length=MAX_VARIANTS, description="What is tried: {id, weight, goto}."
    )


def choose(variants: list[Variant], seed: str) -> Variant:
    """The variant of a contact. The same seed always gets the same one, in proportion to the weights.

    Weighted rendezvous hashing: the order of the variants does not matter, and when one is added, dropped or weighted
    anew, only contacts that win or lose by it move.
    """
    return max(variants, key=lambda variant: _rank(variant, seed))


def _rank(variant: Variant, seed: str) -> float:
    digest = hashlib.blake2b(f"{seed}\0{variant.id}".encode(errors="surrogatepass"), digest_size=8).digest()
    uniform = (int.from_bytes(digest) + 0.5) / 2**64
    return variant.weight / -math.log(min(uniform, 1 - 2**-53))


def identity(bag: Mapping[str, Any], enrollment_id: int) -> str:
    """Who the contact is: its `lead_ref`, else its address in lower case, else the enrollment."""
    for name in ("lead_ref", "email"):
        value = bag.get(name)
        if isinstance(value, str) and value.strip():
            return f"{name}:{value.strip().lower() if name == 'email' else value.strip()}"
        if name == "lead_ref" and isinstance(value, int | float) and not isinstance(value, bool):
            return f"{name}:{value}"
    return f"enrollment:{enrollment_id}"


class AbTestStep(PureStep[AbTestConfig]):
    type: ClassVar[str] = "ab_test"
    label: ClassVar[str] = "A/B test"
    category: ClassVar[Category] = Category.LOGIC
    description: ClassVar[str] = (
        "Splits the contacts over variants in proportion to their weights. A contact (by `lead_ref`, else by address) "
        "gets the same variant whenever it comes to this step of this workflow."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Chooses as in a live run, by the sample contact."
    outputs: ClassVar[dict[str, str]] = {"variant": "The id of the variant. A later ab_test step replaces it."}
    config_model = AbTestConfig

    def problems(self, config: AbTestConfig) -> Iterator[Problem]:
        seen: set[str] = set()
        for index, variant in enumerate(config.variants):
            if variant.id in seen:
                yield Problem(f"variants.{index}.id", f'"{variant.id}" is also the id of another variant')
            seen.add(variant.id)
        if not any(variant.weight for variant in config.variants):
            yield Problem("variants", "have weights of 0 only; give at least one a weight above 0")

    def decide(self, config: AbTestConfig, ctx: StepContext) -> Advance:
        seed = f"{ctx.workflow_id}\0{ctx.step_id}\0{identity(ctx.bag, ctx.enrollment_id)}"
        chosen = choose(config.variants, seed)
        return Advance(output={"variant": chosen.id}, to=chosen.goto, logs=(f"Variant {chosen.id}",))

    def targets(self, config: AbTestConfig) -> Iterator[tuple[str, str]]:
        """Also of variants that are turned off, so that turning one off for a while does not make its steps stray."""
        for index, variant in enumerate(config.variants):
            if variant.goto is not None:
                yield f"variants.{index}.goto", variant.goto

    def falls_through(self, config: AbTestConfig) -> bool:
        return any(variant.goto is None for variant in config.variants)
