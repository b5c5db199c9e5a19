"""Quality hints as the person reads them: each room has its codes and sentences, this file only asks the right room."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from authsvc.face import hints as face_hints
from authsvc.factor import Factor, Json, Unusable
from authsvc.voice import hints as voice_hints

_SENTENCES: Mapping[Factor, Callable[[str, str], str]] = {
    Factor.FACE: face_hints.sentence,
    Factor.VOICE: voice_hints.sentence,
}


def hints_view(factor: Factor, unusable: Unusable, locale: str) -> list[Json]:
    """Each hint with its stable code and its sentence in the person's language."""
    sentence = _SENTENCES[factor]
    return [{"code": code, "text": sentence(code, locale)} for code in unusable.hints]
