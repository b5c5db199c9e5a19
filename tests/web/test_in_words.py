"""Faults of a field in words, which never repeat what was sent."""

from typing import Annotated

import pytest
from pydantic import BaseModel, StringConstraints, ValidationError

from authsvc.web.in_words import said
from authsvc.web.words import OwnId


class Form(BaseModel, extra="forbid", strict=True):
    amount: int = 1
    name: Annotated[str, StringConstraints(min_length=2, max_length=4)] = "ann"
    id: OwnId = "dec_1"
    code: Annotated[str, StringConstraints(pattern="^[0-9]+$")] = "1"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"amount": "12"}, "must be a whole number such as `125000`: no quotes, no point, no exponent"),
        ({"name": "a"}, "must have at least 2 characters"),
        ({"name": "hush-hush"}, "must have at most 4 characters"),
        ({"id": "hush hush"}, "must be an id that this service gave"),
        ({"code": "hush"}, "holds characters that are not accepted here"),
        ({"hush": 1}, "is not known here"),
    ],
)
def test_a_fault_is_a_sentence(form: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Form.model_validate(form)
    (fault,) = refused.value.errors()
    assert said(fault) == words
    assert "hush" not in said(fault)
