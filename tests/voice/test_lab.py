"""The voice measurements measure: hums are told apart, copies are found, the asked digits are accepted and no others."""

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from authsvc.errors import ModelUnusable
from authsvc.lab.prompt import measure_prompts
from authsvc.lab.replay import COPIES, measure_replays
from authsvc.lab.voice import Engine, Plan, measure_voices
from authsvc.lab.voice_commands import replay_command, voice_command
from authsvc.lab.voice_corpus import speakers
from authsvc.lab.voice_degradations import degradation
from authsvc.lab.voice_pictures import draw_spectrogram
from authsvc.lab.voice_rates import (
    ScoreSet,
    equal_error_rate,
    false_match_rate,
    false_non_match_rate,
)
from authsvc.manifest import Manifest
from authsvc.voice.acquisition import Ears
from authsvc.voice.audio import encode_wav, recording_of
from authsvc.voice.speech import find_speech
from authsvc.voice.spoken_prompt import Language
from tests.voice.sounds import HumEncoder, LoudDetector, ToneRecogniser, say

PROMPTS = ("402917", "385162", "760493", "551834", "207731", "918246")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hums, six rows of digits each; one more person has but one recording, and one file is no recording."""
    folder = tmp_path_factory.mktemp("hums")
    for pitch, prompts in ((360, PROMPTS), (440, PROMPTS), (520, PROMPTS), (600, PROMPTS[:1])):
        person = folder / f"hum{pitch}"
        person.mkdir()
        for take, digits in enumerate(prompts):
            (person / f"{digits}_{take}.wav").write_bytes(encode_wav(say(digits, pitch, take=take)))
    (folder / "hum600" / "broken.wav").write_bytes(b"RIFF")
    return folder


@pytest.fixture
def engine(hum_manifest: Manifest) -> Engine:
    return Engine(hum_manifest, HumEncoder(), LoudDetector())


def score_set(*rows: tuple[float, int, int]) -> ScoreSet:
    table = np.array(rows)
    return ScoreSet(table[:, 0], table[:, 1].astype(int), table[:, 2].astype(int))


def test_rates_are_those_that_one_counts():
    scores = score_set(
        (0.9, 0, 0), (0.8, 1, 1), (0.4, 2, 2), (0.3, 0, 1), (0.5, 0, 2), (0.2, 1, 0), (0.1, 1, 2), (0.1, 2, 0), (0.1, 2, 1)
    )  # fmt: skip
    assert false_match_rate(scores, 0.5).value == pytest.approx(1 / 6)
    assert false_match_rate(scores, 0.5).worst == pytest.approx(1 / 2)
    assert false_non_match_rate(scores, 0.5).value == pytest.approx(1 / 3)
    assert false_non_match_rate(scores, 0.5).worst == 1.0
    assert 0 < equal_error_rate(scores)[0] <= 1 / 3


def test_an_interval_holds_its_rate_and_is_the_same_every_time():
    chance = np.random.default_rng(1)
    people = list(itertools.product(range(12), repeat=2))
    scores = score_set(
        *((chance.normal(0.8 if one == other else 0.5, 0.12), one, other) for one, other in people * 3)
    )
    eer, (low, high) = equal_error_rate(scores)
    assert 0 < low <= eer <= high < 0.5
    assert equal_error_rate(scores)[1] == (low, high)


def test_speakers_and_their_digits_are_read_from_the_names(corpus: Path):
    found = speakers(corpus)
    assert list(found) == ["hum360", "hum440", "hum520", "hum600"]
    assert {utterance.digits for utterance in found["hum360"]} == set(PROMPTS)


def test_a_table_of_transcripts_counts_more_than_names(corpus: Path, tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "123_x.wav").write_bytes(b"")
    (tmp_path / "manifest.tsv").write_text("set\tpath\tdigits\nx\ta/123_x.wav\t456789\n")
    assert speakers(tmp_path)["a"][0].digits == "456789"


def test_hums_are_told_apart_and_everything_is_counted(corpus: Path, engine: Engine):
    figures: Any = measure_voices(corpus, engine, Plan(phrases=3, draws=2, degradations=("telephone",)))
    assert (figures["speakers"], figures["speakers_enrolled"], figures["utterances"]) == (4, 3, 19)
    assert figures["refused_by_the_gates"]["unreadable"] == 1
    clean = figures["conditions"]["clean"]
    assert clean["one_phrase"]["genuine"] == 3 * 2 * 3
    assert clean["one_phrase"]["impostor"] == 3 * 2 * (6 + 6 + 1)
    assert clean["one_phrase"]["eer"] == 0
    assert clean["two_phrases"]["operating_points"][0]["fmr"]["value"] == 0
    assert clean["ask_again"][0]["fnmr"]["value"] == 0
    assert figures["conditions"]["telephone"]["one_phrase"]["eer"] < 0.1
    json.dumps(figures)


def test_made_up_voices_are_counted_per_system_against_every_template(corpus: Path, engine: Engine):
    figures: Any = measure_voices(corpus, engine, Plan(phrases=3, draws=1, spoofs=corpus))
    assert list(figures["spoofs"]) == ["hum360", "hum440", "hum520", "hum600"]
    assert figures["spoofs"]["hum360"]["n"] == 3 * 6
    # One hum in three is the template's own; 0.6 is where another phrase is asked, 0.9 where one is enough.
    assert [limit["from"] for limit in figures["spoofs"]["hum360"]["accepted"]] == [0.6, 0.9]
    assert figures["spoofs"]["hum360"]["accepted"][1]["n"] == 6
    assert figures["spoofs"]["hum600"]["accepted"][1]["n"] == 0


def test_too_few_recordings_give_no_figures(corpus: Path, engine: Engine):
    figures = measure_voices(corpus, engine, Plan(phrases=6, draws=1))
    assert (figures["speakers_enrolled"], figures["conditions"]) == (0, {})


def test_the_asked_digits_are_accepted_and_no_others(corpus: Path):
    figures: Any = measure_prompts(
        corpus,
        Ears(LoudDetector(), ToneRecogniser()),
        -2.0,
        lambda speaker: Language.ENGLISH,
        degradations=("noise10",),
    )
    clean = figures["conditions"]["clean"]["en"]
    assert clean["right"]["accepted"] == clean["right"]["n"] == 19
    assert clean["random_other"]["accepted"] == 0
    assert clean["random_other"]["upper_bound"] < 0.05
    assert "noise10" in figures["conditions"]
    json.dumps(figures)


def test_copies_are_found_and_other_recordings_are_not(corpus: Path):
    figures: Any = measure_replays(corpus)
    for name in COPIES:
        assert figures["copies"][name]["n"] == 19
    assert figures["copies"]["as_is"]["random_digits"] == 19
    assert figures["copies"]["telephone"]["random_digits"] == 19
    assert figures["false_alarms"]["other_recordings_of_the_speaker"]["random_digits"] == 0
    json.dumps(figures)


@pytest.mark.parametrize("name", ["clean", "telephone", "reverb", "clip", "noise5", "opus8k"])
def test_a_degraded_copy_is_as_long_as_its_original(name: str):
    sound = say("402917")
    assert degradation(name)(sound).shape == sound.shape


@pytest.mark.parametrize("name", ["", "noise", "opus", "autotune", "noise-3"])
def test_an_unknown_degradation_is_none(name: str):
    with pytest.raises(KeyError):
        degradation(name)


def test_the_commands_print_json_and_refuse_in_one_line(corpus: Path, tmp_path: Path):
    told = CliRunner().invoke(replay_command, ["--dir", str(corpus), "--json"])
    assert json.loads(told.output)["copies"]["as_is"]["n"] == 19
    plain = CliRunner().invoke(replay_command, ["--dir", str(corpus)])
    assert "copies.as_is.n: 19" in plain.output.splitlines()
    refused = CliRunner().invoke(voice_command, ["--dir", str(corpus), "--model-dir", str(tmp_path)])
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: weight file")


def test_a_spectrogram_is_as_long_as_its_recording(tmp_path: Path):
    pytest.importorskip("librosa", reason="the extra `voice-lab` is not installed")
    speech = find_speech(recording_of(say("402917"), 16000), LoudDetector())
    draw_spectrogram(speech, tmp_path / "digits.png")
    with Image.open(tmp_path / "digits.png") as picture:
        assert picture.width == 1 + speech.recording.samples.size // 160
        strip = np.asarray(picture)[-1]
    assert strip[:8].max() == 0
    assert (strip == 255).mean() > 0.5


def test_without_librosa_a_picture_names_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "librosa", None)
    speech = find_speech(recording_of(say("402917"), 16000), LoudDetector())
    with pytest.raises(ModelUnusable, match="voice-lab"):
        draw_spectrogram(speech, tmp_path / "digits.png")
