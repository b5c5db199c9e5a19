"""The voice measurements measure: hums are told apart, copies are found, the asked digits are accepted and no others."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from PIL import Image

from authsvc.biometric.manifest import Manifest
from authsvc.errors import ModelUnusable
from authsvc.lab.intervals import clopper_pearson
from authsvc.lab.iso19795 import errors_at
from authsvc.lab.operating_points import DataSet
from authsvc.lab.prompt import measure_prompts
from authsvc.lab.replay import COPIES, measure_replays
from authsvc.lab.voice import Plan, measure_voices
from authsvc.lab.voice_calibration import calibrate_voices
from authsvc.lab.voice_commands import replay_command, voice_command
from authsvc.lab.voice_corpus import DigitRow, phrases, speakers
from authsvc.lab.voice_degradations import degradation
from authsvc.lab.voice_hearing import Row, hear
from authsvc.lab.voice_listening import Engine
from authsvc.lab.voice_pictures import draw_spectrogram
from authsvc.lab.voice_trials import MOST_PROBES, Probe, Template, make_templates, voice_trials
from authsvc.voice.acquisition import Ears
from authsvc.voice.audio import encode_wav, recording_of
from authsvc.voice.fingerprint import COPY
from authsvc.voice.prompt import Limits
from authsvc.voice.quality import Quality
from authsvc.voice.references import PARTS, Reference, Share
from authsvc.voice.service import VoiceService
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


def engine() -> Engine:
    return Engine(HumEncoder(), LoudDetector())


QUIET = Quality(3.0, 3.0, 50.0, 0.0, -20.0, -20.0)


def direction(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], dtype=np.float32)


def test_rates_are_those_that_one_counts():
    """Three people as directions: one's own phrases lie 10 degrees apart, and another person's 30 degrees away."""
    phrases = [[direction(30 * person + 10 * number) for number in range(3)] for person in range(3)]
    probes = [[Probe(vector, QUIET) for vector in own] for own in phrases]
    templates = [
        Template(person, Reference(own[0], own[0], own[0]), frozenset({0}))
        for person, own in enumerate(phrases)
    ]
    trials = voice_trials(probes, templates, 1, 2)
    assert (trials.genuine.size, trials.impostors(2).trials) == (6, 18)
    # From 15 degrees on nobody is alike: that refuses one's phrase at 20, and admits the neighbour's at 10.
    errors = errors_at(trials, float(np.cos(np.radians(15))))
    assert errors.false_non_matches.tolist() == [1, 1, 1]
    assert errors.false_matches.errors.sum() == 2
    assert list(zip(errors.false_matches.probe_of, errors.false_matches.template_of, strict=True)) == [
        (0, 1),
        (1, 2),
    ]
    two = voice_trials(probes, templates, 2, 2)
    # The mean of the phrases at 10 and 20 degrees.
    assert two.genuine == pytest.approx(np.cos(np.radians([15, 15, 15])), abs=1e-6)


def test_the_part_of_a_reference_that_is_met_follows_the_probe():
    noisy_room = replace(QUIET, snr=12.0)
    reference = Reference(direction(0), direction(90), direction(90))
    probes = [[Probe(direction(0), QUIET), Probe(direction(0), noisy_room)], [Probe(direction(5), QUIET)]]
    trials = voice_trials(probes, [Template(0, reference, frozenset())], 1, 2)
    assert trials.genuine == pytest.approx([1, 0], abs=1e-6)


def test_hundreds_of_recordings_of_one_person_count_for_a_few():
    probes = [[Probe(direction(number), QUIET) for number in range(200)], [Probe(direction(90), QUIET)]]
    trials = voice_trials(
        probes, [Template(0, Reference(direction(0), direction(0), direction(0)), frozenset())], 1, 2
    )
    assert trials.genuine.size == MOST_PROBES


def test_a_person_with_too_few_phrases_is_nobodys_template():
    share = Share(direction(0), direction(0), direction(0))
    assert [one.owner for one in make_templates([[share] * 3, [share] * 2, []], 2, 4)] == [0] * 4


def test_speakers_and_their_digits_are_read_from_the_names(corpus: Path):
    found = speakers(corpus)
    assert list(found) == ["hum360", "hum440", "hum520", "hum600"]
    assert {utterance.digits for utterance in found["hum360"]} == set(PROMPTS)


def test_a_table_of_transcripts_counts_more_than_names(corpus: Path, tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "123_x.wav").write_bytes(b"")
    (tmp_path / "manifest.tsv").write_text("set\tpath\tdigits\nx\ta/123_x.wav\t456789\n")
    assert speakers(tmp_path)["a"][0].digits == "456789"


def test_hums_are_told_apart_and_everything_is_counted(corpus: Path, hum_manifest: Manifest):
    figures: Any = measure_voices(
        corpus, hum_manifest, engine, Plan(phrases=3, draws=2, degradations=("telephone",))
    )
    assert (figures["speakers"], figures["speakers_enrolled"], figures["utterances"]) == (4, 3, 19)
    assert figures["refused_by_the_gates"]["unreadable"] == 1
    clean = figures["conditions"]["clean"]
    assert clean["one_phrase"]["genuine"] == 3 * 2 * 3
    assert clean["one_phrase"]["impostor"] == 3 * 2 * (6 + 6 + 1)
    assert clean["one_phrase"]["eer"] == 0
    # No error was seen, which is not to say that there is none.
    [point] = clean["one_phrase"]["operating_points"]
    assert (point["fnmr"]["errors"], point["fnmr"]["trials"], point["fnmr"]["interval"][0]) == (0, 18, 0)
    assert point["fnmr"]["interval"][1] == pytest.approx(clopper_pearson(0, 18)[1], rel=1e-4)
    assert clean["two_phrases"]["operating_points"][0]["fmr"]["value"] == 0
    assert clean["ask_again"][0]["fnmr"]["value"] == 0
    assert figures["conditions"]["telephone"]["one_phrase"]["eer"] < 0.1
    json.dumps(figures)


def test_every_part_of_a_reference_gets_points_of_its_own(corpus: Path, hum_manifest: Manifest):
    plan = Plan(phrases=3, draws=3, degradations=("telephone", "noise10"))
    data_set = DataSet("hums", "nobody", "2026-11-29")
    found = calibrate_voices(corpus, hum_manifest, engine, plan, "1 in 20", data_set)
    points = {(point.part, point.frames): point for point in found.points}
    # A hum has nothing under 230 Hz and over 4.2 kHz.
    assert {part for part, _ in points} == {"multi", "telephone"}
    for (_, frames), point in points.items():
        assert point.fmr_interval is not None
        assert point.fmr_interval[1] <= 0.05 + 1e-6 or point.threshold == 1
        assert (point.retry_from is None) == (frames == 2)
    assert {check.part for check in found.checked} <= set(PARTS)
    json.dumps(found.to_json())


def test_no_sitting_stands_on_both_sides_of_a_comparison():
    share = Share(direction(0), direction(0), direction(0))
    [template, other] = make_templates([[share] * 8], 3, 2, [["monday"] * 4 + ["tuesday"] * 4])
    assert (template.used, other.used) == (frozenset(range(4)), frozenset(range(4, 8)))


def test_a_row_of_single_digits_keeps_each_take_in_one_session(tmp_path: Path):
    for digit in "0123456789":
        for take in range(4):
            (tmp_path / "ann").mkdir(exist_ok=True)
            file = tmp_path / "ann" / f"{digit}_{take}.wav"
            file.write_bytes(encode_wav(say(digit, take=take)))
    rows = phrases(speakers(tmp_path)["ann"])
    takes: dict[str, set[Path]] = {}
    for row in rows:
        assert isinstance(row, DigitRow)
        takes.setdefault(row.session, set()).update(take.path for take in row.takes)
    one, other = takes.values()
    assert not one & other


def test_made_up_voices_are_counted_per_system_against_every_template(corpus: Path, hum_manifest: Manifest):
    figures: Any = measure_voices(corpus, hum_manifest, engine, Plan(phrases=3, draws=1, spoofs=corpus))
    assert list(figures["spoofs"]) == ["hum360", "hum440", "hum520", "hum600"]
    assert figures["spoofs"]["hum360"]["n"] == 3 * 6
    # One hum in three is the template's own; 0.6 is where another phrase is asked, 0.9 where one is enough.
    assert [limit["from"] for limit in figures["spoofs"]["hum360"]["accepted"]] == [0.6, 0.9]
    assert figures["spoofs"]["hum360"]["accepted"][1]["n"] == 6
    assert figures["spoofs"]["hum600"]["accepted"][1]["n"] == 0


def test_any_layout_of_folders_is_read(corpus: Path, tmp_path: Path, hum_manifest: Manifest):
    """Sessions within speakers, odd names, another wrapping, other containers, damaged, silent and very long files."""
    for number, person in enumerate(sorted(corpus.iterdir())[:3]):
        for session, file in enumerate(sorted(person.glob("*.wav"))):
            folder = tmp_path / "wrapped" / f"说话人 {number}" / f"session {session % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            sound, rate = soundfile.read(file, dtype="float32")
            kind = ("WAV", "FLAC", "OGG", "MP3")[session % 4]
            soundfile.write(folder / f"a b #{session}.{kind}", sound, rate, format=kind)
    odd = tmp_path / "wrapped" / "说话人 0" / "session 0"
    (odd / "damaged.flac").write_bytes(b"fLaC" + bytes(100))
    (odd / "empty.wav").write_bytes(b"")
    (odd / "notes.txt").write_text("no recording")
    (odd / "._a b #0.WAV").write_bytes(b"litter")
    soundfile.write(odd / "silent.wav", np.zeros(48000), 16000)
    soundfile.write(odd / "short.wav", np.zeros(100), 16000)
    soundfile.write(odd / "long.wav", np.tile(say(PROMPTS[0], 360), 40), 16000)
    figures: Any = measure_voices(tmp_path, hum_manifest, engine, Plan(phrases=3, draws=2))
    assert (figures["speakers"], figures["utterances"]) == (3, 19)
    assert figures["refused_by_the_gates"]["unreadable"] == 4
    assert figures["conditions"]["clean"]["one_phrase"]["eer"] == 0


def test_too_few_recordings_give_no_figures(corpus: Path, hum_manifest: Manifest):
    figures = measure_voices(corpus, hum_manifest, engine, Plan(phrases=6, draws=1))
    assert (figures["speakers_enrolled"], figures["conditions"]) == (0, {})


def test_the_asked_digits_are_accepted_and_no_others(corpus: Path):
    figures: Any = measure_prompts(
        corpus,
        Ears(LoudDetector(), ToneRecogniser()),
        Limits(score=-2.0, digit=-1.0),
        lambda speaker: Language.ENGLISH,
        degradations=("noise10",),
    )
    clean = figures["conditions"]["clean"]["en"]
    assert clean["right"]["accepted"] == clean["right"]["n"] == 19
    assert [clean[what]["accepted"] for what in ("random_other", "one_wrong", "two_swapped")] == [0] * 3
    assert clean["one_wrong"]["n"] == clean["one_more"]["n"] == 19
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
    assert json.loads(told.stdout)["copies"]["as_is"]["n"] == 19
    plain = CliRunner().invoke(replay_command, ["--dir", str(corpus)])
    assert "copies.as_is.n: 19" in plain.stdout.splitlines()
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
