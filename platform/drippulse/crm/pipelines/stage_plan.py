"""What a change of a pipeline's stages comes to. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from drippulse.crm.pipelines.schemas import MAX_STAGES, StageChange
from drippulse.crm.tables import OpportunityStatus
from drippulse.kit.errors import ValidationError, not_found


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage: as it is, or as it is to be; `id` is None of one that is new."""

    id: UUID | None
    public_id: str | None
    name: str
    stage_type: OpportunityStatus
    probability: int
    position: int

    @property
    def values(self) -> tuple[str, OpportunityStatus, int, int]:
        return self.name, self.stage_type, self.probability, self.position


@dataclass(frozen=True, slots=True)
class StagePlan:
    """`stages` are all that there will be, in their order; `removed`: stage -> where its opportunities go, if said."""

    stages: list[StageRow]
    removed: dict[UUID, UUID | None] = field(default_factory=dict[UUID, UUID | None])
    retyped: dict[UUID, OpportunityStatus] = field(default_factory=dict[UUID, OpportunityStatus])


def plan_stages(existing: Sequence[StageRow], changes: Sequence[StageChange]) -> StagePlan:
    """Existing stages in their order, and what the caller sent.

    Of named ones the list says their order among each other, in the places that they have; a new one comes behind the
    one before it in the list. A position that is given and differs from today's comes first.

    Raises:
        NotFoundError: an id is none of this pipeline's stages.
        ValidationError: a stage is named twice, or what would be there is no pipeline.
    """
    by_ref = {ref: stage for stage in existing for ref in (str(stage.id), stage.public_id or "")}
    known = [_found(by_ref, change.id) if change.id is not None else None for change in changes]
    _refuse_twice(known)
    gone = {stage.id: change for stage, change in zip(known, changes, strict=True) if stage and change.delete}
    wanted = [
        (index, stage, _as_changed(index, stage, change))
        for index, (stage, change) in enumerate(zip(known, changes, strict=True))
        if not change.delete
    ]
    explicit = {
        index: changes[index].position
        for index, stage, _ in wanted
        if changes[index].position is not None and (stage is None or changes[index].position != stage.position)
    }
    moved = {stage.id for index, stage, _ in wanted if stage is not None and index in explicit}
    base = _in_places(
        [stage for stage in existing if stage.id not in gone and stage.id not in moved],
        [(stage, after) for index, stage, after in wanted if index not in explicit],
    )
    for index, _, after in sorted((one for one in wanted if one[0] in explicit), key=lambda one: explicit[one[0]] or 0):
        base.insert((explicit[index] or 1) - 1, after)
    return _checked(existing, base, {stage: _target(by_ref, change, gone) for stage, change in gone.items() if stage})


def _in_places(staying: Sequence[StageRow], wanted: Sequence[tuple[StageRow | None, StageRow]]) -> list[StageRow]:
    named = [(stage.id, after) for stage, after in wanted if stage is not None]
    ids, queue = {stage_id for stage_id, _ in named}, iter(named)
    order = [next(queue)[1] if stage.id in ids else stage for stage in staying]
    for index, (stage, after) in enumerate(wanted):
        if stage is not None:
            continue
        if index > 0:
            order.insert(order.index(wanted[index - 1][1]) + 1, after)
        else:
            following = next((one for known, one in wanted if known is not None), None)
            order.insert(len(order) if following is None else order.index(following), after)
    return order


def _as_changed(index: int, stage: StageRow | None, change: StageChange) -> StageRow:
    name = change.name if change.name is not None else stage.name if stage else None
    if name is None:
        sentence = "A new stage needs a name."
        raise ValidationError(f"stages.{index}.name: {sentence}", errors={f"stages.{index}.name": [sentence]})
    return StageRow(
        stage.id if stage else None,
        stage.public_id if stage else None,
        name,
        change.stage_type or (stage.stage_type if stage else OpportunityStatus.OPEN),
        change.probability if change.probability is not None else stage.probability if stage else 0,
        stage.position if stage else 0,
    )


def _found(by_ref: Mapping[str, StageRow], ref: str) -> StageRow:
    stage = by_ref.get(ref) or by_ref.get(ref.lower())
    if stage is None:
        raise not_found("pipeline stage")
    return stage


def _target(by_ref: Mapping[str, StageRow], change: StageChange, gone: Iterable[UUID | None]) -> UUID | None:
    if change.move_to is None:
        return None
    target = _found(by_ref, change.move_to)
    if target.id in gone:
        sentence = "move_to must be a stage that stays."
        raise ValidationError(sentence, errors={"stages": [sentence]})
    return target.id


def _refuse_twice(known: Sequence[StageRow | None]) -> None:
    ids = [stage.id for stage in known if stage is not None]
    for index, stage in enumerate(known):
        if stage is not None and ids.count(stage.id) > 1:
            sentence = f'The stage "{stage.name}" is named twice.'
            raise ValidationError(sentence, errors={f"stages.{index}.id": [sentence]})


def _checked(existing: Sequence[StageRow], order: Sequence[StageRow], removed: dict[UUID, Any]) -> StagePlan:
    names = [stage.name.casefold() for stage in order]
    twice = next((stage.name for stage in order if names.count(stage.name.casefold()) > 1), None)
    sentence = None
    if twice is not None:
        sentence = f'Two stages would have the name "{twice}".'
    elif len(order) > MAX_STAGES:
        sentence = f"A pipeline has up to {MAX_STAGES} stages; this would make {len(order)}."
    elif not any(stage.stage_type is OpportunityStatus.OPEN for stage in order):
        sentence = "A pipeline needs a stage of type open, where new opportunities go."
    if sentence is not None:
        raise ValidationError(sentence, errors={"stages": [sentence]})
    types = {stage.id: stage.stage_type for stage in existing}
    stages = [
        StageRow(stage.id, stage.public_id, stage.name, stage.stage_type, stage.probability, number)
        for number, stage in enumerate(order, start=1)
    ]
    retyped = {s.id: s.stage_type for s in stages if s.id is not None and types[s.id] is not s.stage_type}
    return StagePlan(stages, removed, retyped)
