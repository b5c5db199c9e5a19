"""`authsvc drill`: play attacks against a service of its own, or against one that runs; exits with 1 when one gets through."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.resources import files
from pathlib import Path

import click

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.words import Modality, Template
from authsvc.cli.drill_premises import DrillService
from authsvc.config import read_settings
from authsvc.lab.drill.drill import Drill, Result
from authsvc.lab.drill.report import held, lines, to_json, verdict
from authsvc.lab.drill.running import chosen, end_of_feed, play, traced
from authsvc.lab.drill.scene import Pictures, Scene, Voices
from authsvc.lab.drill.service import Service

POLICIES = {"seed": None, "psd2": "psd2.toml"}
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Say which drills there are.")
@click.option(
    "--profile", type=click.Choice(list(POLICIES)), default="seed", help="The policy of its own service."
)
@click.option("--policy-file", type=_file, help="Another policy for its own service.")
@click.option("--url", help="A running service instead; plays what needs no more than HTTP.")
@click.option(
    "--api-key-file", type=_file, help="The key for it, with every scope, of a client of the drills' own."
)
@click.option("--anywhere", is_flag=True, help="The running service may be beyond this machine.")
@click.option("--model-dir", type=_folder, help="The prepared weight files.")
@click.option("--faces", type=_folder, help="Photographs: one folder a person; the first is the payer.")
@click.option("--clip", type=_folder, help="Stills of a recorded clip of the payer, in their order.")
@click.option(
    "--voices",
    type=_folder,
    help="Single digits: one folder a person, several takes; the first is the payer.",
)
@click.option("--at-once", type=click.IntRange(1, 16), default=4, show_default=True, help="Drills at a time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def drill(
    names: tuple[str, ...],
    only_list: bool,
    profile: str,
    policy_file: Path | None,
    url: str | None,
    api_key_file: Path | None,
    anywhere: bool,
    model_dir: Path | None,
    faces: Path | None,
    clip: Path | None,
    voices: Path | None,
    at_once: int,
    as_json: bool,
) -> None:
    """Play attacks as an attacker would, each with the control that must stop it."""
    if only_list:
        for each in chosen(names):
            click.echo(f"{each.name:<26} {each.attack}; control: {each.control}")
        return
    if url is not None and api_key_file is None:
        raise click.UsageError("a running service needs --api-key-file")
    drills, pictures = chosen(names), _pictures(faces, clip)
    spoken, voice = (None, None) if voices is None else _spoken(voices, model_dir)
    own = DrillService(
        model_dir or read_settings().models,
        policy_file or policy_of(profile),
        template_of(pictures, model_dir),
        voice,
    )
    opened: AbstractContextManager[DrillService | None] = nullcontext() if url else own
    with opened as premises:
        scene = _scenes(premises, url, api_key_file, anywhere, pictures, spoken)
        results = _results(drills, scene, at_once)
    if not as_json:
        click.echo("\n".join(line for each in results for line in lines(each)))
    _conclude(results, as_json, {"service": url or "its own", "policy": str(policy_file or profile)})
    if not held(results):
        raise SystemExit(1)


def _results(drills: Sequence[Drill], scene: Callable[[], Scene], at_once: int) -> tuple[Result, ...]:
    service, played = scene().service, []
    after = end_of_feed(service)
    with click.progressbar(
        length=len(drills), label="drills", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        for each in play(drills, scene, at_once=at_once):
            played.append(each)
            bar.update(1)
    return traced(played, service, after)


def _conclude(results: Sequence[Result], as_json: bool, about: dict[str, object]) -> None:
    click.echo(
        json.dumps(to_json(results, about), ensure_ascii=False) if as_json else f"\n{verdict(results)}"
    )


def _scenes(
    premises: DrillService | None,
    url: str | None,
    key_file: Path | None,
    anywhere: bool,
    pictures: Pictures,
    voices: Voices | None,
) -> Callable[[], Scene]:
    key = "" if key_file is None else key_file.read_text(encoding="ascii").strip()
    if premises is not None:
        url, key = premises.url, premises.api_key
    service = Service(str(url), key, anywhere=anywhere)
    own = None if premises is None else premises.premises
    return lambda: Scene(service, own, pictures, voices)


def policy_of(profile: str) -> Path | None:
    name = POLICIES[profile]
    return None if name is None else Path(str(files("authsvc.policy") / name))


def _pictures(faces: Path | None, clip: Path | None) -> Pictures:
    people = [] if faces is None else [photographs(each) for each in sorted(faces.iterdir()) if each.is_dir()]
    stills = () if clip is None else photographs(clip)
    found = [each for each in people if each]
    owner = found[0] if found else ()
    return Pictures(owner, found[1] if len(found) > 1 else (), stills, tuple(map(_changed, owner)))


def _changed(photograph: bytes) -> bytes:
    from authsvc.lab.spoiling import a_little

    return a_little(photograph)


def _spoken(folder: Path, model_dir: Path | None) -> tuple[Voices, Template]:
    from authsvc.lab.drill_voices import spoken  # Loads engines.

    people = sorted(each for each in folder.iterdir() if each.is_dir())
    if len(people) < 2:
        raise click.UsageError(f"`{folder.name}` has {len(people)} folders of people, and two are needed")
    return spoken(people[0], people[1], model_dir or read_settings().models)


def photographs(folder: Path) -> tuple[bytes, ...]:
    kinds = (".jpg", ".jpeg", ".png")
    return tuple(file.read_bytes() for file in sorted(folder.iterdir()) if file.suffix.lower() in kinds)


def template_of(pictures: Pictures, model_dir: Path | None) -> Template:
    """The face of `Pictures.owner`, as an enrollment would have made it; without photographs one that nobody has."""
    if pictures.owner:
        from authsvc.face.build import face_service  # Loads engines.
        from authsvc.face.capture import CaptureContext

        room = face_service(model_dir or read_settings().models, unsafe_no_pad=True)
        room.load()
        made = room.enroll(pictures.owner, CaptureContext())
        if not isinstance(made, Template):
            raise click.UsageError("the payer's photographs make no template")
        return made
    [manifest] = [each for each in read_manifests(manifest_folder()) if each.engine == "dlib_onnx"]
    return Template(Modality.FACE, manifest.digest, struct.pack("<128f", *([0.0884] * 128)), 3)
