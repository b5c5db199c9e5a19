"""The words that face and voice share (ISO/IEC 2382-37, ISO/IEC 30107): template, probe, score, liveness.

A score is always a similarity, higher is more alike. A template compares only within the model version that made it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Modality(StrEnum):
    """What is recognised of a person, each with its own consent; gait is a pilot and proves nothing."""

    FACE = "face"
    VOICE = "voice"
    GAIT = "gait"


PROVING = (Modality.FACE, Modality.VOICE)
"""Those that are a factor."""


class Liveness(StrEnum):
    """What presentation attack detection says; only BONA_FIDE passes, and no answer is UNDECIDED."""

    BONA_FIDE = "bona_fide"
    ATTACK = "attack"
    UNDECIDED = "undecided"


class LivenessGate(StrEnum):
    """A kind of presentation attack detection: what is seen in a capture, or what a person is asked to do in it."""

    PASSIVE = "passive"
    ACTIVE = "active"


class Capture(StrEnum):
    """Where a capture came from, by what is known of it: nothing, a registered key's word, or an attested app's."""

    BROWSER = "browser"
    DEVICE_SIGNED = "device_signed"
    ATTESTED = "attested"

    @property
    def rank(self) -> int:
        """0 for `browser`; higher is better evidence."""
        return _CAPTURE_RANK[self]


GESTURES: Mapping[int, tuple[int, int]] = {2: (13, 6), 3: (121, 60), 4: (997, 498), 5: (7_729, 3_864)}
"""How many gestures a face may be asked for, and one in how many challenges a recording of another answers, uncut:

played forwards, and both ways. `face.drawing` counts them.
"""

USUAL_GESTURES = 4
"""Where nobody says how many."""

_CAPTURE_RANK = {capture: rank for rank, capture in enumerate(Capture)}

Gates = tuple[LivenessGate, ...] | None
"""The gates that a capture must pass, all of them; None stands for every gate that is installed, and one at least."""


def covers(had: Gates, needed: Gates) -> bool:
    """Whether a capture that passed `had` is good where `needed` is asked."""
    if had is None or needed is None:
        return had is needed
    return set(needed) <= set(had)


@dataclass(frozen=True, slots=True)
class LivenessResult:
    """A verdict and the numbers behind it; `detectors` names those that were asked."""

    verdict: Liveness
    detectors: tuple[str, ...] = ()
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Template:
    """A biometric reference.

    `model` is the manifest's digest, `vector` little-endian float32, `samples` the number k it was made of.
    `fingerprints` tell the capture again should it be replayed; they are biometric data, sealed like the vector.
    """

    modality: Modality
    model: str
    vector: bytes
    samples: int
    fingerprints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A probe against a reference: cosine similarity in [-1, 1], never a verdict by itself.

    `fingerprints` tell the capture again should it be replayed; they are biometric data, sealed like a template. `part` names
    the part of the reference that was met, where it has several.
    """

    score: float
    model: str
    frames: int
    liveness: LivenessResult
    quality: Mapping[str, float] = field(default_factory=dict)
    fingerprints: tuple[str, ...] = ()
    part: str = ""


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """`id` changes with every enrollment, so that a comparison made with an older template is not accepted."""

    id: str
    template: Template


@dataclass(frozen=True, slots=True)
class Renewal:
    """A template by the current model, to replace the one of the model `earlier` with which its capture was compared."""

    earlier: str
    template: Template

    def to_json(self) -> dict[str, object]:
        """Without fingerprints, which are kept of every capture; to be sealed, as a template is."""
        made = self.template
        vector = base64.b64encode(made.vector).decode()
        return {"earlier": self.earlier, "model": made.model, "vector": vector, "samples": made.samples}

    @classmethod
    def from_json(cls, modality: Modality, fields: Mapping[str, object]) -> Renewal:
        """The renewal that `to_json` wrote; raises KeyError or ValueError for anything else."""
        vector, samples = base64.b64decode(str(fields["vector"])), int(str(fields["samples"]))
        return cls(str(fields["earlier"]), Template(modality, str(fields["model"]), vector, samples))


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent: to which modality, in which wording, from when to when."""

    modality: Modality
    text_version: str
    given_at: datetime
    withdrawn_at: datetime | None
