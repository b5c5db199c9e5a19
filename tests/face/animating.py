"""An attacker with one photograph and the public networks: gestures made in advance, and sent when they are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path

from authsvc.biometric.manifest import manifest_folder, read_manifest, read_manifests
from authsvc.biometric.words import Liveness
from authsvc.face.active import ActiveChallenge
from authsvc.face.build import DEFAULT_MODEL, engines, face_mesh
from authsvc.face.capture import CaptureContext, Gesture
from authsvc.face.drawing import DRAWN
from authsvc.face.engine import Pixels
from authsvc.face.gestures import strengths
from authsvc.face.image import decode
from authsvc.face.mesh import facing, pose
from authsvc.face.observing import Observer
from authsvc.face.part import Part
from authsvc.face.quality import VERIFICATION
from authsvc.lab.drill.people import Opened, milliseconds
from authsvc.lab.drill.service import Answer
from tests.face.animation import GENERIC, SETTINGS, Camera, Setting, Still

EVERY_MS, SLOWEST_MS = 110, 230
"""Between frames of a gesture, and at most between two of a rest while the service is looking at the part before."""

_WAITS_MS, _RESTS, _MOST_RESTS, _MOST_PARTS = 250, 5, 13, 8
_READ, _TRIES = (1.25, 1.9), 8


class Kind(StrEnum):
    """What an attacker does with the public networks."""

    GENERIC = "generic"
    """Nothing: one setting for everybody."""
    ADAPTIVE = "adaptive"
    """Takes the setting in which the mesh reads the gesture."""
    CAREFUL = "careful"
    """Judges each part with a copy of the service before it is used."""


Prepared = Mapping[Gesture, Sequence[Pixels]]


@dataclass(frozen=True, slots=True)
class Pace:
    """An attacker's clock, in milliseconds, and how they wait."""

    now: Callable[[], int] = milliseconds
    wait: Callable[[timedelta], None] = lambda by: time.sleep(by.total_seconds())


@dataclass(frozen=True, slots=True)
class Animator:
    """`observer` is the attacker's own copy of what the service looks with, loaded."""

    kind: Kind
    observer: Observer

    @classmethod
    def of(cls, kind: Kind, model_dir: Path) -> Animator:
        detector, matcher = engines(read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml"), model_dir)
        mesh = face_mesh({each.id: each for each in read_manifests(manifest_folder())}, model_dir)
        for engine in (detector, matcher, mesh):
            engine.load()
        return cls(kind, Observer(detector, matcher, mesh, "an attacker's copy"))

    def prepare(self, photograph: bytes, gestures: Sequence[Gesture] = DRAWN) -> tuple[Pixels, Prepared]:
        """The face at rest, and each gesture; raises ValueError for a photograph without a face."""
        still = Still(decode(photograph), self.observer.mesh)
        return still.picture, {
            gesture: tuple(still.views(gesture, self._setting(still, gesture))) for gesture in gestures
        }

    def askew(self, photograph: bytes) -> float:
        """Degrees by which a head looks away or leans; one that does too much is not at rest, and shows nothing."""
        mesh = self.observer.mesh.look(decode(photograph))
        if mesh is None:
            return 180.0
        ahead = facing(mesh)
        return max(abs(ahead.yaw), abs(ahead.roll))

    def _setting(self, still: Still, gesture: Gesture) -> Setting:
        if self.kind is Kind.GENERIC:
            return GENERIC
        read = [setting for setting in SETTINGS if self._reads(still, gesture, setting)] or [GENERIC]
        if self.kind is Kind.ADAPTIVE:
            return read[0]
        return next((each for each in read[:_TRIES] if self._passes(still, gesture, each)), read[0])

    def _reads(self, still: Still, gesture: Gesture, setting: Setting) -> bool:
        mesh = self.observer.mesh.look(still.view(gesture, setting), still.mesh)
        found = None if mesh is None else pose(still.mesh, mesh)
        if found is None:
            return False
        seen = strengths(found)
        others = max(value for name, value in seen.items() if name is not gesture)
        return _READ[0] <= seen[gesture] <= _READ[1] and others < 1

    def _passes(self, still: Still, gesture: Gesture, setting: Setting) -> bool:
        """A copy of the service says of this part alone whatever it says; what it cannot say of one part counts for it."""
        camera = Camera(1)
        rest = [still.picture] * _RESTS
        frames = [camera.film(view) for view in (*rest, *still.views(gesture, setting), *rest)]
        times = tuple(range(0, EVERY_MS * len(frames), EVERY_MS))
        context = CaptureContext((gesture,), times, prompted_at_ms=times[_RESTS - 1])
        seen = self.observer.observe(frames, context, VERIFICATION, None)
        if not isinstance(seen, Part):
            return False
        judged = ActiveChallenge(0.0).judge_parts([seen], self.observer.matcher.dimension)
        solid = seen.flatness is None or judged.verdict is Liveness.BONA_FIDE
        return solid and judged.evidence["gestures_shown"] == 1 and judged.evidence.get("cuts") == 0


def makes_gestures(
    asked: Opened,
    face: tuple[Pixels, Prepared],
    seed: int,
    pace: Pace | None = None,
    step: str = "face",
) -> Answer:
    """Answer every part with the gesture that is asked, as a page would that records without a break; the last answer."""
    pace = pace or Pace()
    picture, prepared = face
    camera = Camera(seed)
    # All in advance: seconds are short once a gesture is shown, and it may be shown twice.
    rests = iter([camera.film(picture) for _ in range(_MOST_PARTS * (_MOST_RESTS + _RESTS))])
    made = {
        gesture: iter([[camera.film(view) for view in views] for _ in range(2)])
        for gesture, views in prepared.items()
    }
    taken: list[int] = []
    answer = asked.begin(step)
    for _ in range(_MOST_PARTS):
        if not answer.is_good or not answer.json.get("gestures"):
            break
        shown, prompted = answer.json, pace.now()
        gesture = next(made[Gesture(shown["gestures"][0])])
        before = taken[-1] if taken else prompted
        resting, taken = _times(prompted + int(shown["pause_ms"]), before, len(gesture))
        frames = [*islice(rests, resting), *gesture, *islice(rests, _RESTS)]
        pace.wait(timedelta(milliseconds=max(0, taken[-1] - pace.now()) + 10))
        meta = {"taken_at_ms": taken, "prompted_at_ms": prompted, "sent_at_ms": pace.now()}
        answer = asked.service.upload(
            f"{asked.path}/steps/{step}", asked.authorization, shown["nonce"], frames, meta
        )
    return answer


def _times(over: int, before: int, gesture: int) -> tuple[int, list[int]]:
    """How many frames of rest come before a gesture that may begin once the pause is `over`, and when all are taken."""
    left = over + _WAITS_MS - before
    resting = min(_MOST_RESTS, max(_RESTS, left // EVERY_MS))
    every = min(SLOWEST_MS, max(EVERY_MS, left // resting))
    times = [before + every * number for number in range(1, resting + 1)]
    return resting, [*times, *(times[-1] + EVERY_MS * number for number in range(1, gesture + _RESTS + 1))]
