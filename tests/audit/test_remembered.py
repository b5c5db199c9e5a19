"""The heads that are kept outside of the database: they go forward, and what the database lost is noticed."""

from pathlib import Path

import pytest

from authsvc.audit.chain import Head
from authsvc.audit.remembered import NAME, RememberedHeads
from authsvc.errors import ConfigurationError, Unavailable

HEAD = Head("a", 5, "55")


@pytest.fixture
def heads(tmp_path: Path) -> RememberedHeads:
    return RememberedHeads(tmp_path)


def test_nothing_is_remembered_before_the_first_time(heads: RememberedHeads) -> None:
    assert heads.recall() == ()
    heads.refuse_shortened(lambda chain, seq: None)


def test_heads_move_forward_and_never_back(heads: RememberedHeads) -> None:
    heads.remember([HEAD, Head("b", 1, "11")])
    heads.remember([Head("a", 4, "44"), Head("b", 2, "22")])
    assert set(heads.recall()) == {HEAD, Head("b", 2, "22")}


def test_a_database_that_was_cut_is_refused_until_the_restore_is_accepted(heads: RememberedHeads) -> None:
    heads.remember([HEAD])
    heads.refuse_shortened(lambda chain, seq: "55")
    for held in ({}, {("a", 5): "56"}):
        with pytest.raises(Unavailable, match="no longer holds entry 5"):
            heads.refuse_shortened(lambda chain, seq, held=held: held.get((chain, seq)))  # type: ignore[misc]
    heads.refuse_shortened(lambda chain, seq: None, chain="b")
    heads.begin_anew([Head("a", 3, "33")])
    heads.refuse_shortened(lambda chain, seq: "33")


def test_a_spoiled_file_is_said_and_not_begun_anew(heads: RememberedHeads, tmp_path: Path) -> None:
    heads.remember([HEAD])
    (tmp_path / NAME).write_text("[[1]]")
    with pytest.raises(ConfigurationError, match=NAME):
        heads.recall()
