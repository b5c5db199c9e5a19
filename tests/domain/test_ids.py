"""Names of things: their kind in front, and nothing that can be guessed behind it."""

import re

from authsvc.domain.ids import new_id, twin


def test_a_name_says_its_kind_and_120_random_bits() -> None:
    names = {new_id("dec") for _ in range(1000)}
    assert len(names) == 1000
    assert all(re.fullmatch(r"dec_[a-z2-7]{24}", name) for name in names)


def test_a_twin_shares_everything_but_the_kind() -> None:
    assert twin("dec_x_y", "chl") == "chl_x_y"
