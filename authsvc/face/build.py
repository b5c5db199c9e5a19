"""Puts a face service together from the manifests and weight files of this machine.

An engine is one line in a table here, one file, and one manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifests
from authsvc.biometric.weights import is_installed, verified_weights
from authsvc.biometric.words import Modality
from authsvc.errors import ModelUnusable
from authsvc.face.active import ActiveChallenge
from authsvc.face.dlib_hog_engine import DlibHogDetector
from authsvc.face.engine import Detector
from authsvc.face.input_form import InputForm
from authsvc.face.installed import InstalledModels
from authsvc.face.liveness import AllOf, LivenessDetector, UnsafeNoPad
from authsvc.face.mesh_engine import FaceMesh
from authsvc.face.onnx_engine import OnnxMatcher
from authsvc.face.passive_engine import PassiveDetector, PassiveForm
from authsvc.face.service import SAME_PERSON_FMR, FaceService
from authsvc.face.yunet_engine import YuNetDetector

DEFAULT_MODEL = "dlib-resnet-v1"
PASSIVE_MODEL = "minifasnet"
MESH_MODEL = "mediapipe-face-mesh"
PASSIVE_ENGINE = "passive_onnx"

_DETECTORS: Mapping[str, Callable[[Path, int], Detector]] = {
    DlibHogDetector.id: DlibHogDetector,
    YuNetDetector.id: YuNetDetector,
}
_MATCHERS = frozenset({"dlib_onnx", "arcface_onnx", "sface"})


def face_service(
    model_dir: Path, *, unsafe_no_pad: bool, manifests: Path | None = None, model: str = DEFAULT_MODEL
) -> FaceService:
    """A service that still has to `load`; raises ModelUnusable when a manifest or weight file is missing or changed.

    Liveness is judged by everything that is installed, and by nothing only where `unsafe_no_pad` says so.
    """
    known = {one.id: one for one in read_manifests(manifests or manifest_folder())}
    manifest = _matcher_manifest(known, model)
    detector, matcher = engines(manifest, model_dir)
    same_person = manifest.operating_point(SAME_PERSON_FMR, frames=1, samples=1).threshold
    active = ActiveChallenge(same_person)
    liveness = UnsafeNoPad() if unsafe_no_pad else _liveness(known, model_dir, active)
    # Single stills are enough only where nobody is kept from holding one up.
    least_frames = 1 if unsafe_no_pad else manifest.fusion.frames
    mesh = None if unsafe_no_pad else face_mesh(known, model_dir)
    judged_by = () if unsafe_no_pad else (known[MESH_MODEL], *_passive(known, model_dir))
    return FaceService(
        manifest,
        detector,
        matcher,
        liveness,
        least_frames=least_frames,
        mesh=mesh,
        judged_by=judged_by,
    )


def installed_models(
    model_dir: Path, *, unsafe_no_pad: bool, manifests: Path | None = None, model: str = DEFAULT_MODEL
) -> InstalledModels:
    """`face_service` of the current model, and of every other matcher whose weights and calibration are here."""
    folder = manifests or manifest_folder()
    others = [one for one in read_manifests(folder) if one.id != model and _is_matcher(one)]
    older = [one.id for one in others if one.operating_points and is_installed(model_dir, one)]
    services = [
        face_service(model_dir, unsafe_no_pad=unsafe_no_pad, manifests=folder, model=name)
        for name in (model, *older)
    ]
    return InstalledModels(services[0], services[1:])


def engines(manifest: Manifest, model_dir: Path) -> tuple[Detector, OnnxMatcher]:
    """Detector and matcher of one manifest, not loaded; raises as `face_service` does."""
    weights = verified_weights(model_dir, manifest)
    form = InputForm.of(manifest.input, manifest.id)
    if form.detector not in _DETECTORS or manifest.engine not in _MATCHERS:
        raise ModelUnusable(
            f"manifest `{manifest.id}` asks for the engine `{manifest.engine}` with `{form.detector}`"
        )
    detector = _DETECTORS[form.detector](weights["detector"], form.long_side)
    return detector, OnnxMatcher(weights["matcher"], manifest, detector.points)


def face_mesh(known: Mapping[str, Manifest], model_dir: Path) -> FaceMesh:
    """The points that gestures are read from, not loaded; raises as `face_service` does."""
    if MESH_MODEL not in known:
        raise ModelUnusable(f"no manifest calls itself `{MESH_MODEL}`, which gestures are read by")
    weights = verified_weights(model_dir, known[MESH_MODEL])
    return FaceMesh(weights["detector"], weights["mesh"])


def passive_detector(manifest: Manifest, model_dir: Path) -> PassiveDetector:
    """The passive liveness detector of a manifest, not loaded; raises as `face_service` does."""
    if not is_passive(manifest):
        raise ModelUnusable(f"manifest `{manifest.id}` is not one of a passive liveness detector")
    weights = verified_weights(model_dir, manifest)
    detector = YuNetDetector(weights["detector"])
    return PassiveDetector(manifest.id, weights, passive_form(manifest), detector)


def passive_form(manifest: Manifest) -> PassiveForm:
    """How a passive detector works, its threshold the strictest of the species that it was calibrated on."""
    form = PassiveForm.of(manifest.input, manifest.id)
    return form.model_copy(update={"bona_fide": manifest.bona_fide_from(form.bona_fide)})


def is_passive(manifest: Manifest) -> bool:
    """Whether the manifest is one of a passive liveness detector that this room can run."""
    return (manifest.modality, manifest.role, manifest.engine) == (Modality.FACE, "liveness", PASSIVE_ENGINE)


def _is_matcher(manifest: Manifest) -> bool:
    return manifest.modality is Modality.FACE and manifest.role == "matcher"


def _matcher_manifest(known: Mapping[str, Manifest], model: str) -> Manifest:
    manifest = known.get(model)
    if manifest is None or not _is_matcher(manifest):
        raise ModelUnusable(f"no manifest of a face matcher calls itself `{model}`")
    return manifest


def _liveness(known: Mapping[str, Manifest], model_dir: Path, active: ActiveChallenge) -> LivenessDetector:
    """The active challenge always, and before it every passive detector whose weights are here: gates in a row."""
    passive = [passive_detector(one, model_dir) for one in _passive(known, model_dir)]
    return AllOf((*passive, active)) if passive else active


def _passive(known: Mapping[str, Manifest], model_dir: Path) -> list[Manifest]:
    return [one for one in known.values() if is_passive(one) and is_installed(model_dir, one)]
