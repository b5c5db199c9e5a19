"""Which role may do what: nobody approves their own work, and an auditor changes nothing."""

import pytest

from authsvc.domain.operator import ALLOWED, Act, Operator, Role

WRITING = {Act.DRAFT_POLICY, Act.APPROVE_POLICY, Act.ACTIVATE_POLICY, Act.FREEZE_USER, Act.UNFREEZE_USER}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_alone_never_both_drafts_and_approves(role: Role) -> None:
    assert not {Act.DRAFT_POLICY, Act.APPROVE_POLICY} <= ALLOWED[role]


def test_an_auditor_writes_nothing() -> None:
    assert not WRITING & ALLOWED[Role.AUDITOR]


def test_whoever_has_two_roles_may_what_either_may() -> None:
    both = Operator("op_1", "Ann", frozenset({Role.ANALYST, Role.SUPPORT}))
    assert all(both.may(act) == (act in ALLOWED[Role.ANALYST] | ALLOWED[Role.SUPPORT]) for act in Act)


def test_whoever_has_no_role_may_nothing() -> None:
    assert not any(Operator("op_1", "Ann", frozenset()).may(act) for act in Act)
