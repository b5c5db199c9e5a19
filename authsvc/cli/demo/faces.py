"""Whose photographs play in the demo: a person who pays, and another one who tries to.

From a folder with one sub-folder a person, from the one photograph that scikit-image carries, or nobody's: the story is then told
without a face.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageEnhance

from authsvc.errors import InvalidRequest

ENROLLED = 3
PICTURES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture file's bytes, and what to call it."""

    name: str
    content: bytes

    @property
    def media(self) -> str:
        return "image/png" if self.content.startswith(b"\x89PNG") else "image/jpeg"


@dataclass(frozen=True, slots=True)
class Cast:
    """Photographs of the payer, and of a stranger where there is one. `note` says what such pictures can show."""

    payer: tuple[Photograph, ...]
    stranger: tuple[Photograph, ...]
    note: str

    def roles(self) -> Iterator[tuple[tuple[Photograph, ...], tuple[Photograph, ...]]]:
        """Ways to choose three photographs for enrollment and keep the rest unseen.

        Neighbours come first, so that one bad photograph does not spoil try after try: a step may be tried ten times.
        """
        neighbours = [self.payer[at : at + ENROLLED] for at in range(len(self.payer) - ENROLLED + 1)]
        others = (each for each in itertools.combinations(self.payer, ENROLLED) if each not in neighbours)
        for chosen in itertools.chain(neighbours, others):
            yield chosen, tuple(each for each in self.payer if each not in chosen)


WITHOUT_FACES = Cast(
    (),
    (),
    "faces: none, because there are no photographs here: the story is told with an app and a phone alone. --faces DIR (one folder"
    " a person) brings yours",
)


def from_folder(folder: Path, people: Sequence[str] = ()) -> Cast:
    """The first person with four photographs pays, the next one tries to; `people` names both.

    Raises InvalidRequest for a folder without two such people.
    """
    names = people or sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    found = {name: _photographs(folder / name) for name in names}
    payer = next((name for name, pictures in found.items() if len(pictures) > ENROLLED), None)
    stranger = next((name for name, pictures in found.items() if pictures and name != payer), None)
    if payer is None or stranger is None:
        raise InvalidRequest(
            f"`{folder}` needs a folder a person, one with {ENROLLED + 1} photographs and another with one"
        )
    note = f"faces: {payer} pays, {stranger} tries to; two people show how the parts fit and nothing about accuracy"
    return Cast(found[payer], found[stranger], note)


def from_astronaut() -> Cast:
    """The public-domain photograph of an astronaut in four shapes; nobody's where scikit-image is missing."""
    try:
        from skimage import data
    except ImportError:
        return WITHOUT_FACES
    picture = Image.fromarray(data.astronaut())  # type: ignore[no-untyped-call]  # scikit-image has no types.
    note = (
        "faces: one photograph in four shapes, so this shows that the parts fit, and nothing about recognising a person;"
        " there is no second person here who could be refused. --faces DIR brings your own"
    )
    return Cast(tuple(_shapes(picture)), (), note)


def _photographs(folder: Path) -> tuple[Photograph, ...]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES)
    return tuple(Photograph(f"{folder.name}/{file.name}", file.read_bytes()) for file in files)


def _shapes(picture: Image.Image) -> Iterator[Photograph]:
    """Head and shoulders: as they are, closer, darker, and tilted by a few degrees.

    The whole picture has a flag and a model shuttle in it, in which a detector finds a second face.
    """
    head = picture.crop((80, 10, 380, 310)).resize((600, 600))
    shapes = (
        head,
        picture.crop((100, 0, 356, 256)).resize((640, 640)),
        ImageEnhance.Brightness(head).enhance(0.85),
        head.rotate(-3, resample=Image.Resampling.BICUBIC),
    )
    for number, shape in enumerate(shapes, start=1):
        content = BytesIO()
        shape.save(content, "JPEG", quality=92)
        yield Photograph(f"astronaut/{number}", content.getvalue())
