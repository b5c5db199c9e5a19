"""The folder of people that the lab measures on: one folder for each person, with that person's files somewhere in it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from authsvc.errors import InvalidRequest

PICTURES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True)
class Person:
    """A name that is nothing but a label, and files in an order that is arbitrary but always the same."""

    name: str
    files: tuple[Path, ...]


def read_people(
    folder: Path, *, suffixes: Collection[str] = PICTURES, exclude: Collection[str] = ()
) -> tuple[Person, ...]:
    """Everybody with a file of these suffixes, by name; whatever else lies there is ignored.

    Raises InvalidRequest when an excluded name is not there or fewer than two people are left.
    """
    folders = {entry.name: entry for entry in sorted(folder.iterdir()) if entry.is_dir()}
    for name in exclude:
        if folders.pop(name, None) is None:
            raise InvalidRequest(f"no folder is called `{name}`, so it cannot be excluded")
    people = (Person(name, _files(entry, suffixes)) for name, entry in folders.items())
    found = tuple(person for person in people if person.files)
    if len(found) < 2:
        raise InvalidRequest(
            f"{len(found)} folder(s) with {', '.join(sorted(suffixes))} files in `{folder.name}`; "
            "expected a folder for each person, and two people at least"
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


def _files(folder: Path, suffixes: Collection[str]) -> tuple[Path, ...]:
    """Ordered by a hash of their names: neighbours by name are often neighbours in time, and so too much alike."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return tuple(sorted(found, key=lambda path: _chance(path.relative_to(folder))))


def _chance(path: Path) -> bytes:
    return hashlib.sha256(path.as_posix().encode("utf-8", "surrogateescape")).digest()
