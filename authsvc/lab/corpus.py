"""A corpus: which samples there are, whose, of which modality, and whether each is bona fide or an attack of which species.

A manifest (CSV, JSON or JSON Lines) or a folder layout, one reader for all. Whatever is wrong is said with its line. Nothing of a
corpus is copied: samples are read where they lie, which is below the manifest, and forgotten.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from authsvc.biometric.words import PROVING, Modality
from authsvc.errors import InvalidRequest
from authsvc.text import did_you_mean, fault_of_label

BONA_FIDE, ATTACK = "bona_fide", "attack"
REQUIRED = ("path", "label", "subject")
FIELDS = (*REQUIRED, "modality", "species", "instrument", "session", "licence")
LARGEST_MANIFEST = 64 * 1024 * 1024
LONGEST_FIELD = 256
LICENCES = ("LICENSE", "LICENSE.txt", "LICENCE", "LICENCE.txt")
UNSTATED = "not stated"

Row = tuple[int, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Sample:
    """`path` is a picture, a clip, a recording, or a folder with the frames of one; `species` is None for a bona fide one."""

    path: Path
    species: str | None
    subject: str
    modality: Modality = Modality.FACE
    instrument: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """`digest` is of the manifest as it stands, `licence` what the corpus says of itself."""

    name: str
    samples: tuple[Sample, ...]
    licence: str
    digest: str

    def of(self, modality: Modality) -> tuple[Sample, ...]:
        return tuple(each for each in self.samples if each.modality is modality)


def read_corpus(place: Path, root: Path | None = None) -> Corpus:
    """A manifest, or a folder laid out as `subject/label/sample`; raises InvalidRequest that says where it is neither.

    The paths of a manifest are relative to `root`, by default the folder in which it stands. `label` is `bona_fide`, `attack`
    with a `species`, or the name of the species itself.
    """
    if place.is_dir():
        rows, folder, content = list(_laid_out(place)), place, b""
        content = "\n".join(str(row["path"]) for _, row in rows).encode()
    else:
        content, folder = _content(place), root or place.parent
        rows = list(_rows(place, content))
    if not rows:
        raise InvalidRequest(f"`{place.name}` lists no samples")
    samples = tuple(map(partial(_sample, place.name, folder), rows))
    _refuse_doubles(place.name, rows, samples)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Corpus(place.name, samples, _licence(folder, rows), digest)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_MANIFEST + 1)
    except OSError as error:
        raise InvalidRequest(f"cannot read `{file.name}`: {error.strerror}") from error
    if len(content) > LARGEST_MANIFEST:
        raise InvalidRequest(f"`{file.name}` is larger than {LARGEST_MANIFEST} bytes")
    return content


# -- Three forms of a manifest, and the layout ---------------------------------------------------------------------------


def _rows(file: Path, content: bytes) -> Iterator[Row]:
    text = _text(file.name, content)
    forms = {".json": _json, ".jsonl": _json_lines, ".ndjson": _json_lines}
    return forms.get(file.suffix.lower(), _table)(file.name, text)


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidRequest(f"`{name}`, line {line}: this is not UTF-8") from None


def _table(name: str, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    begun = 1
    try:
        for row in reader:
            line, begun = begun, reader.line_num + 1
            if not any(field.strip() for field in row):
                continue
            if header is None:
                header = _header(name, line, row)
                continue
            if len(row) != len(header):
                raise InvalidRequest(
                    f"`{name}`, line {line}: {len(row)} fields, and the header has {len(header)}"
                )
            yield line, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InvalidRequest(f"`{name}`, line {begun}: {error}") from None


def _header(name: str, line: int, row: Sequence[str]) -> list[str]:
    header = [field.strip() for field in row]
    for field in header:
        if field not in FIELDS:
            raise InvalidRequest(
                f"`{name}`, line {line}: unknown column `{_shown(field)}`{did_you_mean(field, FIELDS)}"
            )
    if len(set(header)) != len(header):
        raise InvalidRequest(f"`{name}`, line {line}: a column stands there twice")
    missing = [field for field in REQUIRED if field not in header]
    if missing:
        raise InvalidRequest(f"`{name}`, line {line}: there is no column `{missing[0]}`")
    return header


def _json(name: str, text: str) -> Iterator[Row]:
    rows = _parsed(name, text, 1)
    if not isinstance(rows, list):
        raise InvalidRequest(f"`{name}`, line 1: expected a list of samples")
    places = _starts(text, len(rows))
    for line, row in zip(places, rows, strict=True):
        yield line, _object(name, line, row)


def _starts(text: str, most: int) -> list[int]:
    """The line on which each member of the list begins; the text is known to be well-formed."""
    found: list[int] = []
    at, line, counted = text.index("[") + 1, 1, 0
    decoder = json.JSONDecoder()
    while len(found) < most:
        while text[at] in " \t\r\n,":
            at += 1
        line, counted = line + text.count("\n", counted, at), at
        found.append(line)
        _, at = decoder.raw_decode(text, at)
    return found


def _json_lines(name: str, text: str) -> Iterator[Row]:
    # Not splitlines(), which also parts at characters that may stand inside of a string.
    for line, written in enumerate(text.split("\n"), 1):
        if written.strip():
            yield line, _object(name, line, _parsed(name, written, line))


def _parsed(name: str, text: str, line: int) -> object:
    try:
        return json.loads(text, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"`{name}`, line {line + error.lineno - 1}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else str(error)[:LONGEST_FIELD]
        raise InvalidRequest(f"`{name}`, line {line}: {said}") from None


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a field stands there twice")
    return dict(pairs)


def _object(name: str, line: int, row: object) -> Mapping[str, object]:
    if not isinstance(row, dict):
        raise InvalidRequest(f"`{name}`, line {line}: expected an object with `path`, `label` and `subject`")
    for field in row:
        if field not in FIELDS:
            raise InvalidRequest(
                f"`{name}`, line {line}: unknown field `{_shown(field)}`{did_you_mean(field, FIELDS)}"
            )
    return row


def _laid_out(folder: Path) -> Iterator[Row]:
    """`ann/bona_fide/1.jpg`, `ann/print/a4`: numbered in the order in which they stand."""
    kept = (each for each in sorted(folder.glob("*/*/*")) if not each.name.startswith("."))
    for number, each in enumerate(kept, 1):
        subject, label, _ = each.relative_to(folder).parts
        yield number, {"path": each.relative_to(folder).as_posix(), "label": label, "subject": subject}


# -- One sample ----------------------------------------------------------------------------------------------------------


def _sample(name: str, folder: Path, row: Row) -> Sample:
    line, fields = row
    values = {field: _value(name, line, field, fields.get(field)) for field in FIELDS}
    for field in REQUIRED:
        if not values[field]:
            raise InvalidRequest(
                f"`{name}`, line {line}: expected `path`, `label` and `subject`, and `{field}` is empty"
            )
    modality = values["modality"] or Modality.FACE.value
    if modality not in PROVING:
        known = ", ".join(f"`{each}`" for each in PROVING)
        raise InvalidRequest(f"`{name}`, line {line}: `{modality}` is no modality; expected {known}")
    return Sample(
        _path(name, line, folder, values["path"]),
        _species(name, line, values["label"], values["species"]),
        values["subject"],
        Modality(modality),
        values["instrument"],
        values["session"],
    )


def _value(name: str, line: int, field: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequest(f"`{name}`, line {line}: `{field}` is not text")
    text = value.strip()
    if not text:
        return ""
    fault = (
        f"is longer than {LONGEST_FIELD} characters" if len(text) > LONGEST_FIELD else fault_of_label(text)
    )
    if fault is not None:
        raise InvalidRequest(f"`{name}`, line {line}: `{field}` {fault}")
    return text


def _species(name: str, line: int, label: str, species: str) -> str | None:
    if label == BONA_FIDE:
        if species:
            raise InvalidRequest(f"`{name}`, line {line}: bona fide, and of the species `{species}`")
        return None
    if label == ATTACK:
        if not species:
            raise InvalidRequest(f"`{name}`, line {line}: an attack needs its `species`")
        return species
    if species and species != label:
        raise InvalidRequest(f"`{name}`, line {line}: `{label}` by its label, and `{species}` by its species")
    return label


def _path(name: str, line: int, folder: Path, path: str) -> Path:
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts:
        raise InvalidRequest(f"`{name}`, line {line}: `{path}` leads out of the corpus's folder")
    found = folder / pure
    try:
        exists = found.exists()
    except OSError:
        exists = False
    if not exists:
        raise InvalidRequest(f"`{name}`, line {line}: there is no `{path}`")
    return found


def _refuse_doubles(name: str, rows: Sequence[Row], samples: Sequence[Sample]) -> None:
    """One file twice would count as two independent trials."""
    seen: dict[Path, int] = {}
    for (line, _), sample in zip(rows, samples, strict=True):
        if sample.path in seen:
            raise InvalidRequest(
                f"`{name}`, line {line}: `{sample.path.name}` stands on line {seen[sample.path]} already"
            )
        seen[sample.path] = line


def _licence(folder: Path, rows: Sequence[Row]) -> str:
    stated = {str(row["licence"]).strip() for _, row in rows if row.get("licence")}
    if stated:
        return ", ".join(sorted(stated))
    files = [name for name in LICENCES if (folder / name).is_file()]
    return f"see `{files[0]}`" if files else UNSTATED


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:40])
