"""What the messages of every modality carry in their headers, written and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Modality, Template
from authsvc.errors import Unavailable
from authsvc.factor import Json, Unusable
from authsvc.workers.messages import RETRY_AFTER, Answer

T = TypeVar("T")

Fields = Mapping[str, Any]  # Any: decoded JSON; whatever does not fit raises while it is read.


def read(header: Json, reading: Callable[[Fields], T]) -> T:
    """What `reading` makes of the header. Raises Unavailable for one that a worker of another version wrote otherwise."""
    try:
        return reading(header)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable(
            "the biometric worker sent an unreadable response", retry_after=RETRY_AFTER
        ) from error


def read_result(header: Json, reading: Callable[[Fields], T]) -> T | Unusable:
    """The same, or why the capture could not be judged."""
    return read(header, lambda it: _unusable(it) if "unusable" in it else reading(it))


def _unusable(header: Fields) -> Unusable:
    return Unusable(tuple(map(str, header["unusable"])))


def unusable_answer(unusable: Unusable) -> Answer:
    return {"unusable": list(unusable.hints)}, ()


def template_fields(template: Template) -> Json:
    return {"modality": template.modality, "model": template.model, "samples": template.samples}


def read_template(fields: Fields, vector: bytes) -> Template:
    return Template(
        Modality(fields["modality"]),
        str(fields["model"]),
        vector,
        int(fields["samples"]),
        tuple(map(str, fields.get("fingerprints", ()))),
    )


def read_comparison(fields: Fields) -> Comparison:
    liveness = fields["liveness"]
    return Comparison(
        score=float(fields["score"]),
        model=str(fields["model"]),
        frames=int(fields["frames"]),
        liveness=LivenessResult(
            Liveness(liveness["verdict"]),
            tuple(map(str, liveness["detectors"])),
            _numbers(liveness["evidence"]),
        ),
        quality=_numbers(fields["quality"]),
        fingerprints=tuple(map(str, fields["fingerprints"])),
        part=str(fields["part"]),
    )


def _numbers(fields: Fields) -> dict[str, float]:
    return {str(name): float(value) for name, value in fields.items()}
