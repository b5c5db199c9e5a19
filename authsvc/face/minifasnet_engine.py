"""Passive presentation attack detection: two small networks look at a face with its surroundings.

Prints and screens give themselves away at their edges and in their light, so a face without surroundings is not judged:
such a frame counts for nothing, and too few frames mean UNDECIDED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from authsvc.biometric.form import InputTable
from authsvc.biometric.network import Network
from authsvc.biometric.words import Liveness, LivenessGate, LivenessResult
from authsvc.errors import ModelUnusable
from authsvc.face.acquisition import Frame, spread
from authsvc.face.capture import CaptureContext
from authsvc.face.engine import Box, Detector, Pixels
from authsvc.face.image import crop

_SIDE = 80
_LIVE = 1  # The class of living faces; the others are attacks.


class PassiveForm(InputTable):
    """The `[input]` table of the manifest.

    `crops` are multiples of the face's box, by weight role; `least_context` the smallest that is judged; `frames` how many
    judged frames the mean needs; the mean passes at `bona_fide` and above, until species are calibrated.
    """

    crops: Mapping[str, float]
    least_context: float = Field(2.0, ge=1)
    frames: int = Field(5, ge=1)
    bona_fide: float = Field(gt=0, le=1)


class MiniFasNetDetector:
    """The mean of both networks over frames from all over the capture."""

    id = "minifasnet"
    gates = (LivenessGate.PASSIVE,)

    def __init__(self, weights: Mapping[str, Path], form: PassiveForm, detector: Detector) -> None:
        """`detector` finds the box that the networks were trained on; raises ModelUnusable without a weight for a crop."""
        missing = set(form.crops) - set(weights)
        if missing:
            raise ModelUnusable(f"no weight file for the crops {sorted(missing)}")
        self._weights = weights
        self._form = form
        self.least_context = form.least_context
        self._detector = detector
        self._networks: dict[str, Network] = {}

    def load(self) -> None:
        self._detector.load()
        self._networks = {role: Network(self._weights[role]) for role in self._form.crops}

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        seen = [frame for frame in frames if frame.face is not None and not frame.is_turned]
        scores = [
            score
            for frame in spread(seen, 2 * self._form.frames)
            if (score := self.score(frame.picture)) is not None
        ]
        if len(scores) < self._form.frames:
            return LivenessResult(Liveness.UNDECIDED, (self.id,), {"passive_frames": len(scores)})
        mean = float(np.mean(scores))
        verdict = Liveness.BONA_FIDE if mean >= self._form.bona_fide else Liveness.ATTACK
        evidence = {"passive_score": round(mean, 4), "passive_frames": float(len(scores))}
        return LivenessResult(verdict, (self.id,), evidence)

    def score(self, picture: Pixels) -> float | None:
        """How sure both networks are of a living face, from 0 to 1; None where there is no face with its surroundings."""
        faces = self._detector.detect(picture)
        if not faces or self._context(picture, faces[0].box) < self._form.least_context:
            return None
        return float(np.mean([self._ask(role, picture, faces[0].box) for role in self._form.crops]))

    def _context(self, picture: Pixels, box: Box) -> float:
        """The multiple of the face's box that fits into the picture."""
        return float(min((picture.shape[0] - 1) / box.height, (picture.shape[1] - 1) / box.width))

    def _ask(self, role: str, picture: Pixels, box: Box) -> float:
        if role not in self._networks:
            raise ModelUnusable("the liveness detector was asked before it was loaded")
        multiple = min(self._form.crops[role], self._context(picture, box))
        chip = crop(picture, surroundings(picture, box, multiple), _SIDE)
        values = chip[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        return float(_softmax(self._networks[role].answer(np.ascontiguousarray(values))[0])[_LIVE])


def surroundings(picture: Pixels, box: Box, multiple: float) -> Box:
    """The face's box times `multiple` about its middle; where that reaches over an edge it is shifted inside, not shrunk."""
    width, height = box.width * multiple, box.height * multiple
    left = box.left + box.width / 2 - width / 2
    top = box.top + box.height / 2 - height / 2
    left = min(max(left, 0.0), max(picture.shape[1] - 1 - width, 0.0))
    top = min(max(top, 0.0), max(picture.shape[0] - 1 - height, 0.0))
    return Box(left, top, width, height)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - float(logits.max()))
    return np.asarray(powers / powers.sum())
