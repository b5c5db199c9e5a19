"""What is put together of earlier recordings is found, also faster, slower, higher and through a line; honest repeats are not."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from authsvc.lab.voice_copies import at_speed, at_tempo, spliced, with_shorter_pauses
from authsvc.lab.voice_corpus import speakers, takes_of
from authsvc.lab.voice_degradations import degradation
from authsvc.voice.audio import encode_wav, recording_of
from authsvc.voice.engine import Samples
from authsvc.voice.excerpts import EXCERPT, SAME_TAKE, excerpted, repeated
from authsvc.voice.fingerprint import COPY, Fingerprint, Likeness, likeness, relief_of

EDITS: dict[str, Callable[[Samples], Samples]] = {
    "as it is": lambda samples: samples,
    "telephone": degradation("telephone"),
    "opus": degradation("opus16k"),
    **{f"tempo {by}": partial(at_tempo, factor=by) for by in (0.94, 0.97, 1.03, 1.06)},
    **{f"speed {by}": partial(at_speed, factor=by) for by in (0.94, 0.97, 1.03, 1.06)},
}
REMEMBERED = ("40291738", "38516274", "76049302", "18257469", "93605871")
PROMPTS = ("271846", "604395", "518273", "930467")

Say = Callable[[str, int], Samples]


def fingerprint(samples: Samples) -> Fingerprint:
    samples = np.asarray(samples, dtype=np.float32)
    return Fingerprint.of(encode_wav(samples), recording_of(samples, 16000))


@pytest.fixture(scope="module")
def say(voices_dir: Path) -> Say:
    """Digits of one person, each in the same take."""
    takes = takes_of(speakers(voices_dir / "digits")["george"])
    chance = np.random.default_rng(1)
    return lambda digits, take: spliced([takes[digit][take % len(takes[digit])] for digit in digits], chance)


@pytest.fixture(scope="module")
def remembered(say: Say) -> list[str]:
    """All ten digits in two takes."""
    return [fingerprint(say(digits, row // 2)).text() for row, digits in enumerate(REMEMBERED)]


@pytest.mark.parametrize("edit", EDITS)
def test_digits_cut_out_of_remembered_recordings_are_a_copy_however_they_are_played(
    say: Say, remembered: list[str], edit: str
):
    found = [
        likeness(fingerprint(EDITS[edit](say(digits, number % 2))), remembered).is_copy
        for number, digits in enumerate(PROMPTS)
    ]
    assert sum(found) >= 3  # of four: shown on all kinds by `authsvc lab replay --splice`


@pytest.mark.parametrize("edit", [*EDITS, "pauses"])
def test_a_whole_recording_is_a_copy_at_another_tempo_too(say: Say, edit: str):
    original = say("402917", 0)
    played = with_shorter_pauses(original) if edit == "pauses" else EDITS[edit](original)
    assert likeness(fingerprint(played), [fingerprint(original).text()]).is_copy


@pytest.mark.parametrize("digits", PROMPTS)
def test_other_takes_of_the_same_digits_are_no_copy(say: Say, remembered: list[str], digits: str):
    alike = likeness(fingerprint(say(digits, 5)), remembered)
    assert not alike.is_copy, alike


SPOILED = (degradation("noise25"), degradation("opus16k"), partial(at_tempo, factor=0.94))


@pytest.mark.parametrize("name", ["nicolas", "yweweler"])
def test_short_and_spoiled_digits_of_anybody_are_found_and_what_is_said_anew_is_not(
    voices_dir: Path, name: str
):
    takes, chance = takes_of(speakers(voices_dir / "digits")[name]), np.random.default_rng(5)
    digits = sorted(digit for digit, own in takes.items() if len(own) > 3)

    def say(count: int, which: Sequence[int]) -> Samples:
        pieces = [
            takes[digit][int(chance.choice([take for take in which if take < len(takes[digit])]))]
            for digit in chance.permutation(digits)[:count]
        ]
        return spliced(pieces, chance)

    remembered = [fingerprint(say(8, [row // 3])).text() for row in range(9)]
    cut = [likeness(fingerprint(edit(say(6, (0, 1, 2)))), remembered) for edit in SPOILED for _ in range(6)]
    honest = [likeness(fingerprint(say(6, (3, 4, 5))), remembered) for _ in range(12)]
    assert sum(alike.is_copy for alike in cut) >= 17, cut
    assert not any(alike.is_copy for alike in honest), honest


def test_a_take_that_stands_twice_in_one_recording_is_a_copy_and_two_takes_are_none(
    say: Say, voices_dir: Path
):
    takes = takes_of(speakers(voices_dir / "digits")["george"])
    chance = np.random.default_rng(2)
    others = [takes[digit][1] for digit in "4029"]
    twice = [takes["7"][0], *others, takes["7"][0]]
    anew = [takes["7"][0], *others, takes["7"][1]]
    assert likeness(fingerprint(spliced(twice, chance)), []).is_copy
    assert not likeness(fingerprint(spliced(anew, chance)), []).is_copy


@pytest.mark.parametrize("frames", [0, 1, 20, 39, 40, 41, 79, 80])
def test_short_recordings_are_judged_without_windows(frames: int):
    relief = np.random.default_rng(0).integers(-99, 99, (frames, 23)).astype(np.int8)
    assert excerpted(relief, []) == 0
    assert 0 <= excerpted(relief, [relief, relief[:10]]) <= 1
    assert 0 <= repeated(relief) < SAME_TAKE


def test_silence_is_like_nothing():
    quiet = relief_of(np.zeros(48000, dtype=np.float32))
    assert excerpted(quiet, [quiet]) < EXCERPT


@pytest.mark.parametrize(
    "alike",
    [Likeness(COPY, 0, 0), Likeness(0, EXCERPT, 0), Likeness(0, 0, SAME_TAKE)],
)
def test_each_of_three_likenesses_makes_a_copy(alike: Likeness):
    assert alike.is_copy
