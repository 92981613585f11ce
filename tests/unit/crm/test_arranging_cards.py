"""Positions of a stage's cards after a drag."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from drippulse.crm.pipelines.arranging import arrange
from drippulse.crm.pipelines.state import STEP

CARDS = [UUID(int=number) for number in range(12)]
places = st.dictionaries(st.sampled_from(CARDS), st.integers(-40, 40), max_size=12)
orders = st.lists(st.sampled_from(CARDS), unique=True, max_size=12)


def stage_after(wanted: list[UUID], before: dict[UUID, int]) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """The stage's positions after a drag, and what of them changed."""
    mentioned = {card: place for card, place in before.items() if card in wanted}
    others = [place for card, place in before.items() if card not in wanted]
    changes = arrange(wanted, mentioned, min(others, default=None))
    return {**before, **changes}, changes


@given(orders, places)
def test_the_named_cards_come_first_in_their_order_and_the_others_stay(
    wanted: list[UUID], before: dict[UUID, int]
) -> None:
    after, changes = stage_after(wanted, before)
    assert set(changes) <= set(wanted)
    named = [after[card] for card in wanted]
    assert named == sorted(set(named)), "distinct and rising"
    others = [place for card, place in after.items() if card not in wanted]
    assert not named or not others or named[-1] < min(others)


@given(orders, places)
def test_the_same_order_again_changes_nothing(wanted: list[UUID], before: dict[UUID, int]) -> None:
    after, _ = stage_after(wanted, before)
    assert stage_after(wanted, after)[1] == {}


@given(st.permutations(CARDS), st.integers(0, 11), st.integers(0, 11))
def test_one_drag_moves_one_card(cards: list[UUID], source: int, target: int) -> None:
    before = {card: STEP * number for number, card in enumerate(cards)}
    wanted = list(cards)
    wanted.insert(target, wanted.pop(source))
    assert len(stage_after(wanted, before)[1]) <= 1


def test_without_room_between_two_all_the_named_ones_get_new_places() -> None:
    first, second, new, other = CARDS[:4]
    changes = arrange([first, new, second], {first: 5, second: 6}, 7)
    assert list(changes) == [first, new, second]
    assert [7 - place for place in changes.values()] == [3 * STEP, 2 * STEP, STEP]
    assert arrange([first], {}, None) == {first: STEP}
    assert other not in changes
