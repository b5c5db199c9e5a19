"""Is there a living person in front of the camera? A gate of its own, never added to the comparison score.

Where nothing is installed that could tell, the honest answer is UNDECIDED, and UNDECIDED does not pass.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from authsvc.biometric import Liveness, LivenessResult
from authsvc.face.acquisition import Frame
from authsvc.face.capture import CaptureContext

_log = logging.getLogger(__name__)


class LivenessDetector(Protocol):
    """Presentation attack detection over all frames of one capture, in order."""

    @property
    def id(self) -> str: ...

    def load(self) -> None:
        """Open the weights, if there are any; raises ModelUnusable."""

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        """BONA_FIDE, ATTACK or UNDECIDED, with the numbers behind it; only BONA_FIDE passes."""


class NoDetector:
    """Nothing is installed: nothing can be said."""

    id = "none"

    def load(self) -> None:
        return None

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        return LivenessResult(Liveness.UNDECIDED)


class UnsafeNoPad:
    """Takes every capture for a living person: a photograph held to the camera passes. For development only.

    Its name stands in health, in every comparison and in every receipt that rests on it.
    """

    id = "UNSAFE_NO_PAD"

    def load(self) -> None:
        _log.warning("UNSAFE_NO_PAD is on: a photograph of the person passes the face check")

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        _log.warning("UNSAFE_NO_PAD: a face capture of %d frames was not examined for attacks", len(frames))
        return LivenessResult(Liveness.BONA_FIDE, (self.id,))
