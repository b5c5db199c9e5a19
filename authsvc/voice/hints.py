"""Why a recording could not be judged, as stable codes, and the sentence that tells the person what to do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

_UPPER_DB, _LOWER_DB = -45, -20


def is_telephone(upper_band: float, lower_band: float) -> bool:
    """Whether nothing but a telephone's band was recorded: old codecs and 8 kHz lose the upper band alone, a line both."""
    return upper_band < _UPPER_DB and lower_band < _LOWER_DB


class Hint(StrEnum):
    NO_SPEECH = "no_speech"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_QUIET = "too_quiet"
    TOO_NOISY = "too_noisy"
    CLIPPED = "clipped"
    NARROWBAND = "narrowband"
    INCONSISTENT = "inconsistent"
    SAME_RECORDING = "same_recording"
    SPEAK_ALL_DIGITS = "speak_all_digits"
    READ_AS_SHOWN = "read_as_shown"
    TOO_FAST = "too_fast"
    OTHER_FORMAT = "other_format"
    SAY_ANOTHER = "say_another"


_SENTENCES: Mapping[str, Mapping[Hint, str]] = {
    "en": {
        Hint.NO_SPEECH: "No speech was heard. Check the microphone and read the digits aloud.",
        Hint.TOO_SHORT: "Too little speech was heard. Read every digit, slowly and clearly.",
        Hint.TOO_LONG: "The recording is too long. Begin, read the digits once, and stop.",
        Hint.TOO_QUIET: "Your voice is too quiet. Hold the phone closer or speak up.",
        Hint.TOO_NOISY: "There is too much noise. Go somewhere quieter, or hold the phone closer.",
        Hint.CLIPPED: "The recording is distorted. Hold the phone a little further away.",
        Hint.NARROWBAND: "The sound is that of a telephone line. Use the phone's own microphone, not a headset or a call.",
        Hint.INCONSISTENT: "The recordings do not seem to be of one and the same voice. Please record again, in the same place.",
        Hint.SAME_RECORDING: "The same recording was sent more than once. Please read each row of digits yourself.",
        Hint.SPEAK_ALL_DIGITS: "Not every digit was heard. Read all of them, in order, in the language that is shown.",
        Hint.READ_AS_SHOWN: "The digits were read in another language. Read them one by one, in the language that is shown.",
        Hint.OTHER_FORMAT: "This kind of recording cannot be opened here. Please record with the button on this page.",
        Hint.TOO_FAST: "That was too fast. Read the digits one by one.",
        Hint.SAY_ANOTHER: "One more time, please: read the new row of digits.",
    },
    "zh": {
        Hint.NO_SPEECH: "没有听到声音，请检查麦克风后大声读出数字。",
        Hint.TOO_SHORT: "录音太短，请清晰地读出每个数字。",
        Hint.TOO_LONG: "录音太长，请读完数字后立即停止。",
        Hint.TOO_QUIET: "声音太小，请靠近些或大声些。",
        Hint.TOO_NOISY: "环境嘈杂，请换到安静处，或靠近些。",
        Hint.CLIPPED: "录音失真，请离远些。",
        Hint.NARROWBAND: "音质不足，请直接使用手机麦克风，不要使用耳机或在通话中录音。",
        Hint.INCONSISTENT: "几段录音可能不是同一人，请在同一地点重新录音。",
        Hint.SAME_RECORDING: "同一段录音重复提交，请亲自读出每组数字。",
        Hint.SPEAK_ALL_DIGITS: "数字未读全，请按页面语言依次读出全部数字。",
        Hint.READ_AS_SHOWN: "请按页面语言逐个读出数字。",
        Hint.OTHER_FORMAT: "录音格式不支持，请使用本页面的按钮录音。",
        Hint.TOO_FAST: "读得太快，请逐个读出数字。",
        Hint.SAY_ANOTHER: "请再读一组数字。",
    },
}


def sentence(code: str, locale: str) -> str:
    """What to tell the person, in Chinese for any `zh` locale and in English otherwise; KeyError for an unknown code."""
    if code not in set(Hint):
        raise KeyError(f"no sentence for hint `{code}`")
    return _SENTENCES["zh" if locale.lower().startswith("zh") else "en"][Hint(code)]
