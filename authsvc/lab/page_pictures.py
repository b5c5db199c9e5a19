"""Small pictures of what was shown to a service, for the page of a run; only where somebody asks for them.

A page with them holds people's pictures, and says so. Number and size are bounded, whatever the corpus is.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from authsvc.biometric.words import Modality
from authsvc.errors import InvalidRequest
from authsvc.face.image import DAMAGED
from authsvc.lab.clips import clip_of
from authsvc.lab.layers import LAYERS, chosen, layered
from authsvc.look.alone import both

if TYPE_CHECKING:
    from authsvc.lab.corpus import Sample

THUMBNAIL = 96
SPECTROGRAM = (240, 60)
MOST_OF_A_KIND = 12
MOST = 150
LONGEST_S = 8
_ROW = "40291738"
"""Which digits are put together for a picture of what is put together."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample as it was shown: in these layers."""

    kind: str
    sample: Sample
    layers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    kind: str
    subject: str
    media: str
    content: bytes


def pictures_of(shown: Iterable[Shown]) -> tuple[Picture, ...]:
    """Of each kind the first dozen, and MOST in all; what cannot be read has none."""
    counted: Counter[str] = Counter()
    found: list[Picture] = []
    for each in shown:
        if len(found) == MOST:
            break
        if counted[each.kind] < MOST_OF_A_KIND:
            found += _picture(each)
            counted[each.kind] += 1
    return tuple(found)


def _picture(shown: Shown) -> Iterator[Picture]:
    draw, media = (
        (_thumbnail, "image/jpeg") if shown.sample.modality is Modality.FACE else (_spectrogram, "image/png")
    )
    try:
        yield Picture(shown.kind, shown.sample.subject, media, draw(shown))
    except (InvalidRequest, Image.DecompressionBombError, *DAMAGED):
        return


def _thumbnail(shown: Shown) -> bytes:
    """The first frame."""
    clip = clip_of(shown.sample.path)
    first = replace(clip, pictures=clip.pictures[:1], taken_ms=clip.taken_ms[:1])
    with Image.open(io.BytesIO(layered(first, chosen(LAYERS, shown.layers)).pictures[0])) as opened:
        small = ImageOps.exif_transpose(opened).convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    made = io.BytesIO()
    small.save(made, "JPEG", quality=70)
    return made.getvalue()


def _spectrogram(shown: Shown) -> bytes:
    from authsvc.lab.voice_layers import VOICE_LAYERS, speech_of
    from authsvc.lab.voice_pictures import small_spectrogram
    from authsvc.voice.engine import SAMPLE_RATE

    speech = replace(speech_of(shown.sample.path), digits=_ROW)
    said = layered(speech, chosen(VOICE_LAYERS, shown.layers)).recordings
    return small_spectrogram(np.concatenate(said)[: LONGEST_S * SAMPLE_RATE], *SPECTROGRAM)


def section(pictures: Sequence[Picture]) -> str:
    """Nothing without pictures."""
    if not pictures:
        return ""
    said = both(
        "本页含有人的面部图像或声音图谱：请与样本本身一样保管，勿转发。",
        "This page holds pictures of people's faces or voices: keep it as you keep the samples themselves.",
    )
    figures = "".join(map(_figure, pictures))
    title = both("样本", "Samples")
    return f'<h2>{title}</h2><p class="verdict missed">{said}</p><div class="samples">{figures}</div>'


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.content).decode()
    caption = f"{escape(picture.kind)}<br>{escape(picture.subject)}"
    return f'<figure><img alt="" src="data:{picture.media};base64,{data}"><figcaption>{caption}</figcaption></figure>'
