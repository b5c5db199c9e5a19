"""A policy, or the change between two, as a picture: amount across, risk down, one panel for each kind of device.

Everything else stands at its mildest. The same numbers are in the tables of `diff` and `analyze`; the picture is for seeing
a hole at a glance, and says each cell's level in words for whoever cannot see its colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from authsvc.policy.cells import Edge, Space
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import Level

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 96, 26, 64, 44, 56
_COLOURS = {
    Level.NONE: "#f4f4f4",
    Level.OTP: "#cfe3f6",
    Level.FACE: "#86b6e0",
    Level.FACE_FINGERPRINT: "#3d7ab8",
    Level.DENY: "#333333",
}
_LIGHT_TEXT = frozenset({Level.FACE_FINGERPRINT, Level.DENY})


def picture(before: Policy, after: Policy | None = None) -> str:
    """An SVG document; with two policies, the second one's levels, and each change written out and framed.

    Raises InvalidRequest where the two think in different currencies.
    """
    latest = before if after is None else after
    space = Space(before, latest)
    amounts, risks, devices = space.edges[:3]
    high = _TOP + len(risks.points) * _HEIGHT + _GAP
    size = f"0 0 {_LEFT + len(amounts.points) * _WIDTH + 16} {len(devices.points) * high}"
    title = f"{latest.id} version {latest.version}: level by amount ({space.currency}, smallest unit), risk and device"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
    ]
    for place, device in enumerate(devices.points):
        panel = _panel(space, (before, latest), place, device)
        lines.append(f'<g transform="translate(0 {place * high})">{panel}</g>')
    return "\n".join((*lines, "</svg>", ""))


def _panel(space: Space, policies: tuple[Policy, Policy], device: int, name: str) -> str:
    amounts, risks = space.edges[:2]
    parts = [f'<text x="{_LEFT}" y="16" font-weight="bold">{escape(name)} device</text>']
    parts += _headings(amounts, risks)
    for risk in range(len(risks.points)):
        for amount in range(len(amounts.points)):
            inputs = space.payment((amount, risk, device, *(0 for _ in space.edges[3:])))
            parts += _cell(amount, risk, policies, inputs)
    return "".join(parts)


def _headings(amounts: Edge, risks: Edge) -> Iterator[str]:
    for place, amount in enumerate(amounts.points):
        yield f'<text x="{_LEFT + place * _WIDTH + 4}" y="{_TOP - 8}">{amount}+</text>'
    for place, risk in enumerate(risks.points):
        yield f'<text x="{_LEFT - 6}" y="{_TOP + place * _HEIGHT + 17}" text-anchor="end">risk {risk}+</text>'


def _cell(amount: int, risk: int, policies: Sequence[Policy], inputs: Inputs) -> Iterator[str]:
    before, after = (policy.evaluate(inputs).level for policy in policies)
    x, y = _LEFT + amount * _WIDTH, _TOP + risk * _HEIGHT
    frame = "#ffffff" if before is after else "#c0392b"
    words = after.value if before is after else f"{_SHORT[before]} → {_SHORT[after]}"
    colour = "#ffffff" if after in _LIGHT_TEXT else "#111111"
    yield (
        f'<rect x="{x + 1}" y="{y + 1}" width="{_WIDTH - 2}" height="{_HEIGHT - 2}" '
        f'fill="{_COLOURS[after]}" stroke="{frame}" stroke-width="2"/>'
    )
    yield f'<text x="{x + 5}" y="{y + 17}" fill="{colour}">{words}</text>'


_SHORT = {
    Level.NONE: "none",
    Level.OTP: "otp",
    Level.FACE: "face",
    Level.FACE_FINGERPRINT: "face+fp",
    Level.DENY: "deny",
}
