"""Samples decide the same in this process and over HTTP, and a run that was killed goes on with the same report."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from authsvc.biometric.words import Modality
from authsvc.cli.demo.service import OwnService, environment
from authsvc.cli.lab.attack import enroller, replayed, shown_all
from authsvc.cli.lab.in_process import InProcess, in_process
from authsvc.cli.main import main
from authsvc.lab.corpus import Corpus, read_corpus
from authsvc.lab.drill import captures
from authsvc.lab.drill import service as reached_by
from authsvc.lab.drill.service import Service
from authsvc.lab.replaying import Shown
from authsvc.voice import verifier
from tests.support.ports import free_port

KILLED_AFTER = 3

_CHILD = """
import os, signal, types
from authsvc.lab import replaying
kept = []
def fsync(file):
    os.fsync(file)
    kept.append(file)
    if len(kept) == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
replaying.os = types.SimpleNamespace(fsync=fsync)
from authsvc.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def place(faces_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Obama and Amy with photographs of their own and of each other; a print, a screen, no picture, and who is too far away."""
    made = tmp_path_factory.mktemp("attacked")
    pad = faces_dir.parent / "pad"
    own, other = (sorted((faces_dir / name).glob("*.jpg")) for name in ("obama", "bbt_amy"))
    far = sorted((faces_dir / "person_a").glob("*.jpg"))
    samples = {
        "obama/bona_fide": own[-1:], "bbt_amy/bona_fide": other[3:5],
        "obama/stranger": other[:1], "bbt_amy/stranger": own[:1],
        "obama/print": [pad / "attack_print.jpg"], "obama/screen": [pad / "attack_screen.jpg"],
        "far/bona_fide": far[-1:],
    }  # fmt: skip
    for folder, files in samples.items():
        _linked(made / "corpus" / folder, files)
    (made / "corpus/obama/nothing").mkdir()
    (made / "corpus/obama/nothing/1.jpg").write_bytes(b"no picture")
    for name, files in {"obama": own[:3], "bbt_amy": other[:3], "far": far[:1]}.items():
        _linked(made / "enrolled" / name, files)
    return made


def _linked(folder: Path, files: list[Path]) -> None:
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).symlink_to(file)


@pytest.fixture(scope="module")
def corpus(place: Path) -> Corpus:
    return read_corpus(place / "corpus")


@pytest.fixture(scope="module")
def here(model_dir: Path) -> Iterator[InProcess]:
    with in_process(model_dir, unsafe_no_pad=True) as service:
        yield service


@pytest.fixture(scope="module")
def whole(here: InProcess, place: Path, corpus: Corpus) -> Mapping[str, Any]:
    return reported(here, place, corpus, place / "whole")


def shown(service: Service, place: Path, corpus: Corpus, keep: Path) -> tuple[Shown, ...]:
    return shown_all(corpus, enroller(service, place / "enrolled"), keep)


def reported(service: Service, place: Path, corpus: Corpus, keep: Path) -> Mapping[str, Any]:
    """Without its date: midnight may come between two runs."""
    found = replayed(service, corpus, (), shown(service, place, corpus, keep))
    return {name: value for name, value in found.items() if name != "date"}


def test_every_sample_meets_the_same_decision_in_this_process_and_over_http(
    whole: Mapping[str, Any], place: Path, corpus: Corpus, model_dir: Path
) -> None:
    with OwnService(model_dir) as service:
        over_http = reported(Service(service.url, service.api_key), place, corpus, place / "http")
    kept = [(place / name).read_text().splitlines() for name in ("whole", "http")]
    assert sorted(kept[0]) == sorted(kept[1])
    assert len(kept[0]) == 1 + len(corpus.samples)
    assert {**over_http, "service": "in this process"} == whole


def test_what_happens_to_a_sample_is_what_it_is(whole: Mapping[str, Any]) -> None:
    species, live = whole["species"], whole["bona_fide"]
    assert (species["stranger"]["iapar_errors"], species["stranger"]["iapar_trials"]) == (0, 2)
    assert (species["nothing"]["non_response_errors"], species["nothing"]["non_response_trials"]) == (1, 1)
    # Whoever is too far away was never enrolled, and stands in no other rate.
    assert (whole["fte_errors"], whole["fte_trials"], live["rejected_trials"]) == (1, 3, 3)
    assert live["rejected_errors"] < 3
    assert whole["face"]["liveness"] == "UNSAFE_NO_PAD"


@pytest.fixture(scope="module")
def spoken(voices_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """George with takes that his enrollment did not hear, and with those that it did; Lucas in his place."""
    made = tmp_path_factory.mktemp("spoken")
    george, lucas = (sorted((voices_dir / "digits" / name).glob("*.flac")) for name in ("george", "lucas"))
    takes = [[each for each in george if each.name.startswith(f"{digit}_")] for digit in range(10)]
    _linked(made / "enrolled" / "george", george)
    _linked(made / "enrolled" / "nobody", george[:1])
    for folder, files in {
        "george/bona_fide/fresh": [file for own in takes for file in own[1::2]],
        "george/heard/digits": [file for own in takes for file in own[::2]],
        "george/stranger/lucas": lucas,
        "nobody/stranger/lucas": lucas,
    }.items():
        _linked(made / "corpus" / folder, files)
    rows = [
        f"{each.relative_to(made)},{each.parent.name},{each.parts[-3]},voice"
        for each in sorted(made.glob("corpus/*/*/*"))
    ]
    (made / "corpus.csv").write_text("\n".join(["path,label,subject,modality", *rows]))
    return made


@contextmanager
def over_http(service: InProcess, port: int) -> Iterator[Service]:
    """The same application behind a socket, so that the same digits can be asked."""
    served = make_server("127.0.0.1", port, service.app, threaded=True)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    try:
        yield Service(f"http://127.0.0.1:{port}", service.bearer.removeprefix("Bearer "))
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


@pytest.mark.long
def test_every_voice_meets_the_same_decision_in_this_process_and_over_http(
    spoken: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("werkzeug"), "level", logging.ERROR)
    monkeypatch.setattr(reached_by, "PATIENCE_S", 600.0)  # What is asked is decided, and not how soon.
    corpus = read_corpus(spoken / "corpus.csv")

    def shown_to(service: Service, name: str) -> list[Shown]:
        # The same rows in the same order, none with a digit twice: who has three takes says none a second time.
        chance = np.random.default_rng(11)
        monkeypatch.setattr(
            verifier, "new_digits", lambda _, count=6: "".join(map(str, chance.permutation(10)[:count]))
        )
        enroll = enroller(service, spoken / "enrolled", Modality.VOICE)
        shown = shown_all(
            corpus, enroll, spoken / name, modality=Modality.VOICE, layers=("cut-and-paste",), at_once=1
        )
        return sorted(shown, key=lambda each: each.key)

    with in_process(model_dir, unsafe_no_pad=True, voice=True) as service:
        here = shown_to(service, "here")
        report = replayed(service, corpus, ("cut-and-paste",), here, Modality.VOICE)
    # Another one: the very recordings that enrolled somebody enroll nobody again.
    with (
        in_process(model_dir, unsafe_no_pad=True, voice=True) as service,
        over_http(service, free_port()) as reached,
    ):
        there = shown_to(reached, "there")
    assert here == there
    by_species = {(each.subject, each.species): each for each in here}
    assert by_species["george", None].accepted
    assert not any(each.accepted for each in here if each.species is not None)
    assert not by_species["nobody", "stranger"].enrolled
    assert report["voice"]["engine"] == "ge2e_onnx"
    assert (report["species"]["heard"]["iapar_trials"], report["bona_fide"]["rejected_errors"]) == (1, 0)


def test_a_run_that_is_killed_goes_on_and_reports_the_same(
    here: InProcess, whole: Mapping[str, Any], place: Path, corpus: Corpus, model_dir: Path, tmp_path: Path
) -> None:
    words = ["lab", "attack", "--sample", place / "corpus", "--enrolled", place / "enrolled"]
    words += ["--keep", tmp_path / "killed", "--model-dir", model_dir, "--unsafe-no-pad", "--at-once", "1"]
    child = [sys.executable, "-c", _CHILD.format(after=KILLED_AFTER), *map(str, words)]
    done = subprocess.run(child, env=environment(), capture_output=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert len((tmp_path / "killed").read_text().splitlines()) == 1 + KILLED_AFTER
    assert reported(here, place, corpus, tmp_path / "killed") == whole


def test_with_liveness_a_photograph_passes_for_nobody(
    place: Path, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "GESTURE_S", 0.0)
    _linked(tmp_path / "one/obama/photograph", sorted((place / "enrolled/obama").iterdir())[:1])
    words = ["lab", "attack", "--sample", tmp_path / "one", "--enrolled", place / "enrolled"]
    words += ["--keep", tmp_path / "kept", "--model-dir", model_dir, "--out", tmp_path / "out", "--json"]
    done = CliRunner().invoke(main, [*map(str, words), "--max-iapar", "0.07"])
    found = json.loads(done.stdout)
    assert found == {**json.loads((tmp_path / "out").read_text())}
    assert (found["species"]["photograph"]["iapar_errors"], done.exit_code) == (0, 1)
    assert "active" in found["face"]["liveness"] or found["face"]["gates"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "it needs --enrolled"),
        (("--service", "http://127.0.0.1:9"), "needs --api-key-file"),
        (("--service", "http://127.0.0.1:9", "--api-key-file", os.devnull, "--unsafe-no-pad"), "of its own"),
    ],
)
def test_what_a_service_needs_is_said_before_anything_is_shown(
    words: tuple[str, ...], said: str, place: Path, tmp_path: Path
) -> None:
    given = ["lab", "attack", "--sample", str(place / "corpus"), "--keep", str(tmp_path / "kept"), *words]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 2
    assert said in done.output
