"""Puts a face service together from the manifests and weight files of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from authsvc.biometric import Modality
from authsvc.errors import ModelUnusable
from authsvc.face.dlib_hog_engine import DlibHogDetector
from authsvc.face.engine import Detector
from authsvc.face.input_form import InputForm
from authsvc.face.liveness import LivenessDetector, NoDetector, UnsafeNoPad
from authsvc.face.onnx_engine import OnnxMatcher
from authsvc.face.service import FaceService
from authsvc.manifest import Manifest, manifest_folder, read_manifests
from authsvc.weights import verified_weights

DEFAULT_MODEL = "dlib-resnet-v1"


def face_service(
    model_dir: Path, *, unsafe_no_pad: bool, manifests: Path | None = None, model: str = DEFAULT_MODEL
) -> FaceService:
    """A service that still has to `load`; raises ModelUnusable when a manifest or weight file is missing or changed."""
    known = {one.id: one for one in read_manifests(manifests or manifest_folder())}
    manifest = _matcher_manifest(known, model)
    weights = verified_weights(model_dir, manifest)
    detector = _detector(manifest, weights)
    return FaceService(
        manifest,
        detector,
        OnnxMatcher(weights["resnet"], manifest, detector.points),
        _liveness(unsafe_no_pad=unsafe_no_pad),
        # Single stills are enough only where nobody is kept from holding one up.
        least_frames=1 if unsafe_no_pad else manifest.fusion.frames,
    )


def _matcher_manifest(known: Mapping[str, Manifest], model: str) -> Manifest:
    manifest = known.get(model)
    if manifest is None or manifest.modality is not Modality.FACE or manifest.role != "matcher":
        raise ModelUnusable(f"no manifest of a face matcher calls itself `{model}`")
    return manifest


def _detector(manifest: Manifest, weights: Mapping[str, Path]) -> Detector:
    form = InputForm.of(manifest.input, manifest.id)
    if form.detector != DlibHogDetector.id:
        raise ModelUnusable(f"manifest `{manifest.id}` asks for the unknown detector `{form.detector}`")
    return DlibHogDetector(weights["five_points"], form.long_side)


def _liveness(*, unsafe_no_pad: bool) -> LivenessDetector:
    return UnsafeNoPad() if unsafe_no_pad else NoDetector()
