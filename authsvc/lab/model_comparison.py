"""Two face matchers side by side on the operator's own people: what each refuses at the same false match rates.

Each gets the threshold that these very people ask for, so neither is helped by a calibration on others; the rates are therefore
those of the people it was set on, and the order of the two is what may be learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from authsvc.biometric.manifest import OperatingPoint, rate_of
from authsvc.lab.face import FaceData, acquisition
from authsvc.lab.groups import Groups, by_group
from authsvc.lab.iso19795 import errors_at
from authsvc.lab.operating_points import threshold_for
from authsvc.lab.trials import Trials

Json = dict[str, Any]  # Any: a report


def compared(data: FaceData, targets: tuple[str, ...], groups: Groups) -> Json:
    """One matcher: FNMR at each target on one sample against one, and on as many as its manifest fuses."""
    fusion = data.manifest.fusion
    kinds = sorted({(1, 1), (fusion.samples, fusion.frames)})
    return {
        "model": data.manifest.id,
        "model_digest": data.manifest.digest,
        "licence": data.manifest.licence.name,
        "training_data": data.manifest.licence.training_data,
        "fta": acquisition(data)["fta"],
        "rows": [row for kind in kinds for row in _rows(data, data.trials(*kind), targets, groups)],
    }


def _rows(data: FaceData, trials: Trials, targets: tuple[str, ...], groups: Groups) -> Iterator[Json]:
    for target in targets:
        about = {"target_fmr": target, "samples": trials.samples, "frames": trials.frames}
        threshold = threshold_for(trials, rate_of(target)) if len(trials.genuine) else None
        if threshold is None:
            yield {**about, "threshold": None, "reason": "too few comparisons for this rate"}
            continue
        errors = errors_at(trials, threshold)
        fmr, fnmr = errors.fmr(), errors.fnmr()
        yield {
            **about,
            "threshold": threshold,
            **({} if fmr is None else fmr.to_json("fmr")),
            **({} if fnmr is None else fnmr.to_json("fnmr")),
            "groups": by_group(data.people, ((_point(about, threshold), errors),), groups),
        }


def _point(about: Json, threshold: float) -> OperatingPoint:
    """What groups are reported against; only target, samples, frames and threshold mean anything."""
    return OperatingPoint(
        **about,
        threshold=threshold,
        fmr=0,
        fnmr=0,
        people=2,
        genuine_pairs=1,
        impostor_pairs=1,
        data_set="these people",
        population="these people",
        date="2000-01-01",
    )
