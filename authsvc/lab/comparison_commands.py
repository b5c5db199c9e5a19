"""`authsvc models compare A B --dir FOLDER`: two matchers on one's own people, on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from authsvc.lab.face_commands import face_data, named_after
from authsvc.lab.options import echo, engine_options, people_options, today
from authsvc.lab.people import read_groups
from authsvc.lab.reading import percent

Json = dict[str, Any]  # Any: a report


@click.command("compare")
@click.argument("first")
@click.argument("second")
@people_options
@click.option("--target", "targets", multiple=True, metavar="1 in N", help="A false match rate; repeat.")
@click.option(
    "--groups",
    "groups_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV: person, and a column for each grouping.",
)
@engine_options
def compare_command(
    first: str,
    second: str,
    folder: Path,
    targets: tuple[str, ...],
    groups_file: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Try two face matchers on the same people: FNMR at the same FMR, by group, with 95 % intervals."""
    from authsvc.lab.model_comparison import compared

    groups = read_groups(groups_file) if groups_file else {}
    asked = targets or ("1 in 100", "1 in 1000", "1 in 10000")
    models = [compared(face_data(folder, model=name, **options), asked, groups) for name in (first, second)]
    found = {"data_set": named_after(folder), "date": today(), "models": models}
    echo(as_json, found, _lines(found))


def _lines(found: Json) -> Iterator[str]:
    for model in found["models"]:
        yield f"{model['model']} {model['model_digest']} ({model['licence']}; training data: {model['training_data']})"
        for row in model["rows"]:
            about = f"  {row['target_fmr']} (k={row['samples']}, m={row['frames']})"
            if row["threshold"] is None:
                yield f"{about}: {row['reason']}"
                continue
            yield f"{about}, threshold {row['threshold']}: FMR {percent(row, 'fmr')}, FNMR {percent(row, 'fnmr')}"
            for group in row["groups"]:
                yield (
                    f"    {group['grouping']} {group['group']} ({group['n_persons']} people): "
                    f"FMR {percent(group, 'fmr')}, FNMR {percent(group, 'fnmr')}"
                )
    yield "thresholds are those that these people ask for: the order of the two is what may be learned"
