"""What an attacker does to a voice before it is sent: recordings cut up for the digits that are asked, or a voice made anew.

Layers may be put on each other, as those of faces.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from authsvc.errors import AuthsvcError, InvalidRequest
from authsvc.lab.layers import OTHER_NONCE, Layer
from authsvc.lab.voice_copies import at_speed, spliced
from authsvc.lab.voice_corpus import takes_of, utterances_in
from authsvc.lab.voice_degradations import degradation
from authsvc.voice.audio import MAX_SECONDS, beginning, encode_wav
from authsvc.voice.engine import SAMPLE_RATE, Samples

_FRAME, _HOP, _BANDS = 1024, 256, 80


@dataclass(frozen=True, slots=True)
class Speech:
    """What somebody has of a voice, and the digits that are asked.

    `recordings` are played one after the other; `takes` are single digits, where the recordings are such.
    """

    recordings: tuple[Samples, ...]
    takes: Mapping[str, Sequence[Samples]]
    digits: str = ""

    def wav(self) -> bytes:
        whole = np.concatenate(self.recordings) if self.recordings else np.zeros(0, dtype=np.float32)
        return encode_wav(whole[: int(MAX_SECONDS * SAMPLE_RATE)])


def speech_of(path: Path) -> Speech:
    """A recording, or those of a folder that can be read; raises InvalidRequest, which names the file, where none can."""
    if path.is_dir():
        own = utterances_in(path)
        loaded = (each.load() for each in own)
        return Speech(tuple(each.samples for each in loaded if each is not None), takes_of(own))
    try:
        return Speech((beginning(path).samples,), {})
    except AuthsvcError as error:
        raise InvalidRequest(f"`{path.name}`: {error.detail}") from error


def _pasted(speech: Speech) -> Speech:
    missing = sorted(set(speech.digits) - set(speech.takes))
    if missing:
        raise InvalidRequest(
            f"no recording of the digit {missing[0]} alone: `cut-and-paste` needs a folder of single digits"
        )
    chance = _chance(speech)
    # A take that stands twice in a row would be known by that: who has others uses them.
    turns = {digit: itertools.cycle(chance.permutation(len(takes))) for digit, takes in speech.takes.items()}
    pieces = [speech.takes[digit][next(turns[digit])] for digit in speech.digits]
    return replace(speech, recordings=(spliced(pieces, chance),))


def _each(change: Callable[[Samples], Samples]) -> Callable[[Speech], Speech]:
    return lambda speech: replace(speech, recordings=tuple(map(change, speech.recordings)))


def synthesised(samples: Samples) -> Samples:
    """Spoken by a machine: of the recording only what a vocoder is given is kept, 80 mel bands, and its phases are made up.

    Griffin and Lim's algorithm (1984), librosa's. Raises InvalidRequest where the extra `voice-lab` is not installed.
    """
    try:
        import librosa
    except ModuleNotFoundError as error:
        raise InvalidRequest("`synthetic` needs librosa: install the extra `voice-lab`") from error
    bands = librosa.feature.melspectrogram(
        y=samples, sr=SAMPLE_RATE, n_fft=_FRAME, hop_length=_HOP, n_mels=_BANDS
    )
    magnitudes = librosa.feature.inverse.mel_to_stft(bands, sr=SAMPLE_RATE, n_fft=_FRAME)
    made = librosa.griffinlim(magnitudes, hop_length=_HOP, length=samples.size, init=None)
    return np.asarray(made, dtype=np.float32)


def _chance(speech: Speech) -> np.random.Generator:
    """The same row of digits is put together in the same way."""
    return np.random.default_rng(zlib.crc32(speech.digits.encode()))


VOICE_LAYERS: Mapping[str, Layer[Speech]] = {
    each.name: each
    for each in (
        Layer("cut-and-paste", "single digits joined to the row that is asked", _pasted),
        Layer("synthetic", "a voice that a vocoder makes of the bands of this one", _each(synthesised)),
        Layer("telephone", "through a telephone", _each(degradation("telephone"))),
        Layer("loudspeaker", "from a loudspeaker in a room", _each(degradation("reverb"))),
        Layer("faster", "played 3 % faster, and higher", _each(lambda sound: at_speed(sound, 1.03))),
        Layer(OTHER_NONCE, "spoken for another challenge, and sent with its nonce", lambda speech: speech),
    )
}
