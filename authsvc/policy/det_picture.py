"""The thresholds of a policy in the DET plane: curves where a calibration kept them, and single points where it did not."""

from __future__ import annotations

from collections.abc import Sequence

from authsvc.biometric.det import DetCurve
from authsvc.biometric.det_svg import AXES, Mark, Series, det_svg
from authsvc.biometric.manifest import OperatingPoint
from authsvc.policy.thresholds import Threshold

DESCRIPTION = (
    "Detection error trade-off: the false non-match rate falls as the false match rate rises. Dots are operating points, "
    "whiskers the 95 % intervals of their false non-match rate. Where there is no line, no curve was kept."
)


def det_picture(
    found: Sequence[Threshold],
    *,
    key: str = "det",
    rows: bool = True,
    description: str = DESCRIPTION,
    axes: tuple[str, str] = AXES,
) -> str:
    """An SVG document with one series for each threshold; without `rows` its numbers are to stand beside it."""
    models = ", ".join(sorted({each.model.manifest.id for each in found})) or "no model"
    series = [_series(each) for each in found]
    return det_svg(f"DET: {models}", description, series, key=key, rows=rows, axes=axes)


def _series(found: Threshold) -> Series:
    manifest, curve = found.model.manifest, found.curve
    label = f"{manifest.id}, k={manifest.fusion.samples}, m={manifest.fusion.frames}"
    marks = () if found.point is None else (_mark(found.point),)
    if curve is None:
        return Series(label, (), marks, "no curve was kept")
    pairs = f"{curve.genuine_pairs} genuine, {curve.impostor_pairs} impostor pairs, {curve.data_set}, {curve.date}"
    return Series(label, _rates(curve), marks, pairs)


def _rates(curve: DetCurve) -> tuple[tuple[float, float], ...]:
    return tuple((curve.fmr(point), curve.fnmr(point)) for point in curve.points)


def _mark(point: OperatingPoint) -> Mark:
    return Mark(
        f"{point.target_fmr}, threshold {point.threshold}", point.fmr, point.fnmr, point.fnmr_interval
    )
