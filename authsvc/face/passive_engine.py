"""Passive presentation attack detection: small networks look at a face with its surroundings.

Prints and screens give themselves away at their edges and in their light, so a face without surroundings is not judged:
such a frame counts for nothing, and too few frames mean UNDECIDED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

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
from authsvc.face.image import sampled


class PassiveForm(InputTable):
    """The `[input]` table of the manifest.

    `crops` are multiples of the face's box that a network is shown, by weight role; `side` is that of its input in pixels and
    `live` its class of living faces; `least_context` is the smallest multiple that is judged; `frames` how many judged frames
    the mean needs; the mean passes at `bona_fide` and above, until species are calibrated.
    """

    crops: Mapping[str, Annotated[tuple[float, ...], Field(min_length=1)]] = Field(min_length=1)
    side: int = Field(80, ge=32, le=512)
    live: int = Field(1, ge=0, le=9)
    least_context: float = Field(2.0, ge=1)
    frames: int = Field(5, ge=1)
    bona_fide: float = Field(gt=0, le=1)


class PassiveDetector:
    """The mean over all crops of frames from all over the capture."""

    gates = (LivenessGate.PASSIVE,)

    def __init__(self, name: str, weights: Mapping[str, Path], form: PassiveForm, detector: Detector) -> None:
        """`name` is the manifest's, under which its numbers stand; `detector` finds the box that the networks were trained on.

        Raises ModelUnusable without a weight for a crop.
        """
        missing = set(form.crops) - set(weights)
        if missing:
            raise ModelUnusable(f"no weight file for the crops {sorted(missing)}")
        self.id = name
        self._weights = weights
        self._form = form
        self.least_context = form.least_context
        self.detector = detector
        self._networks: dict[str, Network] = {}

    def load(self) -> None:
        self.detector.load()
        self._networks = {role: Network(self._weights[role]) for role in self._form.crops}

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        seen = [frame for frame in frames if frame.face is not None and not frame.is_turned]
        scores = [
            score
            for frame in spread(seen, 2 * self._form.frames)
            if (score := self.score(frame.picture)) is not None
        ]
        if len(scores) < self._form.frames:
            return LivenessResult(Liveness.UNDECIDED, (self.id,), {f"{self.id}_judged": len(scores)})
        mean = float(np.mean(scores))
        verdict = Liveness.BONA_FIDE if mean >= self._form.bona_fide else Liveness.ATTACK
        evidence = {f"{self.id}_score": round(mean, 4), f"{self.id}_judged": float(len(scores))}
        return LivenessResult(verdict, (self.id,), evidence)

    def score(self, picture: Pixels) -> float | None:
        """How sure the networks are of a living face, from 0 to 1; None where there is no face with its surroundings."""
        faces = self.detector.detect(picture)
        if not faces:
            return None
        box = _whole(faces[0].box)
        if _context(picture, box) < self._form.least_context:
            return None
        asked = [(role, multiple) for role, multiples in self._form.crops.items() for multiple in multiples]
        return float(np.mean([self._ask(role, picture, box, multiple) for role, multiple in asked]))

    def _ask(self, role: str, picture: Pixels, box: Box, multiple: float) -> float:
        if role not in self._networks:
            raise ModelUnusable("the liveness detector was asked before it was loaded")
        chip = sampled(picture, surroundings(picture, box, multiple), self._form.side)
        values = chip[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        return float(_softmax(self._networks[role].output(np.ascontiguousarray(values))[0])[self._form.live])


def surroundings(picture: Pixels, box: Box, multiple: float) -> Box:
    """The face's box times `multiple` about its middle, in whole pixels, as the networks were shown it in training.

    It is at most as large as the picture; where it reaches over an edge it is shifted inside.
    """
    multiple = min(multiple, _context(picture, box))
    height, width = picture.shape[:2]
    left, right = _within(box.left + box.width / 2, box.width * multiple, width)
    top, bottom = _within(box.top + box.height / 2, box.height * multiple, height)
    return Box(left, top, right - left + 1, bottom - top + 1)


def _within(middle: float, length: float, side: int) -> tuple[int, int]:
    """The first and last pixel of a length that is shifted to lie within `side` pixels."""
    first, last = middle - length / 2, middle + length / 2
    if first < 0:
        first, last = 0, last - first
    if last > side - 1:
        first, last = first - (last - side + 1), side - 1
    return int(first), int(last)


def _whole(box: Box) -> Box:
    """The box as the detector of the training gave it: in whole pixels, cut off and not rounded."""
    left, top = int(box.left), int(box.top)
    right, bottom = int(box.left + box.width), int(box.top + box.height)
    return Box(left, top, right - left + 1, bottom - top + 1)


def _context(picture: Pixels, box: Box) -> float:
    """The multiple of the face's box that fits into the picture."""
    return float(min((picture.shape[0] - 1) / box.height, (picture.shape[1] - 1) / box.width))


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - float(logits.max()))
    return np.asarray(powers / powers.sum())
