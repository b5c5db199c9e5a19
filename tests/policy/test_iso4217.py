"""Currencies of a document are those of ISO 4217, with its minor digits."""

import pytest

from authsvc.errors import PolicyInvalid
from authsvc.policy import loading
from tests.policy.builders import mapping

OWN = {"CNY": {"worth": "1", "minor_digits": 2}}


def refusal(code: str, minor_digits: int) -> str:
    with pytest.raises(PolicyInvalid) as refused:
        loading.from_mapping(mapping(currencies={**OWN, code: {"worth": "1", "minor_digits": minor_digits}}))
    return refused.value.detail


@pytest.mark.parametrize(
    ("code", "digits", "said"),
    [
        ("RMB", 2, "`RMB` is no currency of ISO 4217; did you mean `CNY`?"),
        ("EUA", 2, "`EUA` is no currency of ISO 4217; did you mean `EUR`?"),
        ("XTS", 2, "`XTS` is no currency of ISO 4217"),
        ("JPY", 2, "`JPY` has 0 minor digits by ISO 4217, not 2"),
        ("KWD", 2, "`KWD` has 3 minor digits by ISO 4217, not 2"),
        ("USD", 0, "`USD` has 2 minor digits by ISO 4217, not 0"),
    ],
)
def test_a_currency_that_is_none_and_digits_that_are_wrong_are_refused(
    code: str, digits: int, said: str
) -> None:
    assert refusal(code, digits).startswith(said)
