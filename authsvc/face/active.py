"""The active challenge: gestures that the server chose by chance, shown one at a time and made by a head, not by a picture.

All parts are judged together: what each shows, that it follows the prompt, that nothing was cut within or between them, and
that one solid head made it all. It stops stills held, moved or bent, and recordings, which must guess the sequence. It
does not stop whoever animates a face: of one photograph, turned by a generic depth, docs/face.md says how often it passes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from authsvc.biometric.vectors import Vectors, cosine, fuse
from authsvc.biometric.words import Liveness, LivenessGate, LivenessResult
from authsvc.face.acquisition import Frame
from authsvc.face.capture import CaptureContext
from authsvc.face.continuity import continuity, is_whole
from authsvc.face.gestures import AT_REST, REST_FRAMES, Shown, read_gestures, strengths
from authsvc.face.mesh import (
    SHIFT,
    STILL,
    TRACE,
    Mesh,
    Pose,
    facing,
    pose,
    read,
    resting,
    traced,
)
from authsvc.face.observing import unpacked
from authsvc.face.part import Part
from authsvc.face.planarity import FLAT

LEAST_FRAMES = 10
LONGEST_GAP_MS = 250
USUAL_GAP_MS = 130
"""Half of all frames follow one another at least this fast: slower, a cut looks like a movement."""
LONGEST_ONSET_MS = 3_000
"""From the prompt until the gesture begins."""

_LARGEST_TURN_AT_REST = 15.0  # Degrees; whoever looks elsewhere is not at rest.


class ActiveChallenge:
    """The gate. Frames that come all at once say nothing: gestures are revealed one at a time."""

    id = "active"
    gates = (LivenessGate.ACTIVE,)
    least_context = 0.0

    def __init__(self, same_person: float) -> None:
        """`same_person` is the score at which a turned face still counts as the resting one's."""
        self._same_person = same_person

    def load(self) -> None:
        """Nothing: what it judges was measured before."""

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        return LivenessResult(Liveness.UNDECIDED, (self.id,))

    def judge_parts(self, parts: Sequence[Part], dimension: int) -> LivenessResult:
        """BONA_FIDE for exactly the gestures asked, by one solid head; ATTACK for a plane or a change of person.

        `dimension` is that of the matcher's vectors.
        """
        evidence: dict[str, float] = {"parts": len(parts)}
        traces = _settled(parts)
        found = [_shown(part, trace) for part, trace in zip(parts, traces, strict=True)]
        shown = [one for one in found if one is not None]
        evidence["gestures_shown"] = len(shown)
        if not parts or len(shown) < len(parts) or not _is_timed(parts):
            return self._result(Liveness.UNDECIDED, evidence)
        evidence["slowest_onset_ms"] = max(
            part.taken_at_ms[one.first] - part.prompted_at_ms for part, one in zip(parts, shown, strict=True)
        )
        evidence |= continuity(parts, traces, REST_FRAMES)
        if not is_whole(evidence):
            return self._result(Liveness.UNDECIDED, evidence)
        return self._judge_person(parts, dimension, evidence)

    def _judge_person(
        self, parts: Sequence[Part], dimension: int, evidence: dict[str, float]
    ) -> LivenessResult:
        """Every gesture asked was made: by the same person as at rest, and not by a plane?"""
        person = fuse(np.concatenate([_vectors(part.rest, dimension) for part in parts]))
        made = np.concatenate([_vectors(part.apex, dimension) for part in parts])
        flat = [part.flatness for part in parts if part.flatness is not None]
        if not flat or len(made) < len(parts):
            return self._result(Liveness.UNDECIDED, evidence)
        evidence |= {"flatness": max(flat), "same_person": min(cosine(person, vector) for vector in made)}
        solid = evidence["flatness"] < FLAT and evidence["same_person"] >= self._same_person
        return self._result(Liveness.BONA_FIDE if solid else Liveness.ATTACK, evidence)

    def _result(self, verdict: Liveness, evidence: dict[str, float]) -> LivenessResult:
        return LivenessResult(
            verdict, (self.id,), {name: round(float(value), 4) for name, value in evidence.items()}
        )


def _settled(parts: Sequence[Part]) -> list[list[Mesh | None]]:
    """The head of each frame as it lies in the room that the first one shows, however the picture was moved.

    From the last picture of a part to the first of the next nothing is measured, and the camera is taken to hold still; so it is
    throughout a part without a room, which older code observed while the service was being upgraded.
    """
    before, settled = STILL, []
    for part in parts:
        found = [traced(row) for row in unpacked(part.trace, TRACE)]
        lies = read(unpacked(part.room, SHIFT)) or [STILL] * len(found)
        room = [before.then(shift) for shift in lies]
        settled.append(
            [None if mesh is None else shift.undone(mesh) for mesh, shift in zip(found, room, strict=True)]
        )
        before = room[-1] if room else before
    return settled


def _vectors(text: str, dimension: int) -> Vectors:
    return unpacked(text, dimension)


def _shown(part: Part, trace: Sequence[Mesh | None]) -> Shown | None:
    """The part's gesture, if it is all that is shown, from rest and back to it, and not before it could be known."""
    seen = [mesh for mesh in trace if mesh is not None]
    if len(trace) != len(part.taken_at_ms) or len(seen) < LEAST_FRAMES:
        return None
    rest = resting(seen[:REST_FRAMES])
    ahead = facing(rest)
    poses = [None if mesh is None else pose(rest, mesh) for mesh in trace]
    shown = read_gestures(poses)
    if max(abs(ahead.yaw), abs(ahead.roll)) > _LARGEST_TURN_AT_REST or len(shown) != 1:
        return None
    (one,) = shown
    ends = [found for found in (poses[0], poses[-1]) if found is not None and _is_over(found, one)]
    onset = part.taken_at_ms[one.first] - part.prompted_at_ms
    in_time = 0 < onset <= LONGEST_ONSET_MS
    return one if len(ends) == 2 and one.gesture is part.gesture and in_time else None


def _is_over(found: Pose, shown: Shown) -> bool:
    """Whether a frame is of before or after a gesture; heads come to rest a few degrees from where they began."""
    there = strengths(found)
    return there[shown.gesture] < AT_REST and max(there.values()) < 1


def _is_timed(parts: Sequence[Part]) -> bool:
    """Frames follow one another without a hole in which somebody could change places, also from part to part."""
    gaps = np.diff([instant for part in parts for instant in part.taken_at_ms])
    return bool((gaps > 0).all() and gaps.max() <= LONGEST_GAP_MS and np.median(gaps) <= USUAL_GAP_MS)
