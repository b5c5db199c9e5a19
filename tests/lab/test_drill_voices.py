"""What is played to a microphone is stopped by the default engines too: with rows that are the same in each run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from authsvc.cli.lab.in_process import in_process
from authsvc.lab.drill.drill import Verdict
from authsvc.lab.drill.running import chosen, play
from authsvc.lab.drill.scene import Scene
from authsvc.lab.drill_voices import spoken
from authsvc.voice import verifier

NAMES = ("recorded-voice", "cut-up-voice", "changed-voice", "strangers-voice")


@pytest.mark.long
def test_voices_that_are_no_living_owners_are_stopped(
    model_dir: Path, voices_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = np.random.default_rng(21)
    monkeypatch.setattr(
        verifier, "new_digits", lambda _, count=6: "".join(map(str, chance.permutation(10)[:count]))
    )
    voices, template = spoken(voices_dir / "digits/george", voices_dir / "digits/lucas", model_dir)
    with in_process(model_dir, unsafe_no_pad=False, voice=True) as service:
        service.premises.voice = template
        results = [
            each
            for each, _ in play(
                chosen(NAMES), lambda: Scene(service, service.premises, voices=voices), at_once=1
            )
        ]
    assert [(each.drill.name, each.verdict, each.why) for each in results] == [
        (name, Verdict.STOPPED, "") for name in NAMES
    ]
    assert [len(each.tries) for each in results] == [1, 2, 3, 2]
