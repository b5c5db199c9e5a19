"""Calibrated thresholds into a manifest file, everything else of it kept; the only file that knows tomlkit."""

from __future__ import annotations

from collections.abc import Sequence

import tomlkit

from authsvc.biometric.manifest import AttackSpecies, Manifest, OperatingPoint, parse_manifest


def with_points(text: str, points: Sequence[OperatingPoint]) -> str:
    """The manifest's text with these points instead of all earlier ones of the same samples, frames and part.

    What was measured for other numbers of samples and frames stays. A looser target that was measured anew takes a stricter one
    of earlier days with it: that was another population's. Raises ModelUnusable when the text is no manifest.
    """
    manifest = parse_manifest(text)
    renewed = {_kind(point) for point in points}
    kept = [point for point in manifest.operating_points if _kind(point) not in renewed]
    written = _replaced(text, "operating_points", (*kept, *points))
    _check(manifest, parse_manifest(written), (*kept, *points), parse_manifest(written).operating_points)
    return written


def _kind(point: OperatingPoint) -> tuple[int, int, str]:
    return point.samples, point.frames, point.part


def with_species(text: str, species: Sequence[AttackSpecies]) -> str:
    """The manifest's text with these species of attack instead of all earlier ones; raises as `with_points` does."""
    manifest = parse_manifest(text)
    written = _replaced(text, "attack_species", species)
    _check(manifest, parse_manifest(written), species, parse_manifest(written).attack_species)
    return written


def _replaced(text: str, name: str, rows: Sequence[OperatingPoint | AttackSpecies]) -> str:
    document = tomlkit.parse(text)
    document.pop(name, None)
    table = tomlkit.aot()
    for row in rows:
        table.append(_table(row))
    document.append(name, table)
    return tomlkit.dumps(document)


def _table(point: OperatingPoint | AttackSpecies) -> tomlkit.items.Table:
    table = tomlkit.table()
    for name, value in point.model_dump(exclude_none=True).items():
        if value != "":
            table.add(name, list(value) if isinstance(value, tuple) else value)
    return table


def _check(before: Manifest, after: Manifest, measured: Sequence[object], written: Sequence[object]) -> None:
    """Read again as the service will read it: the same model, and what was measured."""
    if after.digest != before.digest or tuple(written) != tuple(measured):
        raise ValueError("the written manifest does not say what was measured")
