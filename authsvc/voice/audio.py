"""Uploaded bytes into sound: mono, 16 kHz; the only file of the room that knows soundfile and soxr.

Hostile until shown otherwise: the first bytes decide what is opened and not the name that the client gives it, the header's
own length is never believed, and reading stops at the limit however much more there is.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.voice.container import Container, TooLong, container_of, is_left_to_av
from authsvc.voice.engine import SAMPLE_RATE, Samples

MAX_BYTES = 6 * 1024 * 1024
MAX_SECONDS = 12.0
MIN_SECONDS = 0.2

_HUM_MARGIN = SAMPLE_RATE // 4
_RATES = range(8000, 96001)
_CHANNELS = (1, 2)
# What somebody's own files may have, which no stranger has sent.
_RATES_OF_FILES, _MOST_CHANNELS = range(4000, 192001), 8
# What each container may hold: the codecs inside of WAV are many, old, and seldom tested.
_FORMATS: Mapping[Container, tuple[frozenset[str], frozenset[str]]] = {
    Container.WAV: (
        frozenset({"WAV", "WAVEX"}),
        frozenset({"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW", "GSM610"}),
    ),
    Container.FLAC: (frozenset({"FLAC"}), frozenset({"PCM_S8", "PCM_16", "PCM_24"})),
    Container.OGG: (frozenset({"OGG"}), frozenset({"VORBIS", "OPUS"})),
    Container.MP3: (frozenset({"MP3"}), frozenset({"MPEG_LAYER_III"})),
}


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Sound as everything here wants it, without a constant offset and without hum.

    `clipped` is the share of samples within 1.5 % of the loudest before resampling, 0 for a recording that stays quiet;
    `digest` is the SHA-256 of the decoded samples as 16 bit.
    """

    samples: Samples
    clipped: float
    digest: str

    @property
    def seconds(self) -> float:
        return self.samples.size / SAMPLE_RATE


def decode(data: bytes) -> Recording:
    """A recording of WAV, FLAC, OGG (Vorbis, Opus) or MP3; of what phones record where the extra `voice-av` is installed.

    Raises PayloadTooLarge (bytes or seconds), UnsupportedMedia (another format, codec, rate or number of channels) or
    InvalidRequest (damaged, empty, or with numbers that are not finite).
    """
    if len(data) > MAX_BYTES:
        raise PayloadTooLarge(f"a recording of {len(data)} bytes, and {MAX_BYTES} are accepted")
    container = container_of(data)
    if is_left_to_av(data):
        from authsvc.voice.av_engine import decode_apart

        return recording_of(decode_apart(data, MAX_SECONDS), SAMPLE_RATE)
    return recording_of(*_read(data, container))


def beginning(path: Path) -> Recording:
    """The first twelve seconds of one's own file, however long, in whatever libsndfile opens; for measurements alone.

    Raises UnsupportedMedia or InvalidRequest for what is no recording.
    """
    with path.open("rb") as file:
        first = file.read(12)
    if is_left_to_av(first):
        from authsvc.voice.av_engine import decode_apart

        samples, rate = decode_apart(path.read_bytes(), MAX_SECONDS), SAMPLE_RATE
    else:
        samples, rate = _opened(path)
    return recording_of(samples[: int(MAX_SECONDS * rate)], rate)


def recording_of(samples: Samples, rate: int) -> Recording:
    """A recording of mono samples at any accepted rate; raises as `decode` does for what is in them."""
    if samples.size > MAX_SECONDS * rate:
        raise TooLong(f"a recording is at most {MAX_SECONDS:.0f} seconds long")
    if samples.size < MIN_SECONDS * rate:
        raise InvalidRequest("the recording is empty or ends too early")
    if not np.isfinite(samples).all():
        raise InvalidRequest("the recording holds numbers that are not finite")
    limited = np.clip(samples, -1.0, 1.0)
    centred = limited - limited.mean()
    sound = resampled(centred, rate, SAMPLE_RATE)
    whole = np.round(np.clip(sound, -1, 1) * 32767).astype("<i2")
    return Recording(without_hum(sound), _clipped(limited), hashlib.sha256(whole.tobytes()).hexdigest())


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound at another rate, float32."""
    return samples if rate == wanted else soxr.resample(samples, rate, wanted, quality="HQ")


def without_hum(samples: Samples) -> Samples:
    """16 kHz sound without what lies under 70 Hz, where mains and handling are and no voice is."""
    size = 1 << (samples.size + _HUM_MARGIN).bit_length()
    spectrum = np.fft.rfft(samples, size)
    hertz = np.arange(spectrum.size) * (SAMPLE_RATE / size)
    # An edge of 10 Hz: a wall would ring.
    kept = np.fft.irfft(spectrum * np.clip((hertz - 65) / 10, 0, 1), size)[: samples.size]
    return np.asarray(kept, dtype=np.float32)


def encode_wav(samples: Samples, rate: int = SAMPLE_RATE) -> bytes:
    """Mono samples as a 16-bit WAV, for tests, drills and measurements."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def encode_opus(samples: Samples, bits_per_second: int) -> bytes:
    """Mono samples at 16 kHz as Opus in OGG, between 6 and 256 kbit/s, for drills and measurements."""
    # libsndfile takes a level from 0 to 1 and spreads it evenly over these rates.
    level = 1 - (bits_per_second - 6000) / (256000 - 6000)
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        np.clip(samples, -1, 1),
        SAMPLE_RATE,
        format="OGG",
        subtype="OPUS",
        compression_level=min(max(level, 0.0), 1.0),
    )
    return buffer.getvalue()


def _read(data: bytes, container: Container) -> tuple[Samples, int]:
    formats, codecs = _FORMATS[container]
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format not in formats or file.subtype not in codecs:
                raise UnsupportedMedia(f"a `{file.subtype}` recording in `{file.format}` is not accepted")
            if file.channels not in _CHANNELS or file.samplerate not in _RATES:
                raise UnsupportedMedia(
                    f"{file.channels} channels at {file.samplerate} Hz: send one or two, at 8 to 96 kHz"
                )
            # One more than is accepted, so that a longer one is told from one that just fits.
            frames = file.read(int(MAX_SECONDS * file.samplerate) + 1, dtype="float32", always_2d=True)
            return _mono(frames), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, OSError, ValueError, OverflowError) as error:
        raise InvalidRequest("the recording is damaged or ends too early") from error


def _mono(frames: Samples) -> Samples:
    """The mean of the channels; the loudest alone where they cancel, as when one is inverted."""
    mean = frames.mean(axis=1)
    powers = (frames.astype(np.float64) ** 2).sum(axis=0)
    if float((mean.astype(np.float64) ** 2).sum()) >= powers.max() / 8:
        return np.asarray(mean)
    return np.ascontiguousarray(frames[:, int(powers.argmax())])


def _opened(path: Path) -> tuple[Samples, int]:
    try:
        with soundfile.SoundFile(path) as file:
            if file.channels > _MOST_CHANNELS or file.samplerate not in _RATES_OF_FILES:
                raise UnsupportedMedia(f"{file.channels} channels at {file.samplerate} Hz")
            frames = file.read(int(MAX_SECONDS * file.samplerate), dtype="float32", always_2d=True)
            return _mono(frames), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, OSError, ValueError, OverflowError) as error:
        raise InvalidRequest("the recording is damaged or ends too early") from error


def _clipped(samples: Samples) -> float:
    peak = float(np.abs(samples).max())
    # A voice that is loud enough to be cut off comes close to full scale, or was turned down after it was cut.
    return 0.0 if peak < 0.01 else float((np.abs(samples) > 0.985 * peak).mean())
