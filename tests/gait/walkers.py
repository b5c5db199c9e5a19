"""Made-up people who walk: a cycle of harmonics of their own, a cadence that varies a little, a phone that lies askew."""

from base64 import b64encode
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Walker:
    seconds: float
    strengths: tuple[float, ...]
    phases: tuple[float, ...]

    @classmethod
    def of(cls, number: int) -> "Walker":
        chance = Random(f"walker {number}")
        return cls(
            chance.uniform(0.95, 1.25),
            tuple(chance.uniform(0.3, 1) / (1 + place / 2) for place in range(5)),
            tuple(chance.uniform(0, 2 * np.pi) for _ in range(5)),
        )

    def walks(self, length: float, seed: int, rate: float = 50.0, noise: float = 0.15) -> Samples:
        """In units of g, with gravity, turned as the phone lies."""
        chance = np.random.default_rng(seed)
        pace = self.seconds * (1 + 0.02 * chance.standard_normal())
        at = np.arange(int(length * rate)) / rate / pace * 2 * np.pi
        bounce = sum(
            strength * np.sin((place + 1) * at + phase)
            for place, (strength, phase) in enumerate(zip(self.strengths, self.phases, strict=True))
        )
        upright = np.stack([0.05 * np.sin(at), 0.05 * np.cos(at), 1 + 0.3 * bounce], axis=1)
        turn, _ = np.linalg.qr(chance.standard_normal((3, 3)))
        walked: Samples = upright @ turn + noise * chance.standard_normal(upright.shape) * 0.3
        return walked

    def sent(self, length: float, seed: int, rate: float = 50.0) -> dict[str, object]:
        """As a page sends it."""
        thousandths = np.clip(self.walks(length, seed, rate) * 1_000, -32_768, 32_767)
        return {"rate": rate, "samples": b64encode(thousandths.astype("<i2").tobytes()).decode()}
