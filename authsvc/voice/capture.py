"""What comes with the recording of one capture: the digits that were asked, what was heard before, what is held.

Words without arrays, so that the web process can speak them to the worker that judges.
"""

from __future__ import annotations

from dataclasses import dataclass

from authsvc.biometric.words import Comparison


@dataclass(frozen=True, slots=True)
class CaptureContext:
    """What is known about a capture besides its sound.

    `digits` is the prompt; `language` is `en` or `zh`; `earlier` the fingerprints of this person's earlier captures; `held`
    the probe of a first phrase that was neither clearly theirs nor clearly not, to be averaged in; `corrects` says that digits
    which were read in the other language are a hint and not yet judged.
    """

    digits: str
    language: str
    earlier: tuple[str, ...] = ()
    held: bytes | None = None
    corrects: bool = False


@dataclass(frozen=True, slots=True)
class EnrollmentPhrase:
    """What one good phrase adds to a template, and its fingerprint: biometric data, sealed by the caller until the last is in."""

    share: bytes
    fingerprint: str
    model: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A comparison, and the phrase's own vector should another phrase be asked for: sealed, and gone within minutes."""

    comparison: Comparison
    probe: bytes
