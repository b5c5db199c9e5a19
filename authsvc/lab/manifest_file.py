"""Calibrated operating points into a manifest file, everything else of it kept; the only file that knows tomlkit."""

from __future__ import annotations

from collections.abc import Sequence

import tomlkit

from authsvc.manifest import Manifest, OperatingPoint, parse_manifest


def with_points(text: str, points: Sequence[OperatingPoint]) -> str:
    """The manifest's text with these points instead of all earlier ones of the same samples and frames.

    What was measured for other numbers of samples and frames stays. A looser target that was measured anew takes a stricter one
    of earlier days with it: that was another population's. Raises ModelUnusable when the text is no manifest.
    """
    manifest = parse_manifest(text)
    renewed = {(point.samples, point.frames) for point in points}
    kept = [point for point in manifest.operating_points if (point.samples, point.frames) not in renewed]
    document = tomlkit.parse(text)
    document.pop("operating_points", None)
    table = tomlkit.aot()
    for point in (*kept, *points):
        table.append(_table(point))
    document.append("operating_points", table)
    written = tomlkit.dumps(document)
    _check(parse_manifest(written), manifest, (*kept, *points))
    return written


def _table(point: OperatingPoint) -> tomlkit.items.Table:
    table = tomlkit.table()
    for name, value in point.model_dump(exclude_none=True).items():
        if value != "":
            table.add(name, list(value) if isinstance(value, tuple) else value)
    return table


def _check(written: Manifest, before: Manifest, points: Sequence[OperatingPoint]) -> None:
    """Read again as the service will read it: the same model, and these points."""
    if written.digest != before.digest or written.operating_points != tuple(points):
        raise ValueError("the written manifest does not say what was measured")
