"""The oldest part of the audit as one compressed, signed file, for whoever keeps it elsewhere and verifies it with the rest.

A gzip of lines, each a letter and JSON: `M` says where each chain begins and ends here, then come links (`L`) and signed heads
(`H`), each chain in order, and last `S`, the signature over a label and the SHA-256 of all before. That a chain was cut there
is said by a line of the log itself (`audit.archive`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from authsvc.audit.chain import Head, Link, PublicKeys, SignedHead, SigningKey, is_signed
from authsvc.audit.report import Fault, Finding
from authsvc.audit.wire import head_from_json, head_to_json, link_from_json, link_to_json
from authsvc.errors import InvalidRequest, Tampered

ACTION = "audit.archive"
LABEL = b"authsvc-audit-archive-v1\x00"
PATTERN = "audit-*.jsonl.gz"
_MANIFEST, _LINK, _HEAD, _SIGNATURE = b"M", b"L", b"H", b"S"
_PARTIAL = ".partial"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Stretch:
    """What an archive holds of one chain: everything behind `begin`, up to `end`."""

    begin: Head
    end: Head


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch with its links and signed heads, each in order."""

    stretch: Stretch
    links: Iterable[Link]
    heads: Iterable[SignedHead]


def archives(folder: Path) -> tuple[Path, ...]:
    """The archives of a folder, the oldest first."""
    return tuple(sorted(folder.glob(PATTERN)))


def next_path(folder: Path) -> Path:
    known = archives(folder)
    number = int(known[-1].name.split("-")[1].split(".")[0]) + 1 if known else 1
    return folder / f"audit-{number:06}.jsonl.gz"


def write_archive(path: Path, parts: Iterable[Part], stretches: Iterable[Stretch], key: SigningKey) -> None:
    """Write a new file that only its owner may read; it has its name once all of it is on the disk."""
    partial = path.with_name(path.name + _PARTIAL)
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, filename="", mtime=0) as packed:
            _write(packed, parts, stretches, key)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(
    packed: gzip.GzipFile, parts: Iterable[Part], stretches: Iterable[Stretch], key: SigningKey
) -> None:
    digest = hashlib.sha256()

    def put(letter: bytes, item: object) -> None:
        line = letter + json.dumps(item, ensure_ascii=False).encode() + b"\n"
        digest.update(line)
        packed.write(line)

    put(_MANIFEST, {"v": 1, "chains": [asdict(each) for each in stretches]})
    for part in parts:
        for link in part.links:
            put(_LINK, link_to_json(link))
        for head in part.heads:
            put(_HEAD, head_to_json(head))
    key_id, private = key
    signature = base64.b64encode(private.sign(LABEL + digest.digest())).decode()
    packed.write(_SIGNATURE + json.dumps({"key_id": key_id, "signature": signature}).encode() + b"\n")


def read_back(path: Path, keys: PublicKeys) -> tuple[tuple[Stretch, ...], str]:
    """What an archive holds, and the SHA-256 that it is signed over; raises Tampered unless it holds all of what it says."""
    stretches: dict[str, Stretch] = {}
    ends: dict[str, Head] = {}
    digest, signed = hashlib.sha256(), False
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                letter, text = line[:1], line[1:]
                if letter == _SIGNATURE:
                    signed = not signed and _is_signed(digest.digest(), text, keys)
                    continue
                signed = False
                digest.update(line)
                if letter == _MANIFEST:
                    stretches |= {each.begin.chain: each for each in _stretches(text)}
                    ends |= {chain: each.begin for chain, each in stretches.items()}
                elif letter == _LINK:
                    link = link_from_json(text)
                    _follow(ends, link)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise Tampered(f"`{path.name}` cannot be read as an archive: {error}") from None
    if not signed or any(ends[chain] != each.end for chain, each in stretches.items()):
        raise Tampered(f"`{path.name}` is not whole, or not signed by a known key")
    return tuple(stretches.values()), digest.hexdigest()


def _follow(ends: dict[str, Head], link: Link) -> None:
    end = ends[link.chain]
    if (link.seq, link.previous) != (end.seq + 1, end.hash) or not link.adds_up():
        raise ValueError(f"entry {link.seq} of chain {link.chain} does not follow the one before it")
    ends[link.chain] = link.head()


def _is_signed(digest: bytes, text: bytes, keys: PublicKeys) -> bool:
    said = json.loads(text)
    return is_signed(
        LABEL + digest, base64.b64decode(said["signature"], validate=True), str(said["key_id"]), keys
    )


def _stretches(text: bytes) -> tuple[Stretch, ...]:
    said = json.loads(text)
    if said["v"] != 1:
        raise ValueError("it is of another version")
    return tuple(Stretch(Head(**each["begin"]), Head(**each["end"])) for each in said["chains"])


class Archives:
    """The archives of a folder, in order, for a verification together with what is left; a bad one is a finding."""

    def __init__(self, folder: Path, keys: PublicKeys) -> None:
        self._paths = archives(folder)
        if not self._paths:
            raise InvalidRequest(f"`{folder}` holds no archive, `{PATTERN}`")
        self._keys = keys

    def findings(self) -> Iterator[Finding]:
        """Of the files; what is in them is verified with everything else."""
        for path in self._paths:
            try:
                read_back(path, self._keys)
            except Tampered as error:
                yield Finding(Fault.UNREADABLE, path.name, 0, error.detail)

    def ends(self) -> Mapping[str, int]:
        """The last entry of each chain that is here."""
        found = (each for path in self._paths for each in _items(path, _MANIFEST, _stretches))
        return {stretch.end.chain: stretch.end.seq for stretches in found for stretch in stretches}

    def links(self) -> Iterator[Link]:
        return (link for path in self._paths for link in links_of(path))

    def heads(self) -> Iterator[SignedHead]:
        return (head for path in self._paths for head in _items(path, _HEAD, head_from_json))


def links_of(path: Path) -> Iterator[Link]:
    """An archive's links as far as they can be read; whether that is all of them says `read_back`."""
    return _items(path, _LINK, link_from_json)


def _items(path: Path, letter: bytes, parse: Callable[[bytes], Item]) -> Iterator[Item]:
    with suppress(OSError, EOFError, ValueError, zlib.error), gzip.open(path, "rb") as file:
        yield from (parse(line[1:]) for line in file if line[:1] == letter)
