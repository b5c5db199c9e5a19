"""Finding the same face on another account: exact, within one model, the most alike first."""

import time

import numpy as np
import pytest

from authsvc.biometric.vectors import pack, unit
from authsvc.biometric.words import Modality, Template
from authsvc.errors import ModelUnusable
from authsvc.face.duplicates import MOST_TEMPLATES, look_alikes


def templates(count: int, model: str = "sha256:ab") -> list[Template]:
    vectors = unit(np.random.default_rng(5).normal(size=(count, 128)).astype(np.float32))
    return [Template(Modality.FACE, model, pack(vector), 3) for vector in vectors]


def near(template: Template, share: float) -> Template:
    """A template that is partly another one's."""
    own, other = (np.frombuffer(one.vector, dtype="<f4") for one in (template, templates(1)[0]))
    return Template(Modality.FACE, template.model, pack(unit((own + share * other).astype(np.float32))), 3)


def test_the_same_face_is_found_and_the_most_alike_comes_first() -> None:
    others = templates(50)
    others += [near(others[20], 0.3), near(others[20], 0.1)]
    found = look_alikes(others[20], others, 0.9)
    assert [one.number for one in found] == [20, 51, 50]
    assert found[0].score == pytest.approx(1, abs=1e-6)


def test_nobody_alike_is_nobody_found() -> None:
    first, *others = templates(200)
    assert look_alikes(first, others, 0.9) == ()
    assert look_alikes(first, [], 0.9) == ()


def test_templates_of_another_model_or_modality_are_left_out() -> None:
    mine = templates(1)[0]
    foreign = Template(Modality.FACE, "sha256:other", mine.vector, 3)
    voice = Template(Modality.VOICE, mine.model, mine.vector, 3)
    assert [one.number for one in look_alikes(mine, [foreign, voice, mine], 0.9)] == [2]


def test_a_hundred_thousand_templates_are_searched_exactly_and_soon() -> None:
    others = templates(1000) * 100
    started = time.process_time()
    found = look_alikes(others[7], others, 0.99)
    assert len(found) == 100
    assert time.process_time() - started < 3


def test_more_templates_than_an_exact_search_is_meant_for_are_refused() -> None:
    with pytest.raises(ModelUnusable, match="100001 templates"):
        look_alikes(templates(1)[0], templates(1) * (MOST_TEMPLATES + 1), 0.9)
