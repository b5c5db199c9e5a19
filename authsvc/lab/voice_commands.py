"""`authsvc lab voice`, `lab prompt`, `lab replay`: the voice room's measurements on the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifests
from authsvc.biometric.words import Modality
from authsvc.errors import AuthsvcError
from authsvc.lab.options import output_file, today
from authsvc.lab.pool import processors

if TYPE_CHECKING:
    from authsvc.voice.spoken_prompt import Language

_directory = click.option(
    "--dir",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folders of speakers with recordings.",
)
_models = click.option(
    "--model-dir",
    type=click.Path(path_type=Path),
    envvar="AUTHSVC_MODEL_DIR",
    default=Path("var/models"),
    show_default=True,
    help="Where the weight files are.",
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
_degrade = click.option(
    "--degrade",
    default="",
    help="Repeats it on spoiled probes: telephone, reverb, clip, noise10, opus8k, separated by commas.",
)


@click.command("voice")
@_directory
@_models
@_json
@_degrade
@click.option("--model", default=None, help="The manifest's id; by default the shipped engine.")
@click.option(
    "--phrases", default=None, type=click.IntRange(1, 20), help="Per template; default: the manifest's."
)
@click.option("--draws", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--gated", is_flag=True, help="Leave out what the quality gates would refuse.")
@click.option(
    "--spoofs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Made-up voices, a folder for each system: how many of them pass, per system.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=processors,
    help="How many listen at once; by default all there are.",
)
def voice_command(
    folder: Path,
    model_dir: Path,
    as_json: bool,
    degrade: str,
    model: str | None,
    phrases: int | None,
    draws: int,
    gated: bool,
    spoofs: Path | None,
    processes: int,
) -> None:
    """Tell voices apart: EER, FMR and FNMR at each shipped threshold, with intervals by bootstrap over speakers.

    A speaker is a folder, however deep the recordings lie in it; of long ones the first twelve seconds are heard.
    """
    _tame_libraries()
    from authsvc.lab.voice import Plan, measure_voices
    from authsvc.lab.voice_degradations import degradation
    from authsvc.lab.voice_listening import Installed
    from authsvc.voice.build import DEFAULT_MODEL, speaker_encoder

    def measured() -> Mapping[str, object]:
        known = _voice_manifests()
        manifest = known.get(model or DEFAULT_MODEL)
        if manifest is None:
            raise click.ClickException(f"no voice manifest calls itself `{model}`")
        for name in _names(degrade):
            degradation(name)
        # Refuses here, before other processes are started that would refuse one by one.
        speaker_encoder(model_dir, manifest)
        count = manifest.fusion.samples if phrases is None else phrases
        plan = Plan(count, draws, _names(degrade), gated, spoofs, processes)
        return measure_voices(folder, manifest, Installed(model_dir, manifest), plan)

    _print(_refusing(measured), as_json)


@click.command("voice")
@_directory
@_models
@_json
@click.option("--degrade", default="telephone,noise10,reverb,opus8k,clip", show_default=True)
@click.option("--model", default=None, help="The manifest's id; by default the shipped engine.")
@click.option("--target", default="1 in 200", show_default=True, help="The false match rate.")
@click.option("--draws", default=20, show_default=True, type=click.IntRange(1, 100))
@click.option("--name", help="What the data set is called in the manifest; by default its folder.")
@click.option("--population", default="the people of this data set", help="A sentence on who they are.")
@click.option("--out", type=output_file, help="Write the manifest with the new points.")
@click.option("--processes", type=click.IntRange(1, 64), default=processors)
def calibrate_voice(
    folder: Path,
    model_dir: Path,
    as_json: bool,
    degrade: str,
    model: str | None,
    target: str,
    draws: int,
    name: str | None,
    population: str,
    out: Path | None,
    processes: int,
) -> None:
    """Set the thresholds of each part of a voice's reference on your own people; sessions of a speaker are kept apart.

    Exit code 1, and nothing written, when there are too few people for any part.
    """
    _tame_libraries()
    from authsvc.lab.manifest_file import with_points
    from authsvc.lab.operating_points import DataSet
    from authsvc.lab.voice import Plan
    from authsvc.lab.voice_calibration import calibrate_voices
    from authsvc.lab.voice_listening import Installed
    from authsvc.voice.build import DEFAULT_MODEL

    def measured() -> Mapping[str, object]:
        manifest = _voice_manifests()[model or DEFAULT_MODEL]
        plan = Plan(manifest.fusion.samples, draws, _names(degrade), processes=processes)
        data_set = DataSet(name or folder.resolve().name, population, today())
        found = calibrate_voices(folder, manifest, Installed(model_dir, manifest), plan, target, data_set)
        if out and found.points:
            file = manifest_folder() / f"{manifest.id}.toml"
            out.write_text(with_points(file.read_text(encoding="utf-8"), found.points), encoding="utf-8")
        return {"written": str(out) if out and found.points else None, **found.to_json()}

    figures = _refusing(measured)
    _print(figures, as_json)
    if not figures["operating_points"]:
        raise SystemExit(1)


@click.command("prompt")
@_directory
@_models
@_json
@_degrade
@click.option("--strings", default=50, show_default=True, help="Readings per speaker.")
@click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    help="In which all of them read; by default Mandarin for speakers whose folder says `zh` or `cmn`.",
)
def prompt_command(
    folder: Path, model_dir: Path, as_json: bool, degrade: str, strings: int, language: str | None
) -> None:
    """Hear digits: acceptance of the right prompt, of one wrong digit, and of another prompt, per language."""
    _tame_libraries()
    from authsvc.lab.prompt import measure_prompts
    from authsvc.voice.build import ears, limits_of
    from authsvc.voice.spoken_prompt import Language

    def spoken_by(speaker: str) -> Language:
        return language_of(folder)(speaker) if language is None else Language(language)

    def measured() -> Mapping[str, object]:
        known = _voice_manifests()
        listening = ears(model_dir, known)
        listening.load()
        return measure_prompts(
            folder,
            listening,
            limits_of(known),
            spoken_by,
            strings=strings,
            degradations=_names(degrade),
        )

    _print(_refusing(measured), as_json)


@click.command("replay")
@_directory
@_json
@click.option("--splice", is_flag=True, help="Also digits cut out of remembered recordings and joined anew.")
@click.option("--tempo", is_flag=True, help="Also copies at another tempo or speed, or with shorter pauses.")
def replay_command(folder: Path, as_json: bool, splice: bool, tempo: bool) -> None:
    """Find copies: detection by kind of copy, and false alarms on new recordings."""
    _tame_libraries()
    from authsvc.lab.replay import measure_edits, measure_replays

    def measured() -> Mapping[str, object]:
        edits = measure_edits(folder, splice=splice, tempo=tempo) if splice or tempo else {}
        return {**measure_replays(folder), **({"edits": edits} if edits else {})}

    _print(_refusing(measured), as_json)


@click.command("spectrogram")
@click.argument("recording", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("picture", type=output_file)
@_models
def spectrogram_command(recording: Path, picture: Path, model_dir: Path) -> None:
    """Draw RECORDING as a PNG, with the speech that is found in it."""
    _tame_libraries()
    from authsvc.lab.voice_pictures import draw_spectrogram
    from authsvc.voice.audio import decode
    from authsvc.voice.build import ears
    from authsvc.voice.speech import find_speech

    def drawn() -> Mapping[str, object]:
        detector = ears(model_dir, _voice_manifests()).detector
        detector.load()
        speech = find_speech(decode(recording.read_bytes()), detector)
        draw_spectrogram(speech, picture)
        return {"picture": str(picture), "seconds": speech.recording.seconds, "speech": speech.seconds}

    _print(_refusing(drawn), as_json=False)


@click.command("hear")
@click.argument("probe", metavar="DIGITS=RECORDING")
@click.option(
    "--owner",
    "owner",
    multiple=True,
    metavar="DIGITS=RECORDING",
    help="A phrase of the enrollment; five times.",
)
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@_models
@_json
def hear_command(probe: str, owner: tuple[str, ...], language: str, model_dir: Path, as_json: bool) -> None:
    """What the service would say: enroll the owner's phrases, and compare DIGITS=RECORDING with them."""
    _tame_libraries()
    from authsvc.lab.voice_hearing import Row, hear
    from authsvc.voice.build import DEFAULT_MODEL, voice_service

    def row(said: str) -> Row:
        digits, sign, file = said.partition("=")
        if not digits.isdigit() or not sign:
            raise click.UsageError(f"`{said}` is not the form `402917=recording.wav`")
        if not Path(file).is_file():
            raise click.UsageError(f"there is no file `{file}`")
        return Row(digits, Path(file))

    def heard() -> Mapping[str, object]:
        service = voice_service(model_dir)
        service.load()
        manifest = _voice_manifests()[DEFAULT_MODEL]
        return hear(service, manifest, [row(each) for each in owner], row(probe), language)

    _print(_refusing(heard), as_json)


