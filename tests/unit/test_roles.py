"""What roles have in common, and which one may hand out which."""

import itertools

import pytest

from drippulse.organizations.policy import GRANTS, covers, lesser
from drippulse.organizations.tables import MemberRole

V, E, P, A = MemberRole.VIEWER, MemberRole.EDITOR, MemberRole.APPROVER, MemberRole.ADMIN


@pytest.mark.parametrize(("first", "second"), list(itertools.product(MemberRole, repeat=2)))
def test_the_lesser_of_two_roles_grants_nothing_that_one_of_them_does_not(
    first: MemberRole, second: MemberRole
) -> None:
    assert GRANTS[lesser(first, second)] <= GRANTS[first] & GRANTS[second]
    assert lesser(first, second) is lesser(second, first)


@pytest.mark.parametrize(("first", "second", "both"), [(A, E, E), (E, P, V), (P, A, P), (V, A, V), (E, E, E)])
def test_the_lesser_of_two_roles_grants_as_much_as_it_can(
    first: MemberRole, second: MemberRole, both: MemberRole
) -> None:
    assert lesser(first, second) is both


def test_a_role_is_handed_out_by_who_has_all_of_it() -> None:
    assert [role for role in MemberRole if covers(A, role)] == list(MemberRole)
    assert [role for role in MemberRole if covers(E, role)] == [V, E]
    assert not covers(P, E)
