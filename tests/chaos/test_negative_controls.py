"""Every check passes over the honest product and fails over one whose guard was taken out."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from drippulse.approvals import queries as approvals
from drippulse.kit.db import Database, Role, Session
from tests.chaos import scenarios
from tests.chaos.checks import CHECKS, failing, violations
from tests.chaos.conftest import Labs
from tests.chaos.lab import Lab, step
from tests.chaos.scenarios import Scenario
from tests.support.nets import drop_row_level_security
from tests.support.sabotage import SABOTAGE
from tests.support.world import INSERT

CONTROLS: list[tuple[str, Scenario, set[int], set[int]]] = [
    # sabotage, scenario, what must fail, what may fail with it
    ("rest_for_ever", scenarios.plain, {1}, set()),
    ("write_timeline_twice", scenarios.plain, {2}, set()),
    ("forget_intents", scenarios.killed_after_a_call, {3}, {9, 13, 14}),
    ("new_key_each_time", scenarios.killed_after_a_call, {4, 5}, set()),
    ("run_ahead", scenarios.long_wait, {6}, {10}),
    ("forget_suppression", scenarios.unsubscribed, {7}, set()),
    ("forget_fences", scenarios.frozen_in_a_call, {9}, {2, 13, 14}),
    ("ignore_leases", scenarios.two_at_once, {10}, {6}),
    ("claim_nothing", scenarios.plain, {11}, set()),
    ("put_off", scenarios.plain, {11}, set()),
    ("write_records_twice", scenarios.writing, {15}, set()),
    ("decide_again", scenarios.decided_twice, {16}, set()),
    ("lose_events", scenarios.begun_by_an_event, {17}, set()),
]
NEVER_AT_REST = {"rest_for_ever", "claim_nothing", "ignore_leases", "put_off", "lose_events"}
SHORT = 12.0
SCENARIOS = {control[1].__name__: control[1] for control in CONTROLS}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_an_honest_worker_passes_every_check(labs: Labs, name: str) -> None:
    async with labs(f"honest_{name}") as lab:
        await SCENARIOS[name](lab)
        assert list(violations(await lab.evidence(patience=30))) == []
        assert lab.promises.accepted or lab.promises.sent


@asynccontextmanager
async def here(sabotage: str) -> AsyncGenerator[None]:
    """What the scenario itself asks of the product, as the API does, is without that guard too."""
    kept = approvals.DECIDE
    if sabotage == "decide_again":
        SABOTAGE[sabotage]()
    yield
    approvals.DECIDE = kept


@pytest.mark.parametrize(("sabotage", "scenario", "must", "may"), CONTROLS, ids=[one[0] for one in CONTROLS])
async def test_a_check_fails_when_its_guard_is_taken_out(
    labs: Labs, sabotage: str, scenario: Scenario, must: set[int], may: set[int]
) -> None:
    async with labs(sabotage, sabotage) as lab, here(sabotage):
        lab.within = SHORT if sabotage in NEVER_AT_REST else lab.within
        await scenario(lab)
        found = failing(await lab.evidence(patience=4))
    assert must <= found <= must | may


async def _without_row_level_security(lab: Lab) -> None:
    await drop_row_level_security(lab.settings)


async def _without_counting(lab: Lab) -> None:
    connection = await asyncpg.connect(lab.superuser_url)
    await connection.execute("ALTER TABLE enrollment DISABLE TRIGGER count_update")
    await connection.close()


class ForgetfulDatabase(Database):
    """Answers as if it had committed, and has not."""

    @asynccontextmanager
    async def session(self, role: Role, organization_id: int | None = None) -> AsyncGenerator[Session]:
        async with super().session(role, organization_id) as session:
            yield session
            await session.execute("ROLLBACK AND CHAIN")


async def _without_commits(lab: Lab) -> None:
    honest = lab.database
    lab.database = ForgetfulDatabase(lab.settings)
    await lab.database.open()
    await lab.enroll(next(iter(lab.promises.plans))[0])
    await lab.database.close()
    lab.database = honest


async def _without_keys(lab: Lab) -> None:
    """A call that is repeated under its key is done again."""
    [one] = lab.promises.accepted
    async with lab.database.tenant(one.organization_id) as session:
        people = f'[{{"token": "{one.token}", "email": "{one.token}@example.com"}}]'
        await session.fetch(INSERT, one.organization_id, one.workflow_id, one.version, "log", people)


DATABASE_CONTROLS: list[tuple[Callable[[Lab], Awaitable[None]], set[int]]] = [
    (_without_row_level_security, {8}),
    (_without_commits, {12}),
    (_without_counting, {13, 14}),
    (_without_keys, {18}),
]


@pytest.mark.parametrize(("break_it", "must"), DATABASE_CONTROLS, ids=["tenants", "promises", "counters", "keys"])
async def test_a_check_fails_when_the_database_is_broken(
    labs: Labs, break_it: Callable[[Lab], Awaitable[None]], must: set[int]
) -> None:
    async with labs(f"broken_{min(must)}") as lab:
        await lab.enroll(await lab.workflow(step("log", "log", message="on")))
        await break_it(lab)
        await scenarios.plain(lab)
        assert failing(await lab.evidence(patience=4)) == must


def test_every_check_and_every_sabotage_has_its_control() -> None:
    controlled = {number for control in CONTROLS for number in control[2]}
    controlled |= {number for control in DATABASE_CONTROLS for number in control[1]}
    assert controlled == {int(name.split(" ")[0]) for name in CHECKS}
    assert {control[0] for control in CONTROLS} == set(SABOTAGE)
