"""The biometric rooms as a web process reaches them: in their worker, each with how it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from authsvc.biometric.words import Modality
from authsvc.bootstrap.health import Faces, RoomHealth, Voices
from authsvc.config import Settings
from authsvc.events import Tally
from authsvc.workers.client import WorkerClient
from authsvc.workers.face import RemoteFace
from authsvc.workers.voice import RemoteVoice


@dataclass(frozen=True, slots=True)
class Rooms:
    """The biometric rooms in their worker, and how they are. `voice` is None where the settings leave it out."""

    face: Faces
    voice: Voices | None
    health: Mapping[Modality, RoomHealth]
    connections: tuple[WorkerClient, ...]


def reach(settings: Settings, face: Faces | None, voice: Voices | None, tally: Tally) -> Rooms:
    workers = WorkerClient(settings.worker_socket, settings.biometric_timeout, counted=tally.biometrics_asked)
    # A worker that hangs must not hold up a health check for as long as a capture.
    probe = WorkerClient(settings.worker_socket, settings.store_timeout, connections=2)
    health = {Modality.FACE: RoomHealth(face or RemoteFace(probe))}
    if settings.voice:
        health[Modality.VOICE] = RoomHealth(voice or RemoteVoice(probe))
        voice = voice or RemoteVoice(workers)
    return Rooms(face or RemoteFace(workers), voice, health, (workers, probe))
