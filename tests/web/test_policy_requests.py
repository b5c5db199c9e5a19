"""What operators send about the policy: a document as text or as JSON, bounded and printable."""

import json

import pytest
from pydantic import ValidationError

from authsvc.policy_life.steps import Draft
from authsvc.web.policy_requests import LARGEST_DOCUMENT, ApprovalWanted, BacktestWanted, DraftWanted


def test_a_document_is_kept_as_it_was_written() -> None:
    assert DraftWanted(document="a = 1", note="why").command() == Draft("a = 1", "toml", "why")
    draft = DraftWanted(document={"a": "友"}).command()
    assert (json.loads(draft.text), draft.form) == ({"a": "友"}, "json")


@pytest.mark.parametrize("text", ["", "a = \x00", "x" * (LARGEST_DOCUMENT + 1)])
def test_what_cannot_be_a_document_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        DraftWanted(document=text)


@pytest.mark.parametrize("days", [0, 3651])
def test_a_backtest_goes_back_as_far_as_anything_is_kept(days: int) -> None:
    with pytest.raises(ValidationError):
        BacktestWanted(days=days)


def test_findings_are_accepted_by_their_names() -> None:
    assert ApprovalWanted(accept=("weaker-than-active", "not-monotone:risky")).accept is not None
    with pytest.raises(ValidationError):
        ApprovalWanted(accept=("<script>",))
