"""`authsvc demo`: play the story, a line a step; exits with 1 when a step did not hold."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import click

from authsvc.cli.demo.faces import Cast, from_drawings, from_folder
from authsvc.cli.demo.service import OwnService
from authsvc.cli.demo.story import Story, Told, tell
from authsvc.cli.demo.thief import Thief
from authsvc.client import AuthsvcClient
from authsvc.config import read_settings

CLIENT = "demo-shop"
"""The backend that a development service makes its API key for; receipts are addressed to it."""

SHARED_PEOPLE = ("obama", "biden")
"""Who plays when the developers' test photographs are at hand."""

_folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--faces", type=_folder, help="Photographs: one folder a person, one of them with four.")
@click.option("--model-dir", type=_folder, help="The prepared weight files.")
@click.option("--test-data", type=click.Path(path_type=Path), envvar="AUTHSVC_TEST_DATA", hidden=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON line, for machines.")
def demo(faces: Path | None, model_dir: Path | None, test_data: Path | None, as_json: bool) -> None:
    """One payment from decision to consumed receipt, and a thief who tries, over HTTP against a service of its own."""
    cast = choose(faces, test_data or Path("..", "shared", "data"))
    began = time.perf_counter()
    with OwnService(model_dir or read_settings().models) as service:
        ready = time.perf_counter() - began
        preface = _preface(service, cast, ready)
        if not as_json:
            click.echo("\n".join([*preface, ""]))
        told = []
        for step in _played(service, cast):
            told.append(step)
            if not as_json:
                click.echo(line(step))
            if not step.held:
                click.echo(service.complaints(), err=True)
    held = all(step.held for step in told)
    if as_json:
        click.echo(json.dumps({"held": held, "preface": preface, "steps": [asdict(step) for step in told]}))
    else:
        click.echo(f"\n{_verdict(told, held)} {time.perf_counter() - began:.1f} s in all.")
    if not held:
        raise SystemExit(1)


def choose(faces: Path | None, test_data: Path) -> Cast:
    """The caller's folder, else the developers' test photographs, else two drawn faces."""
    if faces is not None:
        return from_folder(faces)
    shared = test_data / "faces"
    if all((shared / name).is_dir() for name in SHARED_PEOPLE):
        return from_folder(shared, SHARED_PEOPLE)
    return from_drawings()


def line(step: Told) -> str:
    """One step for a reader: whether it held, the level, the reason, and the time it took."""
    mark = "ok" if step.held else "BROKEN"
    return (
        f"{step.number:>2} {mark} {step.level:<5} {step.what:<47} {step.milliseconds:>6.0f} ms  {step.reason}"
    )


def _played(service: OwnService, cast: Cast) -> Iterator[Told]:
    with AuthsvcClient(
        service.url,
        service.api_key,
        client=CLIENT,
        # The service of a demo takes photographs for people, and says so in every receipt.
        tolerated_warnings=("unsafe-no-pad",),
        timeout=30.0,
    ) as client:
        yield from tell(chain(Story(service, client, cast).steps(), Thief(service, client, cast).steps()))


def _preface(service: OwnService, cast: Cast, ready: float) -> list[str]:
    face = service.health["face"]
    return [
        f"service: {service.url}, started for this demo, ready after {ready:.1f} s, data thrown away at the end",
        f"engine: {face['engine']}, model {face['model_id']} version {face['model_version']}, {face['model'][:19]}…",
        f"liveness: {face['liveness']}: a photograph passes for a person here, which only a demo may allow",
        cast.note,
    ]


def _verdict(told: list[Told], held: bool) -> str:
    return f"All {len(told)} steps held." if held else f"Step {told[-1].number} did not hold."
