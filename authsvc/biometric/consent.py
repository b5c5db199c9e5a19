"""The wordings of consent that people may have read, by version, and what each of them covers.

A change of meaning is a new version, here and in the pages. Whoever agreed to an earlier one stays enrolled, and what only a
later one covers is not done with what is theirs until they agree to that.
"""

from __future__ import annotations

from collections.abc import Sequence

from authsvc.biometric.words import Consent, Modality

BEFORE = "2026-11"
"""Says nothing of a change of model."""

IN_FORCE = "2026-12"
"""Says that after a change of model the numbers are computed anew from a capture that confirms a payment, and told."""

ACCEPTED = (IN_FORCE, BEFORE)
"""What may be agreed to; pages that have the wording of before go on, and their people are asked when they enroll again."""


def covers_renewal(consents: Sequence[Consent], modality: Modality) -> bool:
    """Whether the latest consent to this modality that stands covers a renewal; `consents` in the order they were given."""
    texts = [
        each.text_version
        for each in consents
        if each.modality is modality and each.withdrawn_at is None and each.text_version in ACCEPTED
    ]
    return texts[-1:] == [IN_FORCE]
