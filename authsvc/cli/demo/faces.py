"""Whose photographs play in the demo: a person who pays, and another one who tries to.

From a folder with one sub-folder a person, or two faces that we drew ourselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """Photographs of the payer and of a stranger. `note` says what such pictures can show."""

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


def from_drawings() -> Cast:
    """Two drawn faces, where no photograph is at hand."""
    # Only here, because drawing takes seconds and photographs need none of it.
    from authsvc.cli.demo.drawn import PAYER, STRANGER, portraits

    payer, stranger = (
        tuple(
            Photograph(f"{name}/{number}", content)
            for number, content in enumerate(portraits(looks), start=1)
        )
        for name, looks in (("drawn-payer", PAYER), ("drawn-stranger", STRANGER))
    )
    note = (
        "faces: drawn by this program, because no photographs are here: they show how the parts fit, and nothing about people."
        " --faces DIR (one folder a person) brings yours"
    )
    return Cast(payer, stranger, note)


def _photographs(folder: Path) -> tuple[Photograph, ...]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES)
    return tuple(Photograph(f"{folder.name}/{file.name}", file.read_bytes()) for file in files)
