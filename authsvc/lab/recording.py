"""A corpus in the making: captures of people who agreed to it, as they came, in a folder of the operator's.

`corpus.jsonl` is the manifest that `read_corpus` reads; `captures.jsonl` says of each upload its nonce, what was asked and what
the device said of itself; `consents.jsonl` who agreed, when, and to which sentence. Of whom did not, nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authsvc.biometric.words import Modality
from authsvc.errors import InvalidRequest

MANIFEST, CAPTURES, CONSENTS = "corpus.jsonl", "captures.jsonl", "consents.jsonl"
LICENCE = f"recorded with consent, see {CONSENTS}"
_KINDS = {b"\xff\xd8": "jpg", b"\x89P": "png", b"RI": "wav", b"Og": "ogg", b"fL": "flac", b"\x1aE": "webm"}

Json = Mapping[str, Any]  # Any: what came over HTTP.


@dataclass(frozen=True, slots=True)
class About:
    """What is known of everything that is recorded in one sitting; `label` is `bona_fide`, or a species."""

    label: str
    instrument: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload: its files in order, and what came with it. `status` is what the service answered."""

    nonce: str
    meta: Json
    files: Sequence[bytes]
    status: int
    at: str


@dataclass
class _Capture:
    """What is under way of one person and modality."""

    asked: Json
    path: str = ""
    first_ms: int | None = None
    last_ms: int = 0
    frames: int = 0


@dataclass
class Recording:
    """Threads may share it. Raises InvalidRequest for a folder that holds something else."""

    folder: Path
    about: About
    _agreed: set[str] = field(default_factory=set)
    _under_way: dict[tuple[str, Modality], _Capture] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _samples: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(self.folder.iterdir()) and not (self.folder / CONSENTS).is_file():
            raise InvalidRequest(
                f"`{self.folder.name}` holds something else; name an empty folder, or a corpus of before"
            )
        if (self.folder / MANIFEST).is_file():
            self._samples = len((self.folder / MANIFEST).read_text(encoding="utf-8").splitlines())

    def agree(self, subject: str, sentence: str, at: str) -> None:
        """Somebody agreed to exactly this sentence."""
        digest = hashlib.sha256(sentence.encode()).hexdigest()
        with self._lock:
            self._say(CONSENTS, {"subject": subject, "at": at, "sentence": sentence, "sha256": digest})
            self._agreed.add(subject)

    def begin(self, subject: str, modality: Modality, asked: Json) -> None:
        """A capture begins anew: what follows is another sample."""
        with self._lock:
            self._under_way[subject, modality] = _Capture(asked)

    def take(self, subject: str, modality: Modality, upload: Upload, asked_next: Json) -> bool:
        """Keep an upload; False for somebody who has not agreed, or of whom nothing was begun."""
        with self._lock:
            capture = self._under_way.get((subject, modality))
            if subject not in self._agreed or capture is None:
                return False
            keep = self._keep_frames if modality is Modality.FACE else self._keep_recording
            names = keep(subject, capture, upload)
            self._say(CAPTURES, _said(capture, names, upload, modality))
            capture.asked = asked_next or capture.asked
            if modality is Modality.VOICE:
                capture.path = ""  # Each row is a sample of its own.
            return True

    def _keep_frames(self, subject: str, capture: _Capture, upload: Upload) -> list[str]:
        if not capture.path:
            capture.path = self._sample(subject, Modality.FACE, f"face-{self._samples + 1:04}")
        names = []
        for at, frame in zip(_moments(upload), upload.files, strict=False):
            capture.first_ms = at if capture.first_ms is None else capture.first_ms
            # A clock that was set back must not make the sample unreadable.
            capture.last_ms = max(capture.last_ms, at - capture.first_ms)
            capture.frames += 1
            name = f"{capture.path}/{capture.frames:04}-{capture.last_ms:06}ms.{_kind(frame)}"
            self._write(name, frame)
            names.append(name)
        return names

    def _keep_recording(self, subject: str, capture: _Capture, upload: Upload) -> list[str]:
        (recording,) = upload.files
        name = f"{capture.asked.get('digits', '')}_{self._samples + 1:04}.{_kind(recording)}"
        capture.path = self._sample(subject, Modality.VOICE, name)
        self._write(capture.path, recording)
        return [capture.path]

    def _sample(self, subject: str, modality: Modality, name: str) -> str:
        """Its path, from now on in the manifest."""
        self._samples += 1
        path = f"{subject}/{self.about.label}/{name}"
        about = {"instrument": self.about.instrument, "session": self.about.session, "licence": LICENCE}
        row = {
            "path": path,
            "label": self.about.label,
            "subject": subject,
            "modality": modality.value,
            **about,
        }
        for folder in (self.folder / subject, self.folder / subject / self.about.label):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._say(MANIFEST, row)
        return path

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)

    def _say(self, name: str, line: Json) -> None:
        with os.fdopen(
            os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"
        ) as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _said(capture: _Capture, names: Sequence[str], upload: Upload, modality: Modality) -> Json:
    return {
        "path": capture.path,
        "files": list(names),
        "modality": modality.value,
        "nonce": upload.nonce,
        "asked": dict(capture.asked),
        "meta": dict(upload.meta),
        "answered": upload.status,
        "at": upload.at,
    }


def _moments(upload: Upload) -> Sequence[int]:
    """When each frame was taken, by the page's clock; a tenth of a second apart where it does not say."""
    stated = upload.meta.get("taken_at_ms")
    if (
        isinstance(stated, list)
        and len(stated) == len(upload.files)
        and all(type(each) is int for each in stated)
    ):
        return stated
    return [100 * number for number in range(len(upload.files))]


def _kind(content: bytes) -> str:
    return _KINDS.get(content[:2], "bin")
