"""A corpus shown to a service over HTTP; what was killed goes on where it stood, with the same report."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.cli.main import main
from authsvc.errors import InvalidRequest, Unavailable
from authsvc.lab.corpus import Corpus, read_corpus
from authsvc.lab.drill import captures, drill
from authsvc.lab.drill.drill import Busy
from authsvc.lab.drill.people import Asked, Person
from authsvc.lab.drill.service import Answer
from authsvc.lab.replaying import replay, report
from tests.lab.drill.here import Here


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    served = Here(tmp_path_factory.mktemp("replaying"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captures, "hold", lambda shown: None)
        yield served
    served.close()


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Of a worker that knows faces by name: ann herself, a mask of hers that passes, strangers, and what is no picture."""
    rows = [("ann1", b"ann 1", "bona_fide"), ("mask", b"ann mask", "mask"), ("eve", b"eve 1", "print")]
    rows += [("bob", b"bob 1", "print"), ("odd", b"\xff\xd8", "print")]
    for name, content, label in rows:
        folder = tmp_path / "corpus" / f"s{name}" / label
        folder.mkdir(parents=True)
        (folder / f"{name}.jpg").write_bytes(content)
    return read_corpus(tmp_path / "corpus")


def enroll(here: Here) -> Person:
    scene = here.scene()
    return scene.person("otp", "device", face=True)


def test_a_second_run_against_the_same_service_finds_the_same(
    here: Here, corpus: Corpus, tmp_path: Path
) -> None:
    """What passed is used up, in every account; whoever has the picture has it in other bytes as well."""
    once, again = (
        report(list(replay(corpus, lambda subject: enroll(here), tmp_path / run, at_once=1)))
        for run in ("once", "again")
    )
    assert once["species"]["mask"]["iapar_errors"] == 1
    assert once == again


def test_what_becomes_of_each_sample_is_reported_by_species(
    here: Here, corpus: Corpus, tmp_path: Path
) -> None:
    shown = list(replay(corpus, lambda subject: enroll(here), tmp_path / "kept", at_once=3))
    found = report(shown)
    assert (found["n_samples"], found["worst_species"]) == (5, "mask")
    assert (found["species"]["mask"]["iapar_errors"], found["species"]["mask"]["iapar_trials"]) == (1, 1)
    assert (found["species"]["print"]["iapar_errors"], found["species"]["print"]["iapar_trials"]) == (0, 3)
    assert found["species"]["print"]["non_response_errors"] == 1
    assert found["bona_fide"]["rejected_errors"] == 0


def test_a_run_that_was_killed_goes_on_with_the_same_report(
    here: Here, corpus: Corpus, tmp_path: Path
) -> None:
    whole = report(replay(corpus, lambda subject: enroll(here), tmp_path / "whole", at_once=1))
    kept = tmp_path / "kept"
    lines = (tmp_path / "whole").read_text().splitlines(keepends=True)
    enrolled: list[str] = []

    def counted(subject: str) -> Person:
        enrolled.append(subject)
        return enroll(here)

    # Killed in the middle of a line: what was cut off is shown again, and nothing else that was kept.
    kept.write_text("".join(lines[:3]) + lines[3][:20])
    assert report(replay(corpus, counted, kept, at_once=2)) == whole
    assert len(enrolled) == 3
    assert report(replay(corpus, counted, kept)) == whole
    assert len(enrolled) == 3


def test_a_service_that_has_no_time_is_asked_again_and_no_sample_counts_for_that(
    here: Here, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "BUSY_S", 0.0)
    whole = report(replay(corpus, lambda subject: enroll(here), tmp_path / "whole", at_once=1))
    complete, turns = Asked.complete, itertools.count()

    def busy_twice_in_three(asked: Asked) -> Answer:
        return complete(asked) if next(turns) % 3 == 2 else Answer(503, b"{}")

    monkeypatch.setattr(Asked, "complete", busy_twice_in_three)
    assert report(replay(corpus, lambda subject: enroll(here), tmp_path / "kept", at_once=1)) == whole
    # What is no picture was refused before.
    assert next(turns) == 3 * (len(corpus.samples) - 1) + 1
    monkeypatch.setattr(Asked, "complete", lambda asked: Answer(503, b"{}"))
    never = report(replay(corpus, lambda subject: enroll(here), tmp_path / "never", at_once=1))
    assert (never["answers"]["503"], never["bona_fide"]["non_response_errors"]) == (4, 1)

    def nobody(subject: str) -> Person:
        raise Busy("503")

    with pytest.raises(Unavailable, match="no time for anybody"):
        list(replay(corpus, nobody, tmp_path / "nobody", at_once=1))


def test_what_is_sent_with_the_nonce_of_another_challenge_is_refused(
    here: Here, corpus: Corpus, tmp_path: Path
) -> None:
    shown = list(replay(corpus, lambda subject: enroll(here), tmp_path / "kept", layers=("other-nonce",)))
    assert {each.answer for each in shown} == {"400 invalid-request"}
    assert not any(each.accepted or each.responded for each in shown)


@pytest.mark.parametrize("layers", [("prnt",), ("print", "cut-and-paste")])
def test_a_layer_that_faces_do_not_have_is_refused_before_anything_is_shown(
    corpus: Corpus, tmp_path: Path, layers: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidRequest, match="no layer here"):
        list(replay(corpus, _nobody, tmp_path / "kept", layers=layers))


def _nobody(subject: str) -> Person:
    raise AssertionError("nobody is asked for")


def test_a_file_of_another_run_is_not_gone_on_with(here: Here, corpus: Corpus, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(json.dumps({"run": "another"}) + "\n")
    with pytest.raises(InvalidRequest, match="keeps another run"):
        list(replay(corpus, lambda subject: enroll(here), kept))


def test_the_command_is_a_gate(here: Here, corpus: Corpus, tmp_path: Path) -> None:
    owner = enroll(here)
    folder = tmp_path / "one" / owner.user / "print"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(b"eve 1")
    key = tmp_path / "key"
    key.write_text(owner.service.bearer.removeprefix("Bearer "))
    words = [
        "lab",
        "attack",
        "--service",
        owner.service.url,
        "--api-key-file",
        str(key),
        "--sample",
        str(tmp_path / "one"),
    ]
    words += ["--keep", str(tmp_path / "kept"), "--json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["species"]["print"]["iapar_errors"] == 0
    assert CliRunner().invoke(main, [*words, "--max-iapar", "0.07"]).exit_code == 1
