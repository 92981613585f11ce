"""Chores with a condition: one statement asks for all of them, and only those with something to do are worked on."""

import time

import pytest

from drippulse.kit.db import Database, Role
from drippulse.kit.services import AppServices
from drippulse_workers.asking import Asking
from drippulse_workers.chores import CHORES, Chore

pytestmark = pytest.mark.usefixtures("app")


async def _nothing(_: Database) -> bool:
    return False


ALWAYS = Chore("always", 0, _nothing)
HOLDS = Chore("holds", 0, _nothing, asks="EXISTS (SELECT FROM generate_series(1, 2))")
HOLDS_NOT = Chore("holds_not", 0, _nothing, asks="1 = 2 OR now() IS NULL")


async def test_those_without_a_condition_and_those_whose_condition_holds(services: AppServices) -> None:
    asking = Asking(services.database, (ALWAYS, HOLDS, HOLDS_NOT), 0)
    assert await asking.those_with_work((ALWAYS, HOLDS, HOLDS_NOT)) == [ALWAYS, HOLDS]
    assert await asking.those_with_work((HOLDS_NOT,)) == []


async def test_an_answer_is_good_for_a_while_and_then_asked_for_again(services: AppServices) -> None:
    moment = Chore("moment", 0, _nothing, asks=f"clock_timestamp() < to_timestamp({time.time() + 0.2})")
    asking = Asking(services.database, (moment,), 0.4)
    began = time.monotonic()
    while time.monotonic() - began < 0.3:
        assert await asking.those_with_work((moment,)) == [moment]
    while await asking.those_with_work((moment,)):
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("chore", [chore for chore in CHORES if chore.asks], ids=lambda chore: chore.name)
async def test_every_condition_can_be_asked_by_the_engine(chore: Chore, services: AppServices) -> None:
    async with services.database.session(Role.ENGINE) as session:
        assert await session.fetchval(f"SELECT ({chore.asks})") in (True, False)
