"""Bytes into sound: what is accepted, what is refused, and that no header is believed."""

import io
import struct

import numpy as np
import pytest
import soundfile

from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.voice.audio import MAX_BYTES, decode, encode_wav, resampled, without_hum
from authsvc.voice.engine import SAMPLE_RATE
from tests.voice.sounds import say

SOUND = say("402917")


def packed(sound: np.ndarray, rate: int, container: str, subtype: str | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format=container, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("container", "subtype", "difference"),
    [
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "FLOAT", 1e-6),
        ("WAVEX", "PCM_24", 1e-6),
        ("FLAC", None, 1e-4),
        ("OGG", "VORBIS", 0.3),
        ("OGG", "OPUS", 0.3),
        ("MP3", None, 0.3),
    ],
)
def test_every_container_gives_the_same_sound(container: str, subtype: str | None, difference: float):
    recording = decode(packed(SOUND, SAMPLE_RATE, container, subtype))
    assert recording.samples.dtype == np.float32
    assert recording.seconds == pytest.approx(SOUND.size / SAMPLE_RATE, abs=0.15)
    if difference < 0.01:
        assert np.abs(recording.samples - without_hum(SOUND - SOUND.mean())).max() < difference
    else:
        assert abs(np.abs(recording.samples).max() - np.abs(SOUND).max()) < difference


@pytest.mark.parametrize(("codec", "alike"), [("ALAW", 0.99), ("ULAW", 0.99), ("GSM610", 0.97)])
def test_what_a_call_centre_records_is_read(codec: str, alike: float):
    narrow = resampled(SOUND, SAMPLE_RATE, 8000)
    heard = decode(packed(narrow, 8000, "WAV", codec)).samples
    sent = without_hum(resampled(narrow, 8000, SAMPLE_RATE))
    assert np.corrcoef(heard[: sent.size], sent[: heard.size])[0, 1] > alike


@pytest.mark.parametrize(
    ("left", "right"), [(1.0, -1.0), (1.0, -0.8), (-0.8, 1.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 1.0)]
)
def test_of_two_channels_the_voice_is_heard_also_where_they_cancel(left: float, right: float):
    channels = np.stack([left * SOUND, right * SOUND], axis=1)
    heard = decode(packed(channels, SAMPLE_RATE, "WAV")).samples
    assert np.sqrt((heard**2).mean()) > 0.4 * np.sqrt((SOUND**2).mean())


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_every_rate_becomes_sixteen_kilohertz(rate: int):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    samples = decode(packed(tone, rate, "WAV")).samples
    spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE], SAMPLE_RATE))
    assert abs(samples.size - SAMPLE_RATE) <= 2
    assert spectrum.argmax() == 440


def test_two_channels_are_mixed():
    left_only = np.stack([SOUND, np.zeros_like(SOUND)], axis=1)
    assert np.abs(decode(packed(left_only, SAMPLE_RATE, "WAV")).samples).max() == pytest.approx(
        np.abs(SOUND).max() / 2, abs=1e-3
    )


def test_a_constant_offset_is_taken_away():
    assert abs(decode(encode_wav((SOUND / 2 + 0.3).astype(np.float32))).samples.mean()) < 1e-4


def test_clipping_is_measured_and_a_whisper_is_not_clipped():
    assert decode(encode_wav((SOUND * 9).clip(-1, 1).astype(np.float32))).clipped > 0.2
    assert decode(encode_wav(SOUND)).clipped < 0.005
    assert decode(encode_wav((SOUND * 0.002).astype(np.float32))).clipped == 0.0


def test_the_digest_is_that_of_the_sound_and_not_of_the_file():
    whole = np.round(SOUND * 32767).astype(np.int16)
    wav, flac = (packed(whole, SAMPLE_RATE, container) for container in ("WAV", "FLAC"))
    assert (
        decode(wav).digest == decode(flac).digest != decode(encode_wav((SOUND / 2).astype(np.float32))).digest
    )


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnsupportedMedia),
        (b"RIFF", UnsupportedMedia),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), UnsupportedMedia),
        (b"\xff\xfe" + bytes(100), UnsupportedMedia),
        (b"FORM\x00\x00\x00\x00AIFF" + bytes(100), UnsupportedMedia),
        (bytes(MAX_BYTES + 1), PayloadTooLarge),
        (encode_wav(SOUND)[:44], InvalidRequest),
        (encode_wav(SOUND[:1]), InvalidRequest),
        (packed(SOUND, SAMPLE_RATE, "FLAC")[:60], InvalidRequest),
        (b"OggS" + bytes(300), InvalidRequest),
        (b"fLaC" + bytes(300), InvalidRequest),
        (b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(500), InvalidRequest),
        (packed(np.zeros((4000, 64)), 16000, "WAV"), UnsupportedMedia),
        (packed(np.zeros(4000), 4000, "WAV"), UnsupportedMedia),
        (packed(np.zeros(192000), 192000, "WAV"), UnsupportedMedia),
        (packed(np.zeros(16000), 16000, "WAV", "IMA_ADPCM"), UnsupportedMedia),
        (packed(np.full(16000, np.nan), 16000, "WAV", "FLOAT"), InvalidRequest),
        (packed(np.full(16000, np.inf), 16000, "WAV", "DOUBLE"), InvalidRequest),
        (packed(np.zeros(13 * 8000), 8000, "WAV"), PayloadTooLarge),
    ],
)
def test_what_is_no_recording_of_ours_is_refused(data: bytes, error: type[Exception]):
    with pytest.raises(error):
        decode(data)


def test_an_hour_of_silence_in_a_few_bytes_is_cut_short():
    bomb = packed(np.zeros(3600 * 8000, dtype=np.int16), 8000, "FLAC")
    assert len(bomb) < MAX_BYTES
    with pytest.raises(PayloadTooLarge):
        decode(bomb)


def test_a_header_that_claims_ten_hours_is_not_believed():
    honest = encode_wav(SOUND)
    claimed = honest[:40] + struct.pack("<I", 0x7FFFFFFF) + honest[44:]
    assert decode(claimed).seconds == pytest.approx(SOUND.size / SAMPLE_RATE, abs=0.01)


def test_numbers_beyond_full_scale_are_held_to_it():
    loud = packed(SOUND * 1e30, SAMPLE_RATE, "WAV", "FLOAT")
    assert np.abs(decode(loud).samples).max() <= 2


def test_what_needs_the_extra_says_what_to_send_without_it_says_what_to_send(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnsupportedMedia, match="send WAV"):
        decode(b"\x1aE\xdf\xa3" + bytes(100))


PHONES = [
    ("webm", "libopus", 48000),
    ("mp4", "aac", 48000),
    ("mov", "alac", 48000),
    ("3gp", "amr_nb", 8000),
    ("adts", "aac", 16000),
    ("caf", "pcm_s16le", 16000),
    ("amr", "amr_nb", 8000),
]


@pytest.mark.parametrize(("container", "codec", "rate"), PHONES)
def test_what_phones_and_browsers_record_is_opened_in_a_child(container: str, codec: str, rate: int):
    av = pytest.importorskip("av", reason="the extra `voice-av` is not installed")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        sound = resampled(SOUND, SAMPLE_RATE, rate)[None]
        frame = av.AudioFrame.from_ndarray(sound, format="flt", layout="mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            output.mux(packet)
    recording = decode(buffer.getvalue())
    assert recording.seconds == pytest.approx(SOUND.size / SAMPLE_RATE, abs=0.2)
    with pytest.raises(InvalidRequest):
        decode(buffer.getvalue()[:80])
