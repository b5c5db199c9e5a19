"""Do the limits of gait hold for walkers on whom they were not chosen? `python benchmarks/gait.py --json`.

`like` and `unlike` were chosen on the walkers of `tests/gait/walkers.py`, smooth waves at a steady cadence. Those who are
judged here walk by another model: heels that strike, left unlike right, a cadence that drifts while they walk, days apart in
other shoes and at another pace, the phone in another pocket and swinging with the thigh, coloured noise, a sampling rate drawn
each time. Both are made up: how often real people would be told wrongly, neither says. One genuine and one foreign recording a
person.
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from authsvc.biometric.words import Modality, Template
from authsvc.gait.cycles_engine import walked
from authsvc.gait.service import LIKE, UNLIKE, likeness
from authsvc.gait.words import ENROLLED_SECONDS, MODEL, Likeness, Recording, Walked
from authsvc.lab.intervals import clopper_pearson
from tests.gait.walkers import Walker

Samples = NDArray[np.float64]
Sent = dict[str, object]

PROBED_SECONDS = 10
RATES = (25.0, 50.0, 60.0, 100.0)


@dataclass(frozen=True, slots=True)
class Stroller:
    """Two steps a cycle: when each heel strikes, how hard and how softly, and how far the thigh swings."""

    seconds: float
    right_after: float
    strikes: tuple[float, float]
    softness: float
    push_off: tuple[float, float]
    sway: tuple[float, float]

    @classmethod
    def of(cls, number: int, seed: int) -> Stroller:
        chance = np.random.default_rng([seed, number])
        return cls(
            seconds=chance.uniform(0.92, 1.32),
            right_after=chance.uniform(0.45, 0.55),
            strikes=(chance.uniform(0.5, 1.4), chance.uniform(0.5, 1.4)),
            softness=chance.uniform(0.025, 0.06),
            push_off=(chance.uniform(0.1, 0.28), chance.uniform(0.1, 0.7)),
            sway=(chance.uniform(0.05, 0.3), chance.uniform(0, 2 * np.pi)),
        )

    def on(self, day: int, length: float, rate: float, seed: int) -> Sent:
        """One recording; what a day brings (shoes, pace, pocket) is drawn for it alone."""
        chance = np.random.default_rng([seed, day, int(rate)])
        count = int(length * rate)
        phase = self._phase(count, rate, chance)
        shoes, softness = chance.normal(1, 0.1, 3), self.softness * chance.uniform(0.85, 1.2)
        left, right = (strike * shoe for strike, shoe in zip(self.strikes, shoes[:2], strict=True))
        upright = (
            left * _pulse(phase, 0.0, softness)
            + right * _pulse(phase, self.right_after, softness)
            + self.push_off[1]
            * shoes[2]
            * (
                _pulse(phase, self.push_off[0], 0.07)
                + _pulse(phase, self.right_after + self.push_off[0], 0.07)
            )
        )
        swing = self.sway[0] * np.sin(2 * np.pi * phase + self.sway[1])
        side = 0.4 * self.sway[0] * np.sin(4 * np.pi * phase)
        pocket = _turned(chance, swing * chance.uniform(0.3, 0.8))
        body = np.stack([swing, side, 1 + upright - upright.mean()], axis=1)
        seen = np.einsum("nij,nj->ni", pocket, body) + _coloured(chance, count)
        thousandths = np.clip(seen * 1_000, -32_768, 32_767).astype("<i2")
        return {"rate": rate, "samples": b64encode(thousandths.tobytes()).decode()}

    def _phase(self, count: int, rate: float, chance: np.random.Generator) -> Samples:
        """In cycles: today's pace, which wanders while somebody walks."""
        pace = self.seconds * chance.normal(1, 0.025)
        wandering = np.cumsum(chance.normal(0, 0.015 / np.sqrt(rate), count))
        moments = np.cumsum((1 + wandering) / pace / rate)
        found: Samples = moments + chance.uniform()
        return found


