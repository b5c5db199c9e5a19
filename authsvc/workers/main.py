"""The biometric worker as a program: `python -m authsvc.workers.main --socket PATH --model-dir FOLDER`.

The supervisor starts it beside the web processes; it alone loads models.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from authsvc.errors import AuthsvcError
from authsvc.workers.face import face_handlers
from authsvc.workers.server import serve

_log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--socket", "socket_path", required=True, type=click.Path(path_type=Path), help="Where to listen."
)
@click.option("--model-dir", required=True, type=click.Path(path_type=Path), help="Where the weights are.")
@click.option("--unsafe-no-pad", is_flag=True, help="Take photographs for people. For development only.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Computed at a time.")
@click.option(
    "--queue", default=8, show_default=True, type=click.IntRange(1, 1024), help="Waiting beyond those."
)
def main(socket_path: Path, model_dir: Path, unsafe_no_pad: bool, jobs: int, queue: int) -> None:
    """Serve face enrolment and verification to the web processes of this machine."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    _tame_libraries()
    try:
        _serve_faces(socket_path, model_dir, unsafe_no_pad=unsafe_no_pad, jobs=jobs, queue=queue)
    except AuthsvcError as error:
        raise click.ClickException(error.detail) from error


def _serve_faces(socket_path: Path, model_dir: Path, *, unsafe_no_pad: bool, jobs: int, queue: int) -> None:
    # Imported late, because it brings those libraries.
    from authsvc.face.build import installed_models

    service = installed_models(model_dir, unsafe_no_pad=unsafe_no_pad)
    service.load()
    about = {"face": service.describe()}
    _log.info("serving faces: %s", about["face"])
    serve(socket_path, face_handlers(service), about=about, queue=queue, jobs=jobs)


def _tame_libraries() -> None:
    """Settings that the libraries read as they load.

    One thread each: two on a busy two-core machine are nine times slower, and no thread survives a fork. And onnxruntime's
    official builds report their use over the network unless they are told not to; nothing leaves a biometric worker.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ORT_DISABLE_TELEMETRY"):
        os.environ[name] = "1"


if __name__ == "__main__":
    main()
