"""Who is meant, and the worse of two opinions of a phone."""

import pytest

from authsvc.subject import Novelty, Subject, worked_for, working_for

ANN = Subject("shop", "ann")


def test_work_is_on_an_account_s_bill_inside_the_block_and_not_behind_it() -> None:
    with working_for(ANN):
        assert worked_for() == ANN
        with working_for(Subject("shop", "bob")):
            assert worked_for() == Subject("shop", "bob")
        assert worked_for() == ANN
    assert worked_for() is None


def test_a_block_that_fails_leaves_no_bill_behind() -> None:
    with pytest.raises(RuntimeError), working_for(ANN):
        raise RuntimeError
    assert worked_for() is None


@pytest.mark.parametrize("known", list(Novelty))
@pytest.mark.parametrize("stated", list(Novelty))
def test_a_caller_can_only_make_a_device_worse(known: Novelty, stated: Novelty) -> None:
    assert known.or_worse(stated).rank == max(known.rank, stated.rank)
    assert known.or_worse(None) is known


def test_the_same_name_at_two_clients_is_two_subjects() -> None:
    assert Subject("shop", "u_42") != Subject("bank", "u_42")
