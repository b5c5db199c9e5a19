"""`authsvc models …`: get the weight files, list them, check them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifests
from authsvc.biometric.model_store.prepare import prepare
from authsvc.biometric.model_store.pull import pull
from authsvc.biometric.weights import WeightState, weight_state
from authsvc.errors import ModelUnusable
from authsvc.text import did_you_mean

_Result = TypeVar("_Result")

_folder = click.option(
    "--model-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="AUTHSVC_MODEL_DIR",
    help="Where the weight files are; by default `models` in the data directory.",
)
_data = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="AUTHSVC_DATA_DIR",
    default=Path("var"),
    show_default=True,
)
_manifests = click.option(
    "--manifests",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=manifest_folder,
    help="Where the manifests are; by default the shipped ones.",
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    return _manifests(_data(_folder(_json(command))))


@click.group()
def models() -> None:
    """Weight files of the face and voice engines."""


@models.command("prepare")
@_options
@click.option(
    "--from-archive",
    "archives",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A source archive, already on this machine: nothing is downloaded. Once for each archive.",
)
def prepare_command(
    manifests: Path, data_dir: Path, model_dir: Path | None, as_json: bool, archives: tuple[Path, ...]
) -> None:
    """Download and convert the default models; the second time nothing is left to do."""
    folder = _model_folder(data_dir, model_dir)
    done = _refusing(lambda: prepare(read_manifests(manifests), folder, archives=archives, shipped=manifests))
    lines = [f"{item.file}: {'installed' if item.installed else 'already there'}" for item in done]
    files = [{"manifest": item.manifest, "file": item.file, "installed": item.installed} for item in done]
    _print(as_json, {"folder": str(folder), "files": files}, [*lines, f"models are ready in {folder}"])


@models.command("list")
@_options
def list_command(manifests: Path, data_dir: Path, model_dir: Path | None, as_json: bool) -> None:
    """Every manifest, its licence, and whether its files are there."""
    folder = _model_folder(data_dir, model_dir)
    described = [_described(manifest, folder) for manifest in _refusing(lambda: read_manifests(manifests))]
    _print(as_json, {"models": described}, [_line(model) for model in described])


@models.command("verify")
@_options
def verify_command(manifests: Path, data_dir: Path, model_dir: Path | None, as_json: bool) -> None:
    """Hash every weight file that is there; exit code 1 when one was changed."""
    folder = _model_folder(data_dir, model_dir)
    found = {
        weight.file: weight_state(folder, weight)
        for manifest in _refusing(lambda: read_manifests(manifests))
        for weight in manifest.weights
    }
    changed = [file for file, state in found.items() if state is WeightState.CHANGED]
    _print(
        as_json, {"files": found, "changed": changed}, [f"{file}: {state}" for file, state in found.items()]
    )
    if changed:
        raise SystemExit(1)


@models.command("pull")
@_options
@click.argument("name")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A weight file that is on this machine already; may be given for each file of the model.",
)
@click.option(
    "--accept-licence", "accepted", multiple=True, metavar="NAME", help="A licence that you accept, by name."
)
def pull_command(
    manifests: Path,
    data_dir: Path,
    model_dir: Path | None,
    as_json: bool,
    name: str,
    files: tuple[Path, ...],
    accepted: tuple[str, ...],
) -> None:
    """Get the weight files of the model NAME from the addresses in its manifest, or from files."""
    folder = _model_folder(data_dir, model_dir)
    manifest = _refusing(lambda: _named(manifests, name))
    with _bar(manifest) as progress:
        done = _refusing(
            lambda: pull(
                manifest,
                folder,
                files=files,
                accepted_licences=accepted,
                progress=progress,
                shipped=manifests,
            )
        )
    found = [{"file": item.file, "from": item.from_where} for item in done]
    lines = [f"{item.file}: {item.from_where}" for item in done]
    _print(as_json, {"manifest": manifest.id, "folder": str(folder), "files": found}, lines)


@contextmanager
def _bar(manifest: Manifest) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error over all weight files of a model."""
    here: dict[str, int] = {}
    total = sum(weight.size for weight in manifest.weights)
    with click.progressbar(length=total, label=manifest.id, file=sys.stderr) as bar:

        def progress(file: str, arrived: int, expected: int) -> None:
            bar.update(arrived - here.get(file, 0))
            here[file] = arrived

        yield progress


def _named(manifests: Path, name: str) -> Manifest:
    known = {manifest.id: manifest for manifest in read_manifests(manifests)}
    if name not in known:
        there = f"there are {', '.join(sorted(known))}"
        raise ModelUnusable(f"no model is called `{name}`{did_you_mean(name, known)}; {there}")
    return known[name]


def _model_folder(data_dir: Path, model_dir: Path | None) -> Path:
    return data_dir / "models" if model_dir is None else model_dir


def _described(manifest: Manifest, folder: Path) -> dict[str, Any]:  # Any: JSON
    states = [weight_state(folder, weight) for weight in manifest.weights]
    worst = next(
        (state for state in (WeightState.CHANGED, WeightState.MISSING) if state in states), WeightState.READY
    )
    return {
        "id": manifest.id,
        "version": manifest.version,
        "modality": manifest.modality.value,
        "role": manifest.role,
        "engine": manifest.engine,
        "digest": manifest.digest,
        "licence": manifest.licence.name,
        "commercial": manifest.licence.commercial,
        "state": worst.value,
    }


def _line(model: dict[str, Any]) -> str:  # Any: JSON
    use = "" if model["commercial"] else ", not for commercial use"
    return f"{model['id']} {model['version']} ({model['modality']} {model['role']}): {model['state']}; {model['licence']}{use}"


def _refusing(action: Callable[[], _Result]) -> _Result:
    try:
        return action()
    except ModelUnusable as error:
        raise click.ClickException(error.detail) from error


def _print(as_json: bool, document: object, lines: list[str]) -> None:
    click.echo(json.dumps(document) if as_json else "\n".join(lines))
