"""Two faces that nobody has, drawn by us: for a demo where no photograph is at hand.

Shaded enough that the detector finds them and the matcher tells one from the other. They show that the parts fit together, and
nothing about people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

Colour = tuple[int, int, int]
Pen = ImageDraw.ImageDraw
Shape = Callable[[Pen], None]

SIDE = 600
WALL = (196, 204, 208)
SIDES = (-1, 1)


@dataclass(frozen=True, slots=True)
class Looks:
    """Colours, and lengths in pixels of a picture of 600 by 600; what is in the middle is measured from the face's middle."""

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    cloth: Colour
    half_width: int
    half_height: int
    eye_offset: int
    eye_height: int
    nose_length: int
    nose_width: int
    mouth_drop: int
    mouth_width: int
    brow: int
    fringe: int
    hangs: bool


PAYER = Looks(
    (232, 190, 165), (70, 45, 30), (70, 110, 90), (190, 95, 95), (60, 90, 140), 125, 172, 56, 23, 60, 23, 107, 39, 5, 75, True
)  # fmt: skip
STRANGER = Looks(
    (176, 128, 98), (30, 26, 26), (60, 70, 110), (130, 78, 72), (120, 60, 50), 140, 160, 63, 18, 50, 34, 100, 54, 10, 48, False
)  # fmt: skip


def portraits(looks: Looks) -> Iterator[bytes]:
    """Four JPEG files of one face: as it is, nearer, darker, and tilted by a few degrees."""
    yield _jpeg(_Portrait(looks, (0, 0)).picture)
    yield _jpeg(_Portrait(looks, (15, -10)).picture.crop((40, 20, 560, 540)).resize((640, 640)))
    yield _jpeg(ImageEnhance.Brightness(_Portrait(looks, (-12, 5)).picture).enhance(0.85))
    tilted = _Portrait(looks, (5, 10)).picture.rotate(-3, Image.Resampling.BICUBIC, fillcolor=WALL)
    yield _jpeg(tilted)


