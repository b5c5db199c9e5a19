"""The list of presentations to try: which file, whose, and whether it is bona fide or an attack of which species."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authsvc.errors import InvalidRequest

BONA_FIDE = "bona_fide"
_FIELDS = ("path", "label", "subject")


@dataclass(frozen=True, slots=True)
class Listed:
    """`path` is a picture, a clip, or a folder with the frames of one; `species` is None for a bona fide presentation."""

    path: Path
    species: str | None
    subject: str


def read_list(file: Path) -> tuple[Listed, ...]:
    """A CSV with the header `path,label,subject`, or a JSON list of objects with these; paths are relative to the file.

    `label` is `bona_fide` or the name of a species. Raises InvalidRequest that says which row is not so.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        rows = json.loads(text) if file.suffix.lower() == ".json" else _table(text)
    except (OSError, ValueError, csv.Error) as error:
        raise InvalidRequest(f"cannot read `{file.name}`: {error.__class__.__name__}") from error
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise InvalidRequest(f"`{file.name}` lists no presentations")
    return tuple(_listed(row, number, file) for number, row in enumerate(rows, 1))


def _table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def _listed(row: object, number: int, file: Path) -> Listed:
    values = [row.get(field) for field in _FIELDS] if isinstance(row, Mapping) else []
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    if len(texts) != len(_FIELDS):
        raise InvalidRequest(f"`{file.name}`, row {number}: expected `path`, `label` and `subject`")
    path, label, subject = texts
    found = file.parent / path
    if not found.exists():
        raise InvalidRequest(f"`{file.name}`, row {number}: there is no `{path}`")
    return Listed(found, None if label == BONA_FIDE else label, subject)
