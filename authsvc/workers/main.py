"""The biometric worker as a program: `python -m authsvc.workers.main --socket PATH --model-dir FOLDER`.

The supervisor starts it beside the web processes; it alone loads models.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from authsvc.errors import AuthsvcError, ModelUnusable
from authsvc.factor import Json
from authsvc.serving.logs import set_up
from authsvc.workers.face import face_handlers
from authsvc.workers.messages import Handler
from authsvc.workers.server import serve
from authsvc.workers.voice import voice_handlers

_log = logging.getLogger("authsvc.workers.main")  # Run as a program its name would be `__main__`.


@click.command()
@click.option(
    "--socket", "socket_path", required=True, type=click.Path(path_type=Path), help="Where to listen."
)
@click.option("--model-dir", required=True, type=click.Path(path_type=Path), help="Where the weights are.")
@click.option("--unsafe-no-pad", is_flag=True, help="Take photographs for people. For development only.")
@click.option("--face-model", help="The matcher by which faces are enrolled; by default the shipped one.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Computed at a time.")
@click.option(
    "--client-jobs",
    default=0,
    show_default=True,
    type=click.IntRange(0, 64),
    help="Of these for one payment backend while another is there; 0 for all but one.",
)
@click.option(
    "--room",
    "rooms",
    multiple=True,
    type=click.Choice(["face", "voice"]),
    default=("face",),
    show_default=True,
    help="What is compared here; once for each.",
)
@click.option(
    "--queue", default=8, show_default=True, type=click.IntRange(1, 1024), help="Waiting beyond those."
)
@click.option("--log-format", default="console", show_default=True, type=click.Choice(["console", "json"]))
def main(
    socket_path: Path,
    model_dir: Path,
    unsafe_no_pad: bool,
    face_model: str | None,
    rooms: Sequence[str],
    jobs: int,
    client_jobs: int,
    queue: int,
    log_format: str,
) -> None:
    """Serve biometric enrollment and verification to the web processes of this machine."""
    set_up("INFO", log_format)
    _tame_libraries()
    try:
        served = _rooms(rooms, model_dir, face_model, unsafe_no_pad=unsafe_no_pad)
        handlers = {op: handler for room in served for op, handler in room.handlers.items()}
        about = {room.name: room.about for room in served}
        _log.info(
            "ready: %s",
            ", ".join(f"{name} by {told.get('model_id', 'nothing')}" for name, told in about.items()),
        )
        serve(socket_path, handlers, about=about, queue=queue, jobs=jobs, client_jobs=client_jobs)
    except AuthsvcError as error:
        raise click.ClickException(error.detail) from error


@dataclass(frozen=True, slots=True)
class _Room:
    """What one room serves, and what is reported of it to whoever asks."""

    name: str
    handlers: Mapping[str, Handler]
    about: Json


def _rooms(
    names: Sequence[str], model_dir: Path, face_model: str | None, *, unsafe_no_pad: bool
) -> list[_Room]:
    """Every room that can serve. One without its models takes no other one down; health says what it lacks.

    Raises ModelUnusable when none can serve.
    """
    served, failures = [], {}
    for name in dict.fromkeys(names):
        try:
            served.append(_room(name, model_dir, face_model, unsafe_no_pad=unsafe_no_pad))
        except ModelUnusable as error:
            failures[name] = error
    if not served:
        raise next(iter(failures.values()))
    for name, failure in failures.items():
        _log.error("the room `%s` cannot serve: %s", name, failure.detail)
    return [*served, *(_Room(name, {}, {"error": failure.detail}) for name, failure in failures.items())]


def _room(name: str, model_dir: Path, face_model: str | None, *, unsafe_no_pad: bool) -> _Room:
    """The room with its models loaded. Imported late, because it brings those libraries."""
    if name == "voice":
        from authsvc.voice.build import voice_service

        voices = voice_service(model_dir)
        voices.load()
        return _Room(name, voice_handlers(voices), voices.describe())
    from authsvc.face.build import DEFAULT_MODEL, installed_models

    faces = installed_models(model_dir, unsafe_no_pad=unsafe_no_pad, model=face_model or DEFAULT_MODEL)
    faces.load()
    return _Room(name, face_handlers(faces), faces.describe())


def _tame_libraries() -> None:
    """Settings that the libraries read as they load.

    One thread each: two on a busy two-core machine are nine times slower, and no thread survives a fork. And onnxruntime's
    official builds report their use over the network unless they are told not to; nothing leaves a biometric worker.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ORT_DISABLE_TELEMETRY"):
        os.environ[name] = "1"


if __name__ == "__main__":
    main()
