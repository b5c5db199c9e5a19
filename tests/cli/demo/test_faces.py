"""Who plays in the demo: chosen from folders by one rule, or drawn, with words that promise no more than that."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.words import Comparison, Template
from authsvc.cli.demo.commands import choose
from authsvc.cli.demo.faces import Photograph, from_drawings, from_folder
from authsvc.errors import InvalidRequest
from authsvc.face.build import DEFAULT_MODEL, face_service
from authsvc.face.capture import CaptureContext


def person(folder: Path, name: str, pictures: int, suffix: str = ".jpg") -> None:
    (folder / name).mkdir()
    for number in range(1, pictures + 1):
        (folder / name / f"{number}{suffix}").write_bytes(f"{name}{number}".encode())
    (folder / name / "notes.txt").write_text("not a picture")


def test_the_first_person_with_four_photographs_pays_and_another_one_tries_to(tmp_path):
    person(tmp_path, "ann", 3)
    person(tmp_path, "ben", 4)
    person(tmp_path, "cho", 9)
    cast = from_folder(tmp_path)
    assert [photograph.name for photograph in cast.payer] == [f"ben/{number}.jpg" for number in range(1, 5)]
    assert {photograph.name.split("/")[0] for photograph in cast.stranger} == {"ann"}
    assert "ben pays, ann tries to" in cast.note
    assert "nothing about accuracy" in cast.note


def test_the_unseen_photographs_are_never_among_the_enrolled(tmp_path):
    person(tmp_path, "ann", 5)
    person(tmp_path, "ben", 1)
    roles = list(from_folder(tmp_path).roles())
    assert len(roles) == 10
    assert len({chosen for chosen, _ in roles}) == 10
    first = ["".join(each.name[4] for each in chosen) for chosen, _ in roles[:4]]
    assert first == ["123", "234", "345", "124"]
    assert all(len(unseen) == 2 and not set(chosen) & set(unseen) for chosen, unseen in roles)


@pytest.mark.parametrize("people", [{}, {"ann": 4}, {"ann": 3, "ben": 3}, {"ann": 4, "ben": 0}])
def test_a_folder_without_two_such_people_is_refused(tmp_path, people):
    for name, pictures in people.items():
        person(tmp_path, name, pictures)
    with pytest.raises(InvalidRequest, match="folder a person"):
        from_folder(tmp_path)


def test_png_is_sent_as_png(tmp_path):
    person(tmp_path, "ann", 4, ".PNG")
    person(tmp_path, "ben", 1)
    (tmp_path / "ann" / "1.PNG").write_bytes(b"\x89PNG\r\n")
    cast = from_folder(tmp_path)
    assert [photograph.media for photograph in cast.payer[:2]] == ["image/png", "image/jpeg"]


def test_two_faces_are_drawn_where_no_photograph_is_at_hand_and_the_reader_is_told():
    cast = from_drawings()
    pictures = (*cast.payer, *cast.stranger)
    assert len(cast.payer) == 4
    assert len({photograph.content for photograph in pictures}) == len(pictures)
    assert all(min(Image.open(BytesIO(each.content)).size) >= 480 for each in pictures)
    assert "nothing about people" in cast.note
    assert "--faces" in cast.note


def test_the_engine_knows_a_drawn_face_again_and_tells_two_apart(model_dir: Path):
    """Without this the demo would have nobody to play it; the threshold is the shipped one."""
    service = face_service(model_dir, unsafe_no_pad=True)
    service.load()
    cast, context = from_drawings(), CaptureContext()
    template = service.enroll([each.content for each in cast.payer[:3]], context)
    assert isinstance(template, Template)
    manifest = read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml")
    threshold = manifest.operating_point("1 in 10000", frames=1, samples=3).threshold

    def score(photograph: Photograph) -> float:
        compared = service.verify([photograph.content], template, context)
        assert isinstance(compared, Comparison)
        return compared.score

    assert score(cast.payer[3]) > threshold
    assert all(score(photograph) < threshold for photograph in cast.stranger)


def test_a_named_folder_comes_before_the_test_photographs_and_these_before_drawings(tmp_path):
    named, shared = tmp_path / "named", tmp_path / "data"
    (shared / "faces").mkdir(parents=True)
    named.mkdir()
    assert choose(None, shared).payer[0].name == "drawn-payer/1"
    person(shared / "faces", "obama", 4)
    person(shared / "faces", "biden", 2)
    person(shared / "faces", "aaron", 9)
    assert choose(None, shared).payer[0].name == "obama/1.jpg"
    assert choose(None, shared).stranger[0].name == "biden/1.jpg"
    person(named, "ann", 4)
    person(named, "ben", 1)
    assert choose(named, shared).payer[0].name == "ann/1.jpg"
