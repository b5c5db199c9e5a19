"""`authsvc lab gait`: a pilot, measured on a public set that somebody has at hand."""

from __future__ import annotations

from pathlib import Path

import click

from authsvc.errors import AuthsvcError
from authsvc.lab.options import echo


@click.command("gait")
@click.option(
    "--dir",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="UCI HAR, MotionSense or WISDM as they are unpacked.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def gait_command(folder: Path, as_json: bool) -> None:
    """Tell people apart by how they walk: EER with its interval, people apart and sessions where the set has them.

    A pilot: nothing of it is in the service.
    """
    from authsvc.lab.gait import measure

    try:
        found = measure(folder)
    except AuthsvcError as error:
        raise click.ClickException(error.detail) from error
    echo(as_json, found, (f"{name}: {value}" for name, value in found.items()))
