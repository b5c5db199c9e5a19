"""Recordings are heard as the service hears them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from authsvc.biometric.manifest import Manifest
from authsvc.lab.voice_hearing import Row, hear
from authsvc.voice.audio import encode_wav
from authsvc.voice.fingerprint import COPY
from authsvc.voice.service import VoiceService
from tests.lab.hums import PROMPTS
from tests.voice.sounds import say


def test_recordings_are_heard_as_the_service_hears_them(
    service: VoiceService, hum_manifest: Manifest, tmp_path: Path
):
    def row(digits: str, pitch: float) -> Row:
        file = tmp_path / f"{digits} {pitch}.wav"
        file.write_bytes(encode_wav(say(digits, pitch)))
        return Row(digits, file)

    owner = [row(digits, 400) for digits in PROMPTS[:3]]
    mine: Any = hear(service, hum_manifest, owner, row(PROMPTS[5], 400), "en")
    theirs: Any = hear(service, hum_manifest, owner, row(PROMPTS[5], 520), "en")
    assert mine["score"] > mine["operating_points"][0]["accepts_from"] > theirs["score"]
    assert mine["evidence"]["copy"] < COPY
    again: Any = hear(service, hum_manifest, owner, owner[0], "en")
    assert again["liveness"] == "attack"
    other: Any = hear(service, hum_manifest, [*owner[:2], replace(owner[2], digits="111111")], owner[0], "en")
    assert (other["enrolls"], other["hints"]) == (False, ["speak_all_digits"])
    json.dumps(mine)