def _pulse(phase: Samples, at: float, width: float) -> Samples:
    """What a strike at one moment of each cycle looks like, `width` cycles broad."""
    away = (phase - at + 0.5) % 1 - 0.5
    found: Samples = np.exp(-0.5 * (away / width) ** 2)
    return found


def _turned(chance: np.random.Generator, by: Samples) -> Samples:
    """How the phone lies, anyhow, and turns about one axis with the thigh: a rotation for each sample."""
    lies, _ = np.linalg.qr(chance.standard_normal((3, 3)))
    turns = np.zeros((len(by), 3, 3))
    turns[:, 0, 0] = 1
    turns[:, 1, 1] = turns[:, 2, 2] = np.cos(by)
    turns[:, 1, 2], turns[:, 2, 1] = -np.sin(by), np.sin(by)
    found: Samples = lies @ turns
    return found


def _coloured(chance: np.random.Generator, count: int) -> Samples:
    """Noise of which each value keeps half of the one before, and now and then the phone that slips."""
    noise = chance.normal(0, 0.04, (count, 3))
    for at in range(1, count):
        noise[at] += 0.5 * noise[at - 1]
    noise[chance.random(count) < 0.004] += chance.normal(0, 0.5, 3)
    found: Samples = noise
    return found


def chosen_on(number: int) -> tuple[Sent, Sent]:
    """What one of the walkers on whom the limits were chosen enrolls with, and shows later."""
    walker = Walker.of(number)
    return walker.sent(ENROLLED_SECONDS, 2 * number + 1_000), walker.sent(PROBED_SECONDS, 2 * number + 1_001)


def judged(seed: int) -> Callable[[int], tuple[Sent, Sent]]:
    def of(number: int) -> tuple[Sent, Sent]:
        stroller, chance = Stroller.of(number, seed), np.random.default_rng([seed, number, 7])
        day, (first, later) = int(chance.integers(2, 60)), chance.choice(RATES, 2)
        own = seed * 1_000_003 + number
        return stroller.on(0, ENROLLED_SECONDS, first, own), stroller.on(day, PROBED_SECONDS, later, own)

    return of


def figures(people: int, of: Callable[[int], tuple[Sent, Sent]]) -> dict[str, object]:
    """What each person's later recording says beside their own template, and beside that of the next person."""
    recorded = [tuple(map(_recorded, of(number))) for number in range(people)]
    templates = [None if enrolled is None else _template(enrolled) for enrolled, _ in recorded]
    probes = [later for _, later in recorded]
    return {
        "genuine": _said(zip(templates, probes, strict=True)),
        "foreign": _said(zip(templates[1:] + templates[:1], probes, strict=True)),
    }


def _recorded(sent: Sent) -> Walked | None:
    return walked(Recording.read(float(str(sent["rate"])), str(sent["samples"])))


def _template(enrolled: Walked) -> Template:
    return Template(Modality.GAIT, MODEL, enrolled.gait.packed(), 1)


def _said(pairs: Iterable[tuple[Template | None, Walked | None]]) -> dict[str, object]:
    """Who could not be enrolled is left out; in whose later recording nobody walks evenly is `unknown`, as in the service."""
    said = Counter(
        Likeness.UNKNOWN if probe is None else likeness(probe, template, ())
        for template, probe in pairs
        if template is not None
    )
    return {each.value: _share(said[each], said.total()) for each in Likeness}


def _share(count: int, of: int) -> dict[str, object]:
    low, high = clopper_pearson(count, of)
    return {"k": count, "n": of, "95%": [round(low, 4), round(high, 4)]}


@click.command()
@click.option("--people", default=500, show_default=True)
@click.option("--seed", default=1961, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(people: int, seed: int, as_json: bool) -> None:
    found = {
        "like_from": LIKE,
        "unlike_below": UNLIKE,
        "chosen_on": figures(people, chosen_on),
        "judged": figures(people, judged(seed)),
    }
    for name, each in found.items():
        click.echo(f"{name}: {each}", err=as_json)
    if as_json:
        click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
