"""Is this face enrolled on another account? An alert for the payment backend, never a refusal, and only among those who agreed.

Off by default. The search is exact and takes place in a biometric worker, whose memory alone ever holds the templates open.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from authsvc.biometric.words import Modality, Template
from authsvc.domain.store import Ledger
from authsvc.errors import AuthsvcError
from authsvc.subject import Subject

logger = logging.getLogger(__name__)

WORDING = "look-alikes-2026-11"
"""The version of this consent's text. It is given for itself, beside that to the face, and ends with it."""

MOST = 100_000


class Resembling(Protocol):
    """The face room, as far as it tells who looks alike."""

    def look_alikes(self, template: Template, others: Sequence[Template]) -> tuple[int, ...]:
        """The places of those in `others` who resemble the template, the most alike first."""


class LookAlikes:
    def __init__(self, ledger: Ledger, worker: Resembling) -> None:
        self._ledger = ledger
        self._worker = worker

    def of(self, subject: Subject, template: Template) -> tuple[str, ...] | None:
        """The client's users who agreed and look alike; None where nobody could look, which keeps nobody from enrolling."""
        try:
            others = self._ledger.read(
                lambda tx: tx.templates.agreed(subject, Modality.FACE, template.model, WORDING, MOST + 1)
            )
            if len(others) > MOST:
                logger.warning("more than %d faces: look-alikes were not searched for", MOST)
                return None
            found = self._worker.look_alikes(template, [other for _, other in others]) if others else ()
        except AuthsvcError as error:
            logger.warning("look-alikes were not searched for: %s", error.detail)
            return None
        return tuple(others[number][0] for number in found)