COMMANDS = (voice_command, prompt_command, replay_command, hear_command, spectrogram_command)


def language_of(folder: Path) -> Callable[[str], Language]:
    """In which language a speaker of this folder reads."""
    from authsvc.voice.spoken_prompt import Language

    def spoken_by(speaker: str) -> Language:
        says_mandarin = any(word in f"{folder.name}/{speaker}".lower() for word in ("zh", "cmn", "mandarin"))
        return Language.MANDARIN if says_mandarin else Language.ENGLISH

    return spoken_by


def _names(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(",") if word.strip())


def _voice_manifests() -> dict[str, Manifest]:
    return {one.id: one for one in read_manifests(manifest_folder()) if one.modality is Modality.VOICE}


def _refusing(action: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    try:
        return action()
    except AuthsvcError as error:
        raise click.ClickException(error.detail) from error
    except KeyError as error:
        raise click.ClickException(f"unknown degradation {error}") from error


def _print(figures: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures))
        return
    for line in _lines(figures, ""):
        click.echo(line)


def _lines(value: object, name: str) -> list[str]:
    """One line for every number, named by the way to it."""
    if isinstance(value, Mapping):
        return [line for key, inner in value.items() for line in _lines(inner, f"{name}.{key}".lstrip("."))]
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [line for number, inner in enumerate(value) for line in _lines(inner, f"{name}[{number}]")]
    shown = f"{value:.4f}" if isinstance(value, float) else value
    return [f"{name}: {shown}"]


def _tame_libraries() -> None:
    """One thread, and no reports over the network; read as the libraries load."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ORT_DISABLE_TELEMETRY"):
        os.environ.setdefault(name, "1")
