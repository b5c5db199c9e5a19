"""An audit log as a folder of text files, for an auditor who has neither the service nor its database.

`links.jsonl`, `heads.jsonl` and `checkpoints.jsonl` hold one JSON object a line, `keys.json` the public keys as a JWK
set. Whoever verifies should have the keys from elsewhere: those in the folder only show that it agrees with itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from authsvc.audit.archive import Archives
from authsvc.audit.chain import Link, PublicKeys, SignedHead
from authsvc.audit.checkpoint import Checkpoint
from authsvc.audit.report import Fault, Finding, Report
from authsvc.audit.verifier import verify
from authsvc.audit.wire import (
    checkpoint_from_json,
    checkpoint_to_json,
    head_from_json,
    head_to_json,
    link_from_json,
    link_to_json,
)
from authsvc.errors import InvalidRequest
from authsvc.keys.jwk import ed25519_keys, to_jwk

LINKS, HEADS, CHECKPOINTS, KEYS = "links.jsonl", "heads.jsonl", "checkpoints.jsonl", "keys.json"

Item = TypeVar("Item")


def write_export(
    folder: Path,
    links: Iterable[Link],
    heads: Iterable[SignedHead],
    checkpoints: Iterable[Checkpoint],
    keys: PublicKeys,
) -> None:
    """Write the four files into a new folder that only its owner may read; raises InvalidRequest where it exists.

    The three iterables must be read in one database transaction, each in the order that `verify` asks for.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise InvalidRequest(f"`{folder}` exists already; an export goes into a new folder") from None
    _write_lines(folder / LINKS, map(link_to_json, links))
    _write_lines(folder / HEADS, map(head_to_json, heads))
    _write_lines(folder / CHECKPOINTS, map(checkpoint_to_json, checkpoints))
    _write_lines(folder / KEYS, [{"keys": [to_jwk(key) for key in keys.values()]}])


def size_of(folder: Path) -> int:
    """The bytes that `verify_export` reads; for a progress bar."""
    files = (folder / name for name in (LINKS, HEADS, CHECKPOINTS))
    return sum(file.stat().st_size for file in files if file.exists())


def verify_export(
    folder: Path,
    keys: PublicKeys,
    kept: Iterable[Checkpoint] = (),
    progress: Callable[[int], None] = lambda read: None,
    archives: Archives | None = None,
) -> Report:
    """Verify an exported log; a file or line that cannot be read is a finding, by its line. `progress` is told of bytes.

    With `archives` it is verified from its first entry on, otherwise from where it was cut.
    """
    unreadable: list[Finding] = [] if archives is None else list(archives.findings())
    links: Iterable[Link] = _read_lines(folder / LINKS, link_from_json, unreadable, progress)
    heads: Iterable[SignedHead] = _read_lines(folder / HEADS, head_from_json, unreadable, progress)
    if archives is not None:
        ends = archives.ends()
        # What was archived and was not dropped yet is read once.
        links = chain(archives.links(), (link for link in links if link.seq > ends.get(link.chain, 0)))
        heads = chain(archives.heads(), heads)
    report = verify(
        links,
        heads,
        _read_lines(folder / CHECKPOINTS, checkpoint_from_json, unreadable, progress),
        keys,
        kept,
    )
    return replace(report, findings=(*unreadable, *report.findings))


def read_keys(path: Path) -> PublicKeys:
    """The audit keys of a JWK set; raises InvalidRequest when it cannot be read."""
    try:
        jwks = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        jwks = None
    if not isinstance(jwks, dict):
        raise InvalidRequest(f"`{path}` cannot be read as a JWK set")
    return ed25519_keys(jwks)


def read_checkpoints(path: Path) -> tuple[Checkpoint, ...]:
    """The checkpoints that an auditor kept, one a line; raises InvalidRequest when one cannot be read."""
    unreadable: list[Finding] = []
    checkpoints = tuple(_read_lines(path, checkpoint_from_json, unreadable))
    if unreadable:
        raise InvalidRequest(f"`{path}`, line {unreadable[0].seq}: {unreadable[0].detail}")
    return checkpoints


def _write_lines(path: Path, items: Iterable[Mapping[str, object]]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps(item, ensure_ascii=False) + "\n")


def _read_lines(
    path: Path,
    parse: Callable[[bytes], Item],
    unreadable: list[Finding],
    progress: Callable[[int], None] = lambda read: None,
) -> Iterator[Item]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                progress(len(line))
                try:
                    item = parse(line)
                except ValueError:
                    detail = "this line is not what the file should hold"
                    unreadable.append(Finding(Fault.UNREADABLE, path.name, number, detail))
                else:
                    yield item
    except OSError as error:
        unreadable.append(
            Finding(Fault.UNREADABLE, path.name, 0, f"the file cannot be read: {error.strerror}")
        )
