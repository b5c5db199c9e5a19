"""Faults of a document in a reader's words, with what was probably meant."""

from typing import Any

import pytest
from pydantic import ValidationError

from authsvc.policy.document import Document
from authsvc.policy.faults import Fault, schema_fault
from tests.policy.builders import mapping


def fault_of(**changes: Any) -> Fault:
    document = mapping(**changes)
    with pytest.raises(ValidationError) as refused:
        Document.model_validate(document)
    return schema_fault(refused.value.errors()[0], document)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tilte": "x"}, "unknown key `tilte`; did you mean `title`?"),
        ({"id": ...}, "`id` is missing"),
        ({"default": "fase"}, "did you mean `face`?"),
        (
            {"rules": [{"id": "a", "level": "otp", "amuont_at_least": 5}]},
            "unknown key `amuont_at_least` in rule `a`",
        ),
    ],
)
def test_a_fault_says_what_and_where(changes: dict[str, Any], said: str) -> None:
    assert said in fault_of(**changes).text


def test_a_place_stands_in_front_where_it_is_known() -> None:
    fault = Fault(("rules", 0), "is wrong")
    assert str(fault) == "is wrong"
    assert str(fault.at("a.toml", 7)) == "a.toml:7: is wrong"
    assert fault.at("a.toml", None).to_json()["path"] == ["rules", 0]