class _Portrait:
    """One picture, from the back to the front. `at` moves the head."""

    def __init__(self, looks: Looks, at: tuple[int, int]) -> None:
        self.looks = looks
        self.x, self.y = 300 + at[0], 280 + at[1]
        self.eyes = self.y - 18
        self.picture = Image.new("RGB", (SIDE, SIDE), WALL)
        self._behind()
        face = self.picture.copy()
        self.picture = Image.new("RGB", (SIDE, SIDE), looks.skin)
        self._cheeks()
        self._nose()
        for side in SIDES:
            self._eye(self.x + side * looks.eye_offset, side)
        self._mouth()
        self.picture = Image.composite(self.picture, face, self._outline())
        self._soft(self._darker(looks.hair, 1), 3, self._fringe)
        self._grain()

    def _behind(self) -> None:
        looks, x, y = self.looks, self.x, self.y
        if looks.hangs:
            self._soft(looks.hair, 1, _oval(x, y + 20, looks.half_width + 35, looks.half_height + 45))
        else:
            self._soft(looks.hair, 1, _oval(x, y - 40, looks.half_width + 12, looks.half_height - 20))
        self._soft(looks.cloth, 1, _oval(x, y + 430, 280, 210))
        neck = (x - 60, y + 100, x + 60, y + 240)
        self._soft(self._darker(looks.skin, 0.78), 1, lambda pen: pen.rectangle(neck, fill=255))
        for side in SIDES:
            self._soft(self._darker(looks.skin, 0.85), 1, _oval(x + side * looks.half_width, y + 10, 19, 37))
        self._soft(self._darker(looks.skin, 0.55), 15, _oval(x, y + 175, 65, 35))

    def _outline(self) -> Image.Image:
        wide, high, x, y = self.looks.half_width, self.looks.half_height, self.x, self.y
        cheek, chin = wide * 0.72, high * 0.66
        jaw = [(x - wide + 4, y - 10), (x + wide - 4, y - 10), (x + cheek, y + chin), (x + 47, y + high)]
        jaw += [(x - 47, y + high), (x - cheek, y + chin)]
        mask = Image.new("L", (SIDE, SIDE), 0)
        pen = ImageDraw.Draw(mask)
        pen.ellipse((x - wide, y - high, x + wide, y + high * 0.75), fill=255)
        pen.polygon(jaw, fill=255)
        _oval(x, y + high - 33, 75, 42)(pen)
        return mask.filter(ImageFilter.GaussianBlur(2.5))

    def _cheeks(self) -> None:
        looks, x, y = self.looks, self.x, self.y
        for side, shade in zip(SIDES, (0.8, 0.62), strict=True):
            ear = _oval(x + side * (looks.half_width + 5), y + 30, 60, looks.half_height)
            self._soft(self._darker(looks.skin, shade), 30, ear)
            self._soft(self._darker(looks.lips, 1.15), 22, _oval(x + side * 65, y + 47, 35, 25), 0.5)
            self._soft(
                self._darker(looks.skin, 0.66), 11, _oval(x + side * looks.eye_offset, self.eyes - 10, 42, 26)
            )
        self._soft(self._darker(looks.skin, 1.12), 30, _oval(x - 20, y - 95, 75, 45))
        self._soft(self._darker(looks.skin, 1.08), 15, _oval(x, y + looks.half_height - 20, 45, 25))

    def _nose(self) -> None:
        looks, x, tip = self.looks, self.x, self.eyes + self.looks.nose_length
        wide = looks.nose_width
        self._soft(self._darker(looks.skin, 1.15), 6, _oval(x, self.eyes + 27, 10, 42))
        for side, shade in zip(SIDES, (0.82, 0.62), strict=True):
            self._soft(self._darker(looks.skin, shade), 7, _oval(x + side * 19, self.eyes + 22, 8, 40))
        self._soft(self._darker(looks.skin, 0.92), 5, _oval(x, tip, wide, 17))
        self._soft(self._darker(looks.skin, 1.22), 5, _oval(x - 3, tip - 5, 11, 9))
        self._soft(self._darker(looks.skin, 0.55), 4, _oval(x, tip + 17, wide + 2, 7))
        for side in SIDES:
            self._soft(self._darker(looks.skin, 0.25), 2, _oval(x + side * wide / 2, tip + 12, 7, 4))

    def _eye(self, x: int, side: int) -> None:
        looks, y, high, wide = self.looks, self.eyes, self.looks.eye_height, 31
        lid = [
            (x - wide, y + 3),
            (x - 18, y - high * 0.62),
            (x, y - high * 0.8),
            (x + 18, y - high * 0.62),
            (x + wide, y + 3),
        ]
        under = [(x + 16, y + high * 0.55), (x, y + high * 0.66), (x - 16, y + high * 0.55)]
        self._soft((236, 232, 228), 1.5, lambda pen: pen.polygon(lid + under, fill=255))
        for colour, size in ((looks.iris, 14), ((10, 8, 8), 7)):
            self._soft(colour, 1, _oval(x, y - 1, size, size))
        self._soft((250, 250, 250), 0.5, _oval(x - 4, y - 6, 3, 3))
        self._soft((25, 18, 16), 1.5, _line(lid, 6))
        crease = [(x - wide + 7, y - high * 1.2), (x, y - high * 1.5), (x + wide - 4, y - high * 1.15)]
        self._soft(self._darker(looks.skin, 0.5), 2, _line(crease, 3))
        bag = [(x - wide + 3, y + high * 0.9), (x, y + high * 1.15), (x + wide - 3, y + high * 0.85)]
        self._soft(self._darker(looks.skin, 0.7), 3, _line(bag, 4))
        top = y - high * 1.5 - 16
        brow = [
            (x - side * 39, top + 11),
            (x - side * 10, top - 1),
            (x + side * 25, top - 4),
            (x + side * 48, top + 12),
        ]
        self._soft(self._darker(looks.hair, 0.9), 2.5, _line(brow, looks.brow + 6))

    def _mouth(self) -> None:
        looks, x, y, wide = self.looks, self.x, self.y + self.looks.mouth_drop, self.looks.mouth_width
        upper = [
            (x - wide, y),
            (x - wide * 0.35, y - 12),
            (x, y - 7),
            (x + wide * 0.35, y - 12),
            (x + wide, y),
        ]
        lower = [
            (x - wide, y),
            (x - wide * 0.45, y + 16),
            (x, y + 20),
            (x + wide * 0.45, y + 16),
            (x + wide, y),
        ]
        between = [(x - wide - 3, y - 1), (x - 15, y + 1), (x, y), (x + 15, y + 1), (x + wide + 3, y - 1)]
        self._soft(self._darker(looks.lips, 0.85), 2, lambda pen: pen.polygon(upper, fill=255))
        self._soft(looks.lips, 2, lambda pen: pen.polygon(lower, fill=255))
        self._soft(self._darker(looks.lips, 0.35), 1.5, _line(between, 4))
        self._soft(self._darker(looks.lips, 1.3), 4, _oval(x, y + 11, wide * 0.4, 4), 0.6)
        self._soft(self._darker(looks.skin, 0.68), 6, _oval(x, y + 33, 35, 7))
        for side in SIDES:
            fold = [
                (x + side * (looks.nose_width + 11), self.eyes + looks.nose_length + 5),
                (x + side * (wide + 17), y - 7),
            ]
            self._soft(self._darker(looks.skin, 0.72), 4.5, _line(fold, 5))

    def _fringe(self, pen: Pen) -> None:
        wide, top = self.looks.half_width + 8, self.y - self.looks.half_height
        pen.pieslice(
            (self.x - wide, top - 20, self.x + wide, top + 2 * self.looks.fringe + 30), 180, 360, fill=255
        )

    def _grain(self) -> None:
        """What a camera adds, and what a detail of nothing but gradients lacks."""
        noise = Image.effect_noise((SIDE, SIDE), 12)
        self.picture = ImageChops.add(self.picture, Image.merge("RGB", [noise] * 3), offset=-128)

    def _soft(self, colour: Colour, blur: float, shape: Shape, opacity: float = 1.0) -> None:
        """A shape with a soft edge."""
        mask = Image.new("L", (SIDE, SIDE), 0)
        shape(ImageDraw.Draw(mask))
        mask = mask.filter(ImageFilter.GaussianBlur(blur)).point(lambda value: round(value * opacity))
        self.picture.paste(colour, (0, 0), mask)

    @staticmethod
    def _darker(colour: Colour, share: float) -> Colour:
        red, green, blue = (min(255, round(value * share)) for value in colour)
        return red, green, blue


def _oval(x: float, y: float, half_width: float, half_height: float) -> Shape:
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    return lambda pen: pen.ellipse(box, fill=255)


def _line(points: Sequence[tuple[float, float]], width: int) -> Shape:
    return lambda pen: pen.line(list(points), fill=255, width=width, joint="curve")


def _jpeg(picture: Image.Image) -> bytes:
    content = BytesIO()
    picture.save(content, "JPEG", quality=92)
    return content.getvalue()
