"""The synthetic voices: espeak-ng, flite and festival programs, each asked for one line at a time, and Kokoro's network.

No person's speech is used. The variants in HELD_OUT are never trained on, so that a test on them is a test.
"""

from __future__ import annotations

import io
import random
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from prompt_training import kokoro
from prompt_training.words import ENGLISH, IPA, IPA_BRITISH, MANDARIN, WORDS

SAMPLE_RATE = 8000

HELD_OUT = frozenset({
    "f1", "f2", "f3", "f4", "klatt", "klatt4", "linda", "m2", "m3", "m5", "m7", "Alicia", "Andy", "max", "steph",
})  # fmt: skip

_ACCENTS = (
    "en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc",
)  # fmt: skip
_VARIANTS = (
    "", "f5", "m1", "m4", "m6", "m8", "Andrea", "Annie", "Alex", "Denis", "Diogo", "Gene", "Henrique", "Hugo",
    "Jacky", "Lee", "Marco", "Mario", "Michael", "Mike", "adam", "anika", "antonio", "aunty", "belinda", "benjamin",
    "boris", "caleb", "david", "ed", "edward", "gustave", "iven", "john", "klatt2", "klatt3", "klatt6", "marcelo",
    "michel", "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph2",
    "travis", "victor", "whisperf", "zac",
)  # fmt: skip
_FLITE = ("kal16", "awb", "rms", "slt")
_FESTIVAL = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts")

# Festival's voices of other languages, and the spelling that each reads.
_FESTIVAL_ABROAD = {
    "lp_diphone": "it", "pc_diphone": "it", "czech_dita": "cs", "czech_krb": "cs", "czech_machac": "cs",
    "czech_ph": "cs", "suo_fi_lj_diphone": "fi", "hy_fi_mv_diphone": "fi",
    "msu_ru_nsh_clunits": "ru",
}  # fmt: skip

_NATIVE = ("en", IPA, IPA_BRITISH)
"""English as it is spelled, for programs that read it or phonemes."""

# Kokoro's voices: the first letter is the language (a and b English, z Mandarin), the second f or m.
_KOKORO_ENGLISH = (
    "af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole", "af_river", "af_sarah", "af_sky",
    "am_adam", "am_echo", "am_eric", "am_fenrir", "am_liam", "am_michael", "am_onyx", "am_santa", "bf_alice", "bf_emma",
    "bf_lily", "bm_daniel", "bm_fable", "bm_george",
)  # fmt: skip
_KOKORO_MANDARIN = ("zf_xiaobei", "zf_xiaoxiao", "zf_xiaoyi", "zm_yunjian", "zm_yunxi", "zm_yunxia")
_KOKORO_ABROAD = (
    "ef_dora", "em_alex", "em_santa", "ff_siwis", "hf_alpha", "hf_beta", "hm_omega", "if_sara", "im_nicola", "jf_alpha",
    "jf_gongitsune", "jf_nezumi", "jm_kumo", "pf_dora", "pm_alex", "pm_santa",
)  # fmt: skip
_KOKORO_HELD_OUT = ("af_nova", "am_puck", "bf_isabella", "bm_lewis", "hm_psi", "jf_tebukuro")
_KOKORO_MANDARIN_HELD_OUT = ("zf_xiaoni", "zm_yunyang")

Sound = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Voice:
    """One synthetic speaker: a program, its voice, and how high and fast it speaks (in the program's own units)."""

    program: str
    name: str
    language: str
    spelling: str
    pitch: float
    speed: float

    def say(self, lines: Sequence[str]) -> list[Sound]:
        """Each line as int16 at 8 kHz."""
        speak = {"espeak-ng": _espeak, "flite": _flite, "festival": _festival, "kokoro": _kokoro}[
            self.program
        ]
        return [_at_8_khz(*sound) for sound in speak(self, lines)]


def training_voices(chance: random.Random) -> Iterator[Voice]:
    """Every voice that is trained on; espeak-ng never fails, so what sounds like its plain voice is dropped."""
    for language, flite, festival, abroad in ((ENGLISH, 6, 5, 3), (MANDARIN, 5, 4, 2)):
        for name in _FLITE * flite:
            yield Voice("flite", name, language, "en", chance.uniform(80, 220), chance.uniform(0.75, 1.35))
        for name in _FESTIVAL * festival:
            yield Voice("festival", name, language, "en", 0, chance.uniform(0.75, 1.35))
        for name, spelling in list(_FESTIVAL_ABROAD.items()) * abroad:
            yield Voice("festival", name, language, spelling, 0, chance.uniform(0.75, 1.35))
    yield from _espeak_voices(dict.fromkeys(_ACCENTS, "en"), ENGLISH, 130, chance)
    abroad_too = {spelling: spelling for spelling in WORDS[ENGLISH] if spelling not in _NATIVE}
    yield from _espeak_voices(abroad_too, ENGLISH, 100, chance)
    yield from _espeak_voices({"cmn-latn-pinyin": "cmn-latn-pinyin"}, MANDARIN, 180, chance)
    throats = _KOKORO_ENGLISH + _KOKORO_ABROAD + _KOKORO_MANDARIN
    yield from _kokoro_voices(MANDARIN, _KOKORO_MANDARIN, throats, 120, chance)
    yield from _kokoro_voices(ENGLISH, _KOKORO_ENGLISH, throats, 50, chance)
    yield from _kokoro_voices(ENGLISH, _KOKORO_ABROAD + _KOKORO_MANDARIN, throats, 30, chance)


