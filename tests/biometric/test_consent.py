"""Which wording covers a renewal of a template."""

from datetime import UTC, datetime, timedelta

import pytest

from authsvc.biometric.consent import BEFORE, IN_FORCE, covers_renewal
from authsvc.biometric.words import Consent, Modality

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
APART = "look-alikes-2026-11"


def given(*texts: str, modality: Modality = Modality.FACE, withdrawn: bool = False) -> list[Consent]:
    at = (NOON + timedelta(days=day) for day in range(len(texts)))
    return [
        Consent(modality, text, day, day if withdrawn else None) for text, day in zip(texts, at, strict=False)
    ]


@pytest.mark.parametrize(
    ("consents", "covered"),
    [
        (given(IN_FORCE), True),
        (given(BEFORE, IN_FORCE), True),
        (given(IN_FORCE, APART), True),
        (given(IN_FORCE, BEFORE), False),
        (given(BEFORE), False),
        (given(APART), False),
        (given(IN_FORCE, withdrawn=True), False),
        (given(IN_FORCE, modality=Modality.VOICE), False),
        ([], False),
    ],
)
def test_the_latest_that_stands_says_so(consents: list[Consent], covered: bool) -> None:
    assert covers_renewal(consents, Modality.FACE) is covered
