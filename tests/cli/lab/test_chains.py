"""What a folder holds is shown in every layer, each a species of its own; takes that were heard are nobody's fresh ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from authsvc.biometric.words import Modality
from authsvc.cli.lab import chains
from authsvc.cli.lab.chains import face_groups, voice_chain, voice_groups
from authsvc.lab.corpus import Corpus, Sample
from authsvc.lab.layers import LAYERS
from authsvc.lab.people import Person
from authsvc.lab.replaying import Shown
from authsvc.lab.voice_layers import VOICE_LAYERS
from authsvc.voice.audio import encode_wav

NOISE = encode_wav(np.random.default_rng(1).normal(0, 0.1, 8_000).astype(np.float32))


def person(name: str, photographs: int) -> Person:
    return Person(name, tuple(Path(name) / f"{n}.jpg" for n in range(photographs)))


def test_every_layer_of_faces_is_put_on_somebody() -> None:
    groups = face_groups([person("ann", 5), person("bob", 3)], None)
    assert {layer for group in groups for layer in group.layers} == set(LAYERS)
    assert {each.subject for group in groups for each in group.corpus.samples} == {"ann"}
    photographs = groups[0].corpus.samples
    assert [each.path for each in photographs] == [Path("ann/3.jpg")]
    assert face_groups([person("bob", 3)], None) == ()


def test_of_a_manifest_those_are_shown_who_are_enrolled() -> None:
    clip = Sample(Path("clip.mp4"), "screen", "ann")
    listed = Corpus("c", (clip, Sample(Path("x.mp4"), None, "eve")), "", "")
    (group,) = face_groups([person("ann", 3)], listed)
    assert group.corpus.samples == (clip,)


def test_each_kind_in_each_layer_is_a_species_and_the_bona_fide_are_one() -> None:
    (group, *_) = face_groups([person("ann", 5)], None)
    attack = Shown("000000", "ann", "photograph", False, True, "401")
    named = chains.Group(group.corpus, ("print",)).named(attack)
    assert (named.species, named.key) == ("photograph+print", "photograph+print 000000")
    assert group.named(Shown("000001", "ann", None, True, True, "200")).species is None


@pytest.fixture
def speakers(tmp_path: Path) -> Path:
    for name, takes in (("ann", 4), ("bob", 2), ("few", 1)):
        (tmp_path / "voices" / name).mkdir(parents=True)
        for digit in range(10):
            for take in range(takes):
                (tmp_path / "voices" / name / f"{digit}_{take}.wav").write_bytes(NOISE)
        (tmp_path / "voices" / name / "0_00.wav").write_bytes(b"nothing that can be heard")
    return tmp_path / "voices"


def test_takes_that_an_enrollment_hears_are_not_those_of_the_bona_fide(
    speakers: Path, tmp_path: Path
) -> None:
    groups = voice_groups(speakers, tmp_path / "made")
    samples = {each for group in groups for each in group.corpus.samples}
    assert {(each.subject, each.species, each.path.name) for each in samples} == {
        ("ann", None, "ann"), ("bob", None, "bob"), ("ann", "heard", "ann"), ("bob", "heard", "bob"),
        ("ann", "stranger", "bob"), ("bob", "stranger", "ann"),
    }  # fmt: skip
    assert {layer for group in groups for layer in group.layers} == set(VOICE_LAYERS)
    own = {kind: takes_in(tmp_path / "made" / kind / "ann") for kind in ("enrolled", "heard", "bona_fide")}
    assert set(own["enrolled"][::2]) == set(own["heard"])
    assert set(own["enrolled"][1::2]) == set(own["bona_fide"])
    assert len(own["enrolled"]) == 40


def test_where_no_machine_can_speak_its_row_alone_is_left_out(
    speakers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "can_synthesise", lambda: False)
    groups = voice_groups(speakers, tmp_path / "made")
    assert {layer for group in groups for layer in group.layers} == set(VOICE_LAYERS) - {"synthetic"}


def takes_in(folder: Path) -> list[Path]:
    return [each.resolve() for each in sorted(folder.iterdir())]


@pytest.mark.long
def test_of_one_voice_the_owner_passes_and_what_was_recorded_does_not(
    voices_dir: Path, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in sorted((voices_dir / "digits" / "george").glob("*.flac")):
        (tmp_path / "one" / "george").mkdir(parents=True, exist_ok=True)
        (tmp_path / "one" / "george" / file.name).symlink_to(file)
    pasted = dict.fromkeys(("bona_fide", "heard"), (("cut-and-paste",),))
    monkeypatch.setattr(chains, "VOICE_LAYERS", pasted)
    groups, keep = voice_groups(tmp_path / "one", tmp_path / "made"), tmp_path / "keep"
    keep.mkdir()
    found = voice_chain(tmp_path / "one", tmp_path / "made", groups, model_dir, keep)
    assert [group.corpus.samples[0].modality for group in groups] == [Modality.VOICE] * 2
    assert (found["n_samples"], found["fte_errors"]) == (2, 0)
    assert found["species"]["heard+cut-and-paste"]["iapar_trials"] == 1
    # A row that nobody foresaw may be misheard; what is kept is the same report again.
    assert voice_chain(tmp_path / "one", tmp_path / "made", groups, model_dir, keep) == found
