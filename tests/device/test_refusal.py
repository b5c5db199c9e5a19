"""A check that fails ends the ceremony under its code."""

import pytest

from authsvc.device.refusal import Refusal, Refused, require


def test_what_holds_is_passed_over() -> None:
    require(True, Refusal.ORIGIN)


@pytest.mark.parametrize("code", list(Refusal))
def test_what_does_not_hold_is_refused_under_its_code(code: Refusal) -> None:
    with pytest.raises(Refused, match=code.value) as refused:
        require(False, code)
    assert refused.value.code is code
