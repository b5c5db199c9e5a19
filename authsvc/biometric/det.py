"""DET curves as a calibration measured them: false matches and false non-matches at many thresholds, on whom, and when.

They stand beside the manifest, in `<model>.det.json`, written by `authsvc lab calibrate`. What was never measured has no
curve: a few operating points are shown as points, and nothing is drawn between them.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from authsvc.biometric.manifest import Manifest, OperatingPoint
from authsvc.errors import ModelUnusable

Rate = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class DetPoint(NamedTuple):
    """What goes wrong at one threshold: errors counted, and the 95 % interval of each rate as fractions."""

    threshold: Annotated[float, Field(ge=-1, le=1)]
    false_matches: Count
    fmr_low: Rate
    fmr_high: Rate
    false_non_matches: Count
    fnmr_low: Rate
    fnmr_high: Rate


class DetCurve(BaseModel):
    """One calibration, for templates of `samples` and probes of `frames`; thresholds rise, false matches fall."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    samples: int = Field(ge=1)
    frames: int = Field(ge=1)
    data_set: str
    population: str
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    people: int = Field(ge=2)
    genuine_pairs: int = Field(ge=1)
    impostor_pairs: int = Field(ge=1)
    points: tuple[DetPoint, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _is_a_trade_off(self) -> Self:
        for before, after in pairwise(self.points):
            rises = before.threshold < after.threshold
            trades = (
                before.false_matches >= after.false_matches
                and before.false_non_matches <= after.false_non_matches
            )
            if not rises or not trades:
                raise ValueError(
                    f"at threshold {after.threshold} more strangers or fewer owners fail than before it"
                )
        if self.points[0].false_matches > self.impostor_pairs:
            raise ValueError("more false matches than impostor pairs")
        if self.points[-1].false_non_matches > self.genuine_pairs:
            raise ValueError("more false non-matches than genuine pairs")
        return self

    def fmr(self, point: DetPoint) -> float:
        return point.false_matches / self.impostor_pairs

    def fnmr(self, point: DetPoint) -> float:
        return point.false_non_matches / self.genuine_pairs

    def at(self, threshold: float) -> DetPoint | None:
        """The measured point at just this threshold; between two points nothing is known."""
        return next((point for point in self.points if point.threshold == threshold), None)

    def shows(self, point: OperatingPoint) -> bool:
        """Whether an operating point comes from this very calibration."""
        ours = (self.samples, self.frames, self.data_set, self.date)
        return ours == (point.samples, point.frames, point.data_set, point.date)


class DetFile(BaseModel):
    """All curves of one model; `model_digest` is the manifest's, which calibrating does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = 1
    model: str
    model_digest: str
    curves: tuple[DetCurve, ...]

    def to_text(self) -> str:
        """JSON with one point a line, so that two calibrations can be compared with the usual tools."""
        curves = ",\n".join(_curve_text(curve) for curve in self.curves)
        head = json.dumps({"format": self.format, "model": self.model, "model_digest": self.model_digest})
        return f'{head[:-1]}, "curves": [\n{curves}\n]}}\n'


def curves_of(folder: Path, manifest: Manifest) -> tuple[DetCurve, ...]:
    """The curves that stand beside a manifest; none where it was never calibrated here. Raises ModelUnusable."""
    path = folder / f"{manifest.id}.det.json"
    if not path.is_file():
        return ()
    try:
        found = DetFile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelUnusable(f"`{path.name}` holds no DET curves") from error
    if found.model_digest != manifest.digest:
        raise ModelUnusable(f"`{path.name}` is of another version of `{manifest.id}`: calibrate this one")
    return found.curves


def _curve_text(curve: DetCurve) -> str:
    head = json.dumps(curve.model_dump(mode="json", exclude={"points"}), ensure_ascii=False)
    points = ",\n".join(json.dumps(point) for point in curve.points)
    return f'{head[:-1]}, "points": [\n{points}\n]}}'