def held_out_voices(chance: random.Random) -> Iterator[Voice]:
    """Voices that are never trained on, to compare networks and to choose limits by."""
    variants = sorted(HELD_OUT)
    yield from _espeak_voices(dict.fromkeys(_ACCENTS, "en"), ENGLISH, 24, chance, variants)
    yield from _espeak_voices({"cmn-latn-pinyin": "cmn-latn-pinyin"}, MANDARIN, 24, chance, variants)
    throats = _KOKORO_HELD_OUT + _KOKORO_MANDARIN_HELD_OUT
    yield from _kokoro_voices(MANDARIN, _KOKORO_MANDARIN_HELD_OUT, throats, 10, chance)
    yield from _kokoro_voices(ENGLISH, _KOKORO_HELD_OUT, throats, 8, chance)


def _kokoro_voices(
    language: str, melodies: Sequence[str], throats: Sequence[str], count: int, chance: random.Random
) -> Iterator[Voice]:
    """Every melody's own voice first, then the sounds of two throats of the same sex with a melody."""
    for number in range(count):
        name = melody = melodies[number % len(melodies)]
        spelling = IPA_BRITISH if language == ENGLISH and melody.startswith("b") else IPA
        if number >= len(melodies):
            alike = [throat for throat in throats if throat[1] == melody[1]]
            name = f"{chance.choice(alike)}*{chance.uniform(0.5, 1):.2f}+{chance.choice(alike)}:{melody}"
        yield Voice("kokoro", name, language, spelling, 0, chance.uniform(0.9, 1.35))


def _espeak_voices(
    accents: Mapping[str, str],
    language: str,
    count: int,
    chance: random.Random,
    variants: Sequence[str] = _VARIANTS,
) -> Iterator[Voice]:
    """`accents`: espeak-ng's language to the spelling that it reads."""
    usable = {}
    for accent, spelling in accents.items():
        line = WORDS[language][spelling].digits[5]
        for name in (f"{accent}+{variant}".rstrip("+") for variant in variants):
            (sound,) = _espeak(Voice("espeak-ng", name, language, spelling, 50, 150), [line])
            usable.setdefault(sound[0].tobytes(), (name, spelling))
    names = sorted(usable.values())
    for _ in range(count):
        name, spelling = chance.choice(names)
        yield Voice("espeak-ng", name, language, spelling, chance.uniform(20, 80), chance.uniform(105, 195))


def _espeak(voice: Voice, lines: Sequence[str]) -> list[tuple[NDArray[np.float32], int]]:
    options = ["-v", voice.name, "-p", str(round(voice.pitch)), "-s", str(round(voice.speed)), "--stdout"]
    return [_read(_output(["espeak-ng", *options, line])) for line in lines]


def _flite(voice: Voice, lines: Sequence[str]) -> list[tuple[NDArray[np.float32], int]]:
    settings = ("--setf", f"duration_stretch={voice.speed}", "--setf", f"int_f0_target_mean={voice.pitch}")
    sounds = []
    with tempfile.TemporaryDirectory() as folder:
        for line in lines:
            file = Path(folder) / "line.wav"
            _output(["flite", "-voice", voice.name, *settings, "-t", line, "-o", str(file)])
            sounds.append(_read(file.read_bytes()))
    return sounds


def _festival(voice: Voice, lines: Sequence[str]) -> list[tuple[NDArray[np.float32], int]]:
    """All lines in one run, because every start loads the voice anew."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.wav" for number in range(len(lines))]
        settings = [f"(voice_{voice.name})", f"(Parameter.set 'Duration_Stretch {voice.speed:.2f})"]
        says = [
            f'(set! u (SynthText "{line}")) (utt.save.wave u "{file}" \'riff)'
            for line, file in zip(lines, files, strict=True)
        ]
        script = Path(folder) / "say.scm"
        define = "(define (SynthText text) (utt.synth (eval (list 'Utterance 'Text text))))"
        script.write_text("\n".join([define, *settings, *says]), encoding="utf-8")
        _output(["festival", "-b", str(script)])
        return [_read(file.read_bytes()) for file in files]


def _kokoro(voice: Voice, lines: Sequence[str]) -> list[tuple[NDArray[np.float32], int]]:
    return [(kokoro.say(voice.name, voice.speed, line), kokoro.RATE) for line in lines]


def _output(command: list[str]) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=300).stdout


def _read(data: bytes) -> tuple[NDArray[np.float32], int]:
    # A program that writes to a pipe cannot know the length that it states in the header.
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return samples, rate


def _at_8_khz(samples: NDArray[np.float32], rate: int) -> Sound:
    resampled = soxr.resample(samples, rate, SAMPLE_RATE)
    loud = np.flatnonzero(np.abs(resampled) > 0.01 * np.abs(resampled).max())
    trimmed = resampled[loud[0] : loud[-1] + 1] if loud.size else resampled
    return np.round(np.clip(trimmed, -1, 1) * 32767).astype(np.int16)
