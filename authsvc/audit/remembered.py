"""Where the chains ended when they were last signed, kept beside the key ring and so out of reach of the database.

Whoever writes in the database without keys can cut lines off together with every signature over them; the database then looks
whole. What it must still hold stands here, and nothing is signed over a chain that no longer holds it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import TypeAdapter

from authsvc.audit.chain import Head
from authsvc.audit.checkpoint import Checkpoint
from authsvc.audit.wire import checkpoint_to_json
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.keys.keyfile import read_private, sole_writer, write_private

NAME = "audit-heads.json"

_log = logging.getLogger(__name__)

_ROWS = TypeAdapter(list[tuple[str, int, str]])

HashAt = Callable[[str, int], str | None]
"""The hash of an entry of a chain, as the database holds it."""


class RememberedHeads:
    """The last known head of every chain, in one file; `witness` is a file to which every checkpoint is added, if any."""

    def __init__(self, folder: Path, witness: Path | None = None) -> None:
        self._path = folder / NAME
        self._witness = witness

    def recall(self) -> tuple[Head, ...]:
        """What was remembered, nothing before the first time; raises ConfigurationError for a file that cannot be read."""
        if not self._path.exists():
            return ()
        content, _ = read_private(self._path)
        try:
            return tuple(Head(*row) for row in _ROWS.validate_json(content, strict=True))
        except ValueError:
            raise ConfigurationError(f"`{self._path}` does not hold the heads of the audit") from None

    def remember(self, heads: Iterable[Head]) -> None:
        """Move forward, never back. A full disk costs the newest heads, and no answer."""
        try:
            with sole_writer(self._path):
                known = {head.chain: head for head in self.recall()}
                for head in heads:
                    if head.seq > known.get(head.chain, Head(head.chain)).seq:
                        known[head.chain] = head
                self._write(known.values())
        except (OSError, ConfigurationError) as error:
            _log.warning("the heads of the audit could not be remembered: %s", error)

    def begin_anew(self, heads: Iterable[Head]) -> None:
        """For a database that was restored: from now on these are what it must hold."""
        with sole_writer(self._path):
            self._write(heads)

    def witness(self, checkpoint: Checkpoint) -> None:
        """Add a checkpoint to the file that is kept elsewhere, for `audit verify --kept`."""
        if self._witness is None:
            return
        try:
            with self._witness.open("a", encoding="utf-8") as file:
                file.write(json.dumps(checkpoint_to_json(checkpoint)) + "\n")
        except OSError as error:
            _log.warning("`%s` could not be written: %s", self._witness, error.strerror)

    def refuse_shortened(self, hash_at: HashAt, chain: str | None = None) -> None:
        """Raises Unavailable where the database no longer holds what was remembered, of one chain or of all."""
        for head in self.recall():
            if chain in (None, head.chain):
                refuse_unless_held(head, hash_at)

    def _write(self, heads: Iterable[Head]) -> None:
        rows = sorted([head.chain, head.seq, head.hash] for head in heads)
        write_private(self._path, json.dumps(rows).encode(), replace=True)


def refuse_unless_held(head: Head, hash_at: HashAt) -> None:
    """Raises Unavailable unless the database holds this entry, unchanged."""
    if head.seq and hash_at(head.chain, head.seq) != head.hash:
        raise Unavailable(
            f"the audit chain `{head.chain}` no longer holds entry {head.seq}, and nothing is signed over that: "
            "restored from a backup it is accepted by `authsvc audit accept-restore`"
        )
