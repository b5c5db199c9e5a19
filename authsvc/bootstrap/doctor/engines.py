"""Models and liveness: are the weights here and unchanged, and can every level that the policy names be reached?"""

from __future__ import annotations

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.weights import is_installed
from authsvc.bootstrap.doctor.finding import Findings, wrong
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.config import Settings
from authsvc.errors import ModelUnusable


def look_at_models(settings: Settings, around: Surroundings) -> Findings:
    # They bring the numerical libraries.
    from authsvc.face.build import face_service
    from authsvc.voice.build import voice_service

    try:
        face_service(settings.models, unsafe_no_pad=settings.unsafe_no_pad, model=settings.face_model)
    except ModelUnusable as error:
        yield wrong("face-model", error.detail, "`authsvc models prepare`, then `authsvc models verify`")
    if not settings.voice:
        return
    try:
        voice_service(settings.models)
    except ModelUnusable as error:
        yield wrong("voice-model", error.detail, "`authsvc models prepare`, or AUTHSVC_VOICE=0")


def look_at_liveness(settings: Settings, around: Surroundings) -> Findings:
    if settings.unsafe_no_pad:
        yield wrong(
            "unsafe-no-pad",
            "a photograph passes for a person, and every receipt says so",
            "unset AUTHSVC_UNSAFE_NO_PAD, and do not start with --development",
        )


def has_passive(settings: Settings) -> bool:
    """Whether a passive liveness detector that may be used is installed."""
    from authsvc.face.build import is_passive

    known = [each for each in read_manifests(manifest_folder()) if is_passive(each)]
    return any(is_installed(settings.models, each) for each in known)
