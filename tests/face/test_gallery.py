"""The search among everybody's templates: what it finds, what it forgets, and what it will not compare."""

import numpy as np
import pytest

from authsvc.biometric.words import Modality, Template
from authsvc.errors import ModelUnusable
from authsvc.face.gallery import Gallery, Resemblance

CHANCE = np.random.default_rng(9)


def template(vector: np.ndarray, model: str = "sha256:a") -> Template:
    unit = (vector / np.linalg.norm(vector)).astype("<f4")
    return Template(Modality.FACE, model, unit.tobytes(), 3)


def axis(number: int) -> Template:
    return template(np.eye(8)[number])


@pytest.fixture
def gallery() -> Gallery:
    made = Gallery("sha256:a", 8)
    for number in range(8):
        made.put(f"user {number}", axis(number))
    return made


def test_the_same_face_is_found_under_its_handle(gallery):
    assert gallery.search(axis(3), 0.9) == (Resemblance("user 3", 1.0),)


def test_look_alikes_come_the_most_alike_first(gallery):
    mixed = template(np.array([0, 1, 2, 3, 0, 0, 0, 0]))
    assert [found.handle for found in gallery.search(mixed, 0.2)] == ["user 3", "user 2", "user 1"]


def test_a_new_template_replaces_the_old_one(gallery):
    gallery.put("user 3", axis(5))
    assert gallery.search(axis(3), 0.9) == ()
    assert {found.handle for found in gallery.search(axis(5), 0.9)} == {"user 3", "user 5"}
    assert len(gallery) == 8


def test_who_is_erased_is_found_no_more_and_everybody_else_still_is(gallery):
    for gone in ("user 2", "user 7", "user 0", "nobody"):
        gallery.remove(gone)
    found = {number: [one.handle for one in gallery.search(axis(number), 0.9)] for number in range(8)}
    assert found == {number: [] if number in (0, 2, 7) else [f"user {number}"] for number in range(8)}
    assert len(gallery) == 5


def test_an_empty_gallery_finds_nobody():
    assert Gallery("sha256:a", 8).search(axis(0), -1) == ()


def test_thousands_come_and_go_and_the_search_stays_exact():
    made, kept = Gallery("sha256:a", 16), {}
    for number in range(3000):
        vector = CHANCE.normal(size=16)
        kept[str(number)] = template(vector)
        made.put(str(number), kept[str(number)])
        if number % 3 == 0:
            gone = str(CHANCE.integers(number + 1))
            made.remove(gone)
            kept.pop(gone, None)
    probe = template(CHANCE.normal(size=16))
    direction = np.frombuffer(probe.vector, dtype="<f4")
    scores = {name: float(np.frombuffer(one.vector, dtype="<f4") @ direction) for name, one in kept.items()}
    expected = {name for name, score in scores.items() if score >= 0.3}
    found = made.search(probe, 0.3)
    assert len(expected) > 100
    assert {one.handle for one in found} == expected
    assert len(made) == len(kept)


@pytest.mark.parametrize(
    "stranger",
    [
        template(np.ones(8), model="sha256:b"),
        template(np.ones(9)),
        Template(Modality.VOICE, "sha256:a", axis(0).vector, 3),
    ],
)
def test_templates_of_another_model_are_refused(gallery, stranger):
    with pytest.raises(ModelUnusable):
        gallery.put("stranger", stranger)
    with pytest.raises(ModelUnusable):
        gallery.search(stranger, 0.5)
    assert len(gallery) == 8
