"""Which models a policy command holds a document's false match rates against."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from authsvc.biometric.manifest import manifest_folder
from authsvc.errors import ModelUnusable
from authsvc.policy.thresholds import models_in_use

_FOLDER = click.Path(file_okay=False, path_type=Path)


def model_options(command: Callable[..., object]) -> Callable[..., object]:
    """Gives the command `models`: the calibrated matchers whose weights are installed."""

    @click.option(
        "--manifests",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=manifest_folder,
        help="Folder of model manifests; by default the shipped ones.",
    )
    @click.option(
        "--data-dir", type=_FOLDER, envvar="AUTHSVC_DATA_DIR", default=Path("var"), show_default=True
    )
    @click.option(
        "--model-dir",
        type=_FOLDER,
        envvar="AUTHSVC_MODEL_DIR",
        help="Where the weight files are; by default `models` in the data directory.",
    )
    @wraps(command)
    def with_models(
        manifests: Path, data_dir: Path, model_dir: Path | None, **options: Any
    ) -> object:  # Any: the command's own.
        weights = data_dir / "models" if model_dir is None else model_dir
        try:
            models = models_in_use(manifests, weights)
        except ModelUnusable as error:
            raise click.ClickException(error.detail) from error
        return command(models=models, **options)

    return with_models
