"""Puts a voice service together from the manifests and weight files of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifests
from authsvc.biometric.weights import is_installed, verified_weights
from authsvc.biometric.words import Modality
from authsvc.errors import ModelUnusable
from authsvc.voice.acquisition import Ears
from authsvc.voice.digits_onnx_engine import OnnxDigitRecogniser
from authsvc.voice.ecapa_speechbrain_engine import EcapaEncoder
from authsvc.voice.engine import SpeakerEncoder
from authsvc.voice.ge2e_onnx_engine import Ge2eEncoder
from authsvc.voice.liveness import PromptedLiveness, SpoofDetector
from authsvc.voice.onnx_speaker_engine import OnnxSpeakerEncoder
from authsvc.voice.prompt import Limits
from authsvc.voice.service import VoiceService
from authsvc.voice.silero_engine import SileroSpeechDetector
from authsvc.voice.spoken_prompt import Language
from authsvc.voice.spoof_onnx_engine import OnnxSpoofDetector

DEFAULT_MODEL = "ge2e-resemblyzer-v1"
SPEECH_DETECTOR = "silero-vad-v6"
DIGIT_RECOGNISER = "digits-ctc-v3"


def voice_service(
    model_dir: Path, *, manifests: Path | None = None, model: str = DEFAULT_MODEL
) -> VoiceService:
    """A service that still has to `load`; raises ModelUnusable when a manifest or weight file is missing or changed."""
    known = {
        one.id: one
        for one in read_manifests(manifests or manifest_folder())
        if one.modality is Modality.VOICE
    }
    matcher = _manifest(known, model, "matcher")
    return VoiceService(
        matcher,
        speaker_encoder(model_dir, matcher),
        ears(model_dir, known),
        liveness(model_dir, known),
        (_manifest(known, DIGIT_RECOGNISER, "recogniser"), *_spoof_manifests(model_dir, known)),
    )


def speaker_encoder(model_dir: Path, manifest: Manifest) -> SpeakerEncoder:
    """The encoder that the manifest's `engine` names."""
    weights = verified_weights(model_dir, manifest)
    if manifest.engine == Ge2eEncoder.id:
        return Ge2eEncoder(weights["encoder"])
    if manifest.engine == OnnxSpeakerEncoder.id:
        return OnnxSpeakerEncoder(weights["encoder"], manifest)
    if manifest.engine == EcapaEncoder.id:
        return EcapaEncoder(weights["encoder"])
    raise ModelUnusable(f"manifest `{manifest.id}` asks for the unknown engine `{manifest.engine}`")


def ears(model_dir: Path, known: Mapping[str, Manifest]) -> Ears:
    """Speech detector and digit recogniser."""
    detector = verified_weights(model_dir, _manifest(known, SPEECH_DETECTOR, "detector"))
    recogniser = verified_weights(model_dir, _manifest(known, DIGIT_RECOGNISER, "recogniser"))
    return Ears(SileroSpeechDetector(detector["speech"]), OnnxDigitRecogniser(tuple(recogniser.values())))


def liveness(model_dir: Path, known: Mapping[str, Manifest]) -> PromptedLiveness:
    """The prompt's limits from its manifest, and every spoof detector whose files the operator has placed."""
    return PromptedLiveness(limits_of(known), _spoof_detectors(model_dir, known))


def limits_of(known: Mapping[str, Manifest]) -> Mapping[Language, Limits]:
    """What a reading of a prompt must reach; raises ModelUnusable where the manifest does not say.

    `least_digit_zh` goes before `least_digit` for Mandarin, and so with each limit and language.
    """
    stated = _manifest(known, DIGIT_RECOGNISER, "recogniser").input
    return {language: _limits(stated, language) for language in Language}


def _limits(stated: Mapping[str, object], language: Language) -> Limits:
    limits = {
        name: stated.get(f"least_{name}_{language}", stated.get(f"least_{name}"))
        for name in (field.name for field in fields(Limits))
    }
    numbers = {name: limit for name, limit in limits.items() if isinstance(limit, float)}
    if missing := limits.keys() - numbers.keys():
        names = ", ".join(f"`input.least_{name}`" for name in sorted(missing))
        raise ModelUnusable(f"manifest `{DIGIT_RECOGNISER}` needs a number for {names}")
    if numbers["score"] > 0:
        raise ModelUnusable(f"`input.least_score` of manifest `{DIGIT_RECOGNISER}` is at most 0")
    return Limits(**numbers)


def _spoof_detectors(model_dir: Path, known: Mapping[str, Manifest]) -> tuple[SpoofDetector, ...]:
    return tuple(
        OnnxSpoofDetector(verified_weights(model_dir, manifest)["detector"], manifest)
        for manifest in _spoof_manifests(model_dir, known)
    )


def _spoof_manifests(model_dir: Path, known: Mapping[str, Manifest]) -> tuple[Manifest, ...]:
    return tuple(one for one in known.values() if one.role == "liveness" and is_installed(model_dir, one))


def _manifest(known: Mapping[str, Manifest], model: str, role: str) -> Manifest:
    manifest = known.get(model)
    if manifest is None or manifest.role != role:
        raise ModelUnusable(f"no manifest of a voice {role} calls itself `{model}`")
    return manifest
