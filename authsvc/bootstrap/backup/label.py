"""The label of a backup: which moment of which database it holds, bound by a MAC under the key ring.

A backup is a folder with this label (`backup.json`) and one file. Its moment is one for all of it: `heads` are the ends of
the audit chains just then, `event` the last of the feed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from authsvc.canonical import canonical
from authsvc.clock import rfc3339
from authsvc.errors import ConfigurationError, Tampered
from authsvc.keys.macs import NamedMacs

NAME = "backup.json"
_LABEL = "backup-label"

Head = tuple[str, int, str]


class _Stated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    name: str
    taken_at: AwareDatetime
    kind: Literal["sqlite", "postgresql"]
    file: str
    size: int
    sha256: str
    schema_revision: str
    program: str
    heads: tuple[Head, ...]
    event: int


class Label(_Stated):
    """What a backup says of itself; `key` names the key of the ring that `mac` was made with."""

    key: str
    mac: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What the database held when it was copied."""

    at: datetime
    schema: str
    heads: Sequence[Head]
    event: int


def labelled(macs: NamedMacs, **stated: object) -> Label:
    """A label under the current key."""
    bare = _Stated.model_validate(stated)
    key, mac = macs.named_mac(_LABEL, _covered(bare))
    return Label(**bare.model_dump(), key=key, mac=mac.hex())


def write_label(folder: Path, label: Label) -> None:
    (folder / NAME).write_text(json.dumps(_json(label), indent=2) + "\n")


def read_label(folder: Path) -> Label:
    """Unchecked; raises ConfigurationError for what is no backup."""
    try:
        return Label.model_validate_json((folder / NAME).read_bytes())
    except OSError as error:
        raise ConfigurationError(f"`{folder}` is no backup: `{NAME}` {error.strerror}") from None
    except ValidationError:
        raise ConfigurationError(f"`{folder / NAME}` is not the label of a backup") from None


def must_be_ours(label: Label, macs: NamedMacs) -> None:
    """Raises Tampered unless a key of this ring made the label, and it was not changed."""
    bare = _Stated.model_validate(label.model_dump(exclude={"key", "mac"}))
    expected = macs.mac_under(label.key, _LABEL, _covered(bare))
    if expected is None:
        raise Tampered(f"the backup was labelled under key `{label.key}`, which is not in this key ring")
    if not hmac.compare_digest(expected.hex(), label.mac):
        raise Tampered("the backup's label is not as it was written")


def newest_label(folder: Path) -> Label | None:
    """Of the backups in a folder the one that was taken last; what is no backup is passed over."""
    found = []
    for path in folder.glob(f"*/{NAME}"):
        try:
            found.append(read_label(path.parent))
        except ConfigurationError:
            continue
    return max(found, key=lambda label: label.taken_at, default=None)


def _covered(stated: _Stated) -> bytes:
    return canonical(_json(stated)).encode()


def _json(stated: _Stated) -> dict[str, object]:
    return {**stated.model_dump(mode="json"), "taken_at": rfc3339(stated.taken_at)}
