"""What was taken away from people, kept beside the key ring: a restored backup must not bring it back.

A line for each erasure, withdrawal and freeze, written before it is committed. Of whom it was says a keyed HMAC, so that the
file names nobody. A line whose commit failed stays: what its owner asked for is then done by the next restore.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from authsvc.clock import from_millis, to_millis
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.events import Event
from authsvc.keys.keyfile import read_private
from authsvc.keys.macs import Macs
from authsvc.subject import Subject

NAME = "taken-away.log"
TAGS = frozenset({"subject:erased", "subject:face:withdrawn", "subject:voice:withdrawn", "subject:frozen"})

_LABEL = "taken-away"


@dataclass(frozen=True, slots=True)
class Taken:
    """One line; `owner` is the MAC of whom it was taken from."""

    at: datetime
    tag: str
    owner: str


class TakenAway:
    """The file of one installation."""

    def __init__(self, folder: Path, macs: Macs) -> None:
        self._path = folder / NAME
        self._macs = macs

    def note(self, events: Iterable[Event]) -> None:
        """Before their commit; raises Unavailable where it cannot be written, and then nothing is committed."""
        lines = [self._line(event) for event in events if event.tag in TAGS]
        if not lines:
            return
        try:
            _append(self._path, "".join(lines).encode())
        except OSError as error:
            raise Unavailable(f"`{self._path}` cannot be written: {error.strerror}") from None

    def since(self, at: datetime, files: Iterable[Path] = ()) -> tuple[Taken, ...]:
        """What was taken away from this moment on, oldest first; of this file and of other hosts'."""
        own = [self._path] if self._path.exists() else []
        lines = {taken for path in (*own, *files) for taken in _read(path)}
        return tuple(sorted((each for each in lines if each.at >= at), key=lambda each: each.at))

    def finder(self, lines: Iterable[Taken]) -> Callable[[Subject], tuple[Taken, ...]]:
        """Of each subject its lines, without going through all of them."""
        by_owner: dict[str, list[Taken]] = {}
        for each in lines:
            by_owner.setdefault(each.owner, []).append(each)

        def find(subject: Subject) -> tuple[Taken, ...]:
            macs = self._macs.mac_candidates(_LABEL, _named(subject))
            return tuple(each for mac in macs for each in by_owner.get(mac.hex(), ()))

        return find

    def _line(self, event: Event) -> str:
        owner = self._macs.mac(_LABEL, _named(event.subject)).hex()
        return f"{to_millis(event.at)} {event.tag} {owner}\n"


def _named(subject: Subject) -> bytes:
    return f"{subject.client}\0{subject.user}".encode()


def _append(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, content)
        os.fsync(file)
    finally:
        os.close(file)


def _read(path: Path) -> Iterator[Taken]:
    """A last line that a power cut left half is passed over: its act was never committed."""
    content, _ = read_private(path)
    whole, _, _ = content.decode("ascii", errors="replace").rpartition("\n")
    for line in whole.splitlines():
        words = line.split()
        if len(words) != 3 or not words[0].isdigit() or words[1] not in TAGS:
            raise ConfigurationError(f"`{path}` does not hold what was taken away")
        yield Taken(from_millis(int(words[0])), words[1], words[2])
