"""The folder of people that the lab measures on: one folder for each person, with that person's files somewhere in it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from authsvc.errors import InvalidRequest

PICTURES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""What may be a photograph of somebody. The service itself takes JPEG and PNG; `pictures` makes PNG of the others."""

_LITTER = "__MACOSX"  # What unpacking leaves beside the files, like everything that begins with a dot.


@dataclass(frozen=True, slots=True)
class Person:
    """A name that is nothing but a label, and files in an order that is arbitrary but always the same."""

    name: str
    files: tuple[Path, ...]


def read_people(
    folder: Path, *, suffixes: Collection[str] = PICTURES, exclude: Collection[str] = (), least: int = 2
) -> tuple[Person, ...]:
    """Everybody with a file of these suffixes, by name; whatever else lies there is ignored, hidden files among it.

    A folder that holds nothing but one other folder is a wrapping, and the people are looked for in that one. Raises
    InvalidRequest when an excluded name is not there or fewer than `least` people are left.
    """
    folders = {entry.name: entry for entry in _unwrapped(folder)}
    for name in exclude:
        if folders.pop(name, None) is None:
            raise InvalidRequest(f"no folder is called `{name}`, so it cannot be excluded")
    people = (Person(name, _files(entry, suffixes)) for name, entry in folders.items())
    found = tuple(person for person in people if person.files)
    if len(found) < least:
        raise InvalidRequest(
            f"{len(found)} folder(s) with {', '.join(sorted(suffixes))} files in `{folder.name}`; "
            f"expected a folder for each person, and {'two people' if least > 1 else 'one person'} at least"
        )
    return found


def read_groups(file: Path) -> Mapping[str, Mapping[str, str]]:
    """For each grouping (a column of the CSV) the group of each person; the first column holds the people's names.

    An empty cell puts the person into no group. Raises InvalidRequest for a file that is not such a table.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = [row for row in csv.reader(text) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"cannot read groups from `{file.name}`: {error.__class__.__name__}") from error
    if not rows or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        raise InvalidRequest(f"`{file.name}`: expected a header `person,<grouping>…` and rows as long as it")
    head, *body = rows
    names = [row[0] for row in body]
    if len(set(names)) != len(names):
        raise InvalidRequest(f"`{file.name}`: somebody stands in it twice")
    return {
        grouping: {row[0]: row[column] for row in body if row[column]}
        for column, grouping in enumerate(head)
        if column
    }


def _unwrapped(folder: Path) -> list[Path]:
    """The folders of people: those in `folder`, or farther down where each level has only one."""
    found = sorted(entry for entry in folder.iterdir() if entry.is_dir() and _is_wanted(entry.name))
    while len(found) == 1 and (below := _folders_alone(found[0])):
        found = below
    return found


def _folders_alone(folder: Path) -> list[Path]:
    """What lies in the folder, if that is folders and nothing else."""
    entries = sorted(entry for entry in folder.iterdir() if _is_wanted(entry.name))
    return entries if all(entry.is_dir() for entry in entries) else []


def _files(folder: Path, suffixes: Collection[str]) -> tuple[Path, ...]:
    """Ordered by a hash of their names: neighbours by name are often neighbours in time, and so too much alike."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    wanted = (path for path in found if all(map(_is_wanted, path.relative_to(folder).parts)))
    return tuple(sorted(wanted, key=lambda path: _chance(path.relative_to(folder))))


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name != _LITTER


def _chance(path: Path) -> bytes:
    return hashlib.sha256(path.as_posix().encode("utf-8", "surrogateescape")).digest()
