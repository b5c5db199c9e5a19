"""Why a capture could not be judged, as stable codes, and the sentence that tells the person what to do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Hint(StrEnum):
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    TOO_CLOSE = "too_close"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    TURNED = "turned"
    ROLLED = "rolled"
    PARTIAL = "partial"
    COVERED = "covered"
    MORE_FRAMES = "more_frames"
    INCONSISTENT = "inconsistent"
    NOT_LIVE = "not_live"
    OTHER_FORMAT = "other_format"
    TOO_MANY_PIXELS = "too_many_pixels"


_SENTENCES: Mapping[str, Mapping[Hint, str]] = {
    "en": {
        Hint.NO_FACE: "No face was found. Look straight at the camera.",
        Hint.SEVERAL_FACES: "More than one face is in the picture. Please be alone in front of the camera.",
        Hint.TOO_SMALL: "Your face is too small in the picture. Come closer.",
        Hint.TOO_CLOSE: "The camera is too close. Move back until your head and shoulders are in the picture.",
        Hint.TOO_DARK: "It is too dark. Turn towards a light.",
        Hint.TOO_BRIGHT: "It is too bright. Turn away from the light.",
        Hint.BLURRED: "The picture is blurred. Hold still, and wipe the lens if need be.",
        Hint.TURNED: "Your head is turned. Look straight at the camera.",
        Hint.ROLLED: "Your head is tilted. Hold your head and the phone upright.",
        Hint.PARTIAL: "Part of your face is outside the picture. Move it to the middle.",
        Hint.COVERED: "Part of your face is covered. Take off mask, sunglasses or cap, and your hand away.",
        Hint.MORE_FRAMES: "There were too few good pictures. Please record again.",
        Hint.INCONSISTENT: "The pictures do not seem to show one and the same person. Please record again.",
        Hint.NOT_LIVE: "We could not make sure that you are there in person. Record again and make each movement as shown.",
        Hint.OTHER_FORMAT: "This kind of picture cannot be read. Take it with the camera on this page, or save it as JPEG.",
        Hint.TOO_MANY_PIXELS: "This picture has too many pixels. Take it with the camera on this page, or save it smaller.",
    },
    "zh": {
        Hint.NO_FACE: "没有找到人脸，请正对镜头。",
        Hint.SEVERAL_FACES: "画面中不止一张脸，请一个人面对镜头。",
        Hint.TOO_SMALL: "脸在画面中太小，请靠近一些。",
        Hint.TOO_CLOSE: "镜头太近，请后退一些，让头和肩膀都在画面中。",
        Hint.TOO_DARK: "光线太暗，请面向光源。",
        Hint.TOO_BRIGHT: "光线太强，请避开强光。",
        Hint.BLURRED: "画面模糊，请保持不动，必要时擦一擦镜头。",
        Hint.TURNED: "头转向了一侧，请正对镜头。",
        Hint.ROLLED: "头歪了，请把头和手机都摆正。",
        Hint.PARTIAL: "脸有一部分在画面外，请移到画面中间。",
        Hint.COVERED: "脸被遮住了一部分，请摘下口罩、墨镜或帽子，并把手移开。",
        Hint.MORE_FRAMES: "清晰的画面太少，请重新拍摄。",
        Hint.INCONSISTENT: "各个画面似乎不是同一个人，请重新拍摄。",
        Hint.NOT_LIVE: "无法确认是您本人在镜头前，请重新拍摄，并按提示慢慢做每一个动作。",
        Hint.OTHER_FORMAT: "无法读取这种格式的图片，请用本页面的相机拍摄，或另存为 JPEG 格式。",
        Hint.TOO_MANY_PIXELS: "图片的像素太多，请用本页面的相机拍摄，或缩小后再发送。",
    },
}


def sentence(code: str, locale: str) -> str:
    """What to tell the person, in Chinese for any `zh` locale and in English otherwise; KeyError for an unknown code."""
    if code not in set(Hint):
        raise KeyError(f"no sentence for hint `{code}`")
    return _SENTENCES["zh" if locale.lower().startswith("zh") else "en"][Hint(code)]
