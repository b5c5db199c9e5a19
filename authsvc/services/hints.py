"""Quality hints as the person reads them: each room has its codes and sentences, this file only asks the right room."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from authsvc.face import hints as face_hints
from authsvc.factor import Json, Unusable
from authsvc.gait import hints as gait_hints
from authsvc.voice import hints as voice_hints

_SENTENCES: Mapping[str, Callable[[str, str], str]] = {
    "face": face_hints.sentence,
    "voice": voice_hints.sentence,
    "gait": gait_hints.sentence,
}


def hints_view(modality: str, unusable: Unusable, locale: str) -> list[Json]:
    """Each hint with its stable code and its sentence in the person's language."""
    sentence = _SENTENCES[modality]
    return [{"code": code, "text": sentence(code, locale)} for code in unusable.hints]
