"""Somebody is like themselves and unlike others; a recording that was used before, or changed a little, is unlike anybody."""

import base64

import numpy as np
import pytest

from authsvc.biometric.words import Modality, Template
from authsvc.gait.cycles_engine import walked
from authsvc.gait.service import likeness
from authsvc.gait.words import MODEL, Likeness, Recording, Walked
from tests.gait.walkers import Walker


def recorded(sent: dict[str, object]) -> Walked:
    found = walked(Recording.read(float(str(sent["rate"])), str(sent["samples"])))
    assert found is not None
    return found


def template(number: int, model: str = MODEL) -> Template:
    return Template(Modality.GAIT, model, recorded(Walker.of(number).sent(20, 1)).gait.packed(), 1)


OWN = Walker.of(0).sent(10, 5)


def test_somebody_is_like_themselves_and_unlike_others() -> None:
    assert likeness(recorded(OWN), template(0), ()) is Likeness.LIKE
    assert {likeness(recorded(OWN), template(number), ()) for number in (1, 2, 3)} == {Likeness.UNLIKE}


def test_a_template_of_another_method_says_nothing() -> None:
    assert likeness(recorded(OWN), template(0, "gait-cycles-0"), ()) is Likeness.UNKNOWN


def changed(how: str) -> dict[str, object]:
    raw = np.frombuffer(base64.b64decode(str(OWN["samples"])), "<i2").reshape(-1, 3).astype(float)
    samples = {
        "the same": raw,
        "with noise": raw + np.random.default_rng(1).standard_normal(raw.shape) * 30,
        "begun later": raw[10:],
        "ended before": raw[:-10],
        "turned": raw[:, [1, 2, 0]],
    }[how]
    return {
        **OWN,
        "samples": base64.b64encode(samples.clip(-32_768, 32_767).astype("<i2").tobytes()).decode(),
    }


@pytest.mark.parametrize("how", ["the same", "with noise", "begun later", "ended before", "turned"])
def test_a_copy_is_unlike(how: str) -> None:
    assert likeness(recorded(changed(how)), template(0), [recorded(OWN).trace]) is Likeness.UNLIKE
    assert (
        likeness(recorded(changed(how)), template(0), [recorded(Walker.of(0).sent(10, 6)).trace])
        is Likeness.LIKE
    )
