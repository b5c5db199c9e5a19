"""Options that several lab commands share, and how they say what they found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from authsvc.biometric.manifest import manifest_folder
from authsvc.clock import SystemClock
from authsvc.lab.pool import processors


class _OutputFile(click.Path):
    """A file to write. Its folder must be there before an hour's work is lost for want of it."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:  # Any: click's
        file = super().convert(value, param, ctx)
        folder = Path(os.fsdecode(file)).parent
        if not folder.is_dir():
            self.fail(f"there is no folder `{folder}`", param, ctx)
        return file


output_file = _OutputFile(dir_okay=False, writable=True, path_type=Path)

Command = TypeVar("Command", bound=Callable[..., object])

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


max_iapar = click.option(
    "--max-iapar",
    type=click.FloatRange(0, 1),
    help="Exit with 1 unless every species' IAPAR is shown to be below, such as 0.07.",
)
max_bpcer = click.option(
    "--max-bpcer",
    type=click.FloatRange(0, 1),
    help="Exit with 1 unless BPCER is shown to be below, such as 0.05.",
)


def people_options(command: Command) -> Command:
    """A folder of people, and who in it is left out."""
    exclude = click.option("--exclude", multiple=True, metavar="NAME", help="Leave a folder out; repeat.")
    folder = click.option(
        "--dir",
        "folder",
        required=True,
        type=_FOLDER,
        help="A folder for each person, with JPEG or PNG files.",
    )
    return folder(exclude(command))


def engine_options(command: Command) -> Command:
    """Where manifests and weights are, how many processes work, and whether a machine reads the answer."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines."),
        click.option(
            "--processes",
            type=click.IntRange(1, 64),
            default=processors,
            help="How many work at once; by default all there are.",
        ),
        click.option(
            "--manifests", type=_FOLDER, default=manifest_folder, help="By default the shipped manifests."
        ),
        click.option(
            "--data-dir",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="AUTHSVC_DATA_DIR",
            default=Path("var"),
            show_default=True,
        ),
        click.option(
            "--model-dir",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="AUTHSVC_MODEL_DIR",
            help="Where the weight files are; by default `models` in the data directory.",
        ),
    ):
        command = option(command)
    return command


def model_folder(data_dir: Path, model_dir: Path | None) -> Path:
    return data_dir / "models" if model_dir is None else model_dir


def echo(as_json: bool, document: object, lines: Iterable[str]) -> None:
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else "\n".join(lines))


def today() -> str:
    return SystemClock().now().date().isoformat()


def commit() -> str | None:
    """The commit of this checkout; None where it is none, or git is not there."""
    git = shutil.which("git")
    if git is None:
        return None
    asked = [git, "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True)
    return done.stdout.strip() or None
