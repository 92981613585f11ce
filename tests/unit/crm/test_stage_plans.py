"""What a change of a pipeline's stages comes to."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.crm.pipelines.schemas import StageChange
from drippulse.crm.pipelines.stage_plan import StagePlan, StageRow, plan_stages
from drippulse.crm.tables import OpportunityStatus

NAMES = "ABCDE"
STAGES = [
    StageRow(UUID(int=number), f"stage_{name}", name, OpportunityStatus.OPEN, 10, number)
    for number, name in enumerate(NAMES, start=1)
]


def plan(*changes: Mapping[str, object]) -> StagePlan:
    return plan_stages(STAGES, [StageChange.model_validate(change) for change in changes])


def order(found: StagePlan) -> str:
    return "".join(stage.name for stage in found.stages)


def named(*names: str) -> list[dict[str, object]]:
    return [{"id": f"stage_{name}"} for name in names]


@given(st.permutations(NAMES), st.integers(0, 5))
def test_named_stages_take_the_order_of_the_list_in_their_own_places(names: Sequence[str], count: int) -> None:
    chosen = list(names[:count])
    queue = iter(chosen)
    assert order(plan(*named(*chosen))) == "".join(next(queue) if name in chosen else name for name in NAMES)


@given(st.permutations(NAMES))
def test_positions_that_differ_decide(names: Sequence[str]) -> None:
    wanted = {name: place for place, name in enumerate(names, start=1)}
    changes = [{"id": f"stage_{name}", "position": wanted[name]} for name in NAMES]
    assert order(plan(*changes)) == "".join(names)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([*named("B"), {"name": "x"}], "ABxCDE"),
        ([{"name": "x"}, *named("C")], "ABxCDE"),
        ([{"name": "x"}, {"name": "y"}], "ABCDExy"),
        ([{"name": "x", "position": 1}], "xABCDE"),
        ([{"id": "stage_D", "position": 99}], "ABCED"),
        ([{"id": "stage_A", "delete": True}, *named("C", "B")], "CBDE"),
        ([*named("E"), {"name": "x"}, *named("A")], "ExBCDA"),
    ],
)
def test_new_and_moved_stages_find_their_place(changes: list[dict[str, object]], expected: str) -> None:
    found = plan(*changes)
    assert order(found) == expected
    assert [stage.position for stage in found.stages] == list(range(1, len(expected) + 1))


def test_only_what_changes_its_type_is_retyped_and_only_what_goes_is_removed() -> None:
    found = plan(
        {"id": str(STAGES[0].id), "stage_type": "won"}, {"id": "stage_B", "delete": True, "move_to": "stage_C"}
    )
    assert found.retyped == {STAGES[0].id: OpportunityStatus.WON}
    assert found.removed == {STAGES[1].id: STAGES[2].id}
