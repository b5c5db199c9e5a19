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


_PAIRS = ((Hint.TOO_SMALL, Hint.TOO_CLOSE), (Hint.TOO_DARK, Hint.TOO_BRIGHT))
OPPOSITE: Mapping[Hint, Hint] = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
"""What nobody can follow both of. Frames of one capture may each have their own, as where somebody moves."""

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
        Hint.NO_FACE: "未检测到人脸，请正对屏幕。",
        Hint.SEVERAL_FACES: "画面中有多人，请确保框内仅您一人。",
        Hint.TOO_SMALL: "距离太远，请靠近些。",
        Hint.TOO_CLOSE: "距离太近，请后退些，将面部置于框内。",
        Hint.TOO_DARK: "光线太暗，请移至明亮处。",
        Hint.TOO_BRIGHT: "光线太强，请避开强光。",
        Hint.BLURRED: "画面模糊，请保持不动，并擦拭摄像头。",
        Hint.TURNED: "请正对屏幕，不要侧脸。",
        Hint.ROLLED: "请将头部和手机摆正。",
        Hint.PARTIAL: "面部不完整，请将面部置于框内。",
        Hint.COVERED: "面部有遮挡，请摘下口罩、墨镜或帽子，并将手移开。",
        Hint.MORE_FRAMES: "清晰的照片不足，请重新采集。",
        Hint.INCONSISTENT: "照片可能不是同一人，请重新采集。",
        Hint.NOT_LIVE: "无法确认为本人操作，请重新采集，并按提示完成动作。",
        Hint.OTHER_FORMAT: "照片格式不支持，请使用本页面的摄像头采集，或上传 JPEG 照片。",
        Hint.TOO_MANY_PIXELS: "照片过大，请使用本页面的摄像头采集，或缩小后上传。",
    },
}


def sentence(code: str, locale: str) -> str:
    """What to tell the person, in Chinese for any `zh` locale and in English otherwise; KeyError for an unknown code."""
    if code not in set(Hint):
        raise KeyError(f"no sentence for hint `{code}`")
    return _SENTENCES["zh" if locale.lower().startswith("zh") else "en"][Hint(code)]
