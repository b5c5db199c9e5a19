"""A run's report as one page that loads nothing: rates with their intervals as tables and drawings, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from authsvc.look import alone
from authsvc.look.alone import both

Json = Mapping[str, Any]  # Any: a report

_STYLE = """
.scroll { overflow-x: auto; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } td.n { white-space: nowrap; }
svg.wide, svg.det { min-width: 34rem; }
.samples { display: flex; flex-wrap: wrap; gap: .8rem; }
figure { margin: 0; font-size: .75rem; max-width: 15rem; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 13px; fill: currentColor; }
"""
_ROWS = (
    ("apcer", "APCER"),
    ("iapar", "IAPAR"),
    ("non_response", "无响应 non-response"),
    ("refused_by_quality", "质量退回 sent back"),
)
_LIVE = (("bpcer", "BPCER"), _ROWS[2], _ROWS[3])
_ABOUT = (
    ("detector", "检测器", "Detector"),
    ("model_digest", "检测器摘要", "Its digest"),
    ("matcher", "比对器", "Matcher"),
    ("matcher_digest", "比对器摘要", "Its digest"),
    ("threshold", "阈值", "Threshold"),
    ("data_set", "数据集", "Data set"),
    ("data_set_digest", "数据集摘要", "Its digest"),
    ("licence", "许可", "Licence"),
    ("n_presentations", "样本数", "Presentations"),
    ("n_subjects", "人数", "Subjects"),
    ("commit", "提交", "Commit"),
    ("date", "日期", "Date"),
)
NOT_SHOWN = "无法证明 not shown"
WIDTH, BAR = 640, 26
EDGE, TOP, SIDE = 56, 26, 300


def page(found: Json) -> str:
    parts = [
        verdict(found),
        _worst(found),
        _drawn(found),
        _table(found),
        pad_curve(found.get("det", ())),
        _at_limits(found),
        _about(found),
    ]
    return document("呈现攻击检测 · Presentation attack detection", parts)


def document(title: str, parts: Iterable[str]) -> str:
    """A page of figures, in one file."""
    return alone.document(title, parts, _STYLE)


def verdict(found: Json) -> str:
    gate = found.get("gate")
    if gate is None:
        return f'<p class="verdict open">{both("未设限值。", "No limits were set.")}</p>'
    if not gate["faults"]:
        return f'<p class="verdict good">{both("满足所有限值。", "Every limit is met by its 95 % upper bound.")}</p>'
    items = "".join(f"<li>{escape(each)}</li>" for each in gate["faults"])
    return f'<div class="verdict bad">{both("未满足：", "Not met:")}<ul>{items}</ul></div>'


def _worst(found: Json) -> str:
    if found["worst_species"] is None:
        return f"<p>{both('没有攻击样本。', 'No attacks were tried.')}</p>"
    rate, bound = found["worst_apcer"], found["worst_apcer_upper_bound"]
    name = escape(found["worst_species"])
    return (
        f"<p>{both('最差类别', 'Worst species')}: <b>{name}</b>, APCER {rate:.1%}, ≤ {bound:.1%} (95 %)</p>"
    )


def _groups(found: Json) -> Iterator[tuple[str, Json, Sequence[tuple[str, str]]]]:
    for species, row in found["species"].items():
        yield species, row, _ROWS
    yield "真人 bona fide", found["bona_fide"], _LIVE


def _table(found: Json) -> str:
    rows = [
        f"<tr><td>{escape(group)}</td><td>{label}</td>{cells(row, name)}</tr>"
        for group, row, rates in _groups(found)
        for name, label in rates
    ]
    head = "<tr><th>类别 <span class=en>Species</span></th><th>比率 <span class=en>Rate</span></th>"
    head += "<th>k / n</th><th>%</th><th>95 %</th><th>≤ 95 %</th></tr>"
    return f'<h2>{both("比率", "Rates")}</h2><div class="scroll"><table>{head}{"".join(rows)}</table></div>'


def cells(row: Json, name: str) -> str:
    if row.get(name) is None:
        return f'<td class="n" colspan="4">{NOT_SHOWN}</td>'
    low, high = row[f"{name}_interval"]
    numbers = (
        f"{row[f'{name}_errors']} / {row[f'{name}_trials']}",
        f"{row[name]:.1%}",
        f"{low:.1%} – {high:.1%}",
        f"{row[f'{name}_upper_bound']:.1%}",
    )
    return "".join(f'<td class="n">{each}</td>' for each in numbers)


def _drawn(found: Json) -> str:
    """Each rate as a point in its interval, from 0 to 100 %."""
    bars = [
        (f"{label.split()[0]} {group}", row[name], row[f"{name}_interval"])
        for group, row, rates in _groups(found)
        for name, label in rates[:2]
        if row.get(name) is not None and name in ("apcer", "iapar", "bpcer")
    ]
    height, left = BAR * len(bars) + 30, 220
    span = WIDTH - left - 20
    drawn = [
        _bar(text, BAR * n + 13, left + rate * span, [left + end * span for end in ends])
        for n, (text, rate, ends) in enumerate(bars)
    ]
    axis = "".join(
        f'<line x1="{left + at * span:.1f}" x2="{left + at * span:.1f}" y1="0" y2="{height - 22}" stroke="#8884"/>'
        f'<text x="{left + at * span:.1f}" y="{height - 6}" text-anchor="middle">{at:.0%}</text>'
        for at in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    inside = f"{axis}{''.join(drawn)}"
    return f'<div class="scroll"><svg class="wide" viewBox="0 0 {WIDTH} {height}" role="img">{inside}</svg></div>'


def _bar(text: str, y: int, at: float, ends: Sequence[float]) -> str:
    low, high = ends
    line = f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="currentColor" stroke-width="2"/>'
    return f'<text x="0" y="{y + 5}">{escape(text)}</text>{line}<circle cx="{at:.1f}" cy="{y}" r="5" fill="#0969da"/>'


def pad_curve(points: Sequence[Sequence[float]]) -> str:
    """DET: BPCER over the worst species' APCER, each point a threshold."""
    if len(points) < 2:
        return ""
    corners = [(EDGE + apcer * SIDE, TOP + (1 - bpcer) * SIDE) for _, apcer, bpcer in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    inside = "".join(
        (
            *map(_tick, (0.0, 0.25, 0.5, 0.75, 1.0)),
            f'<text x="{EDGE + SIDE / 2}" y="{TOP + SIDE + 44}" text-anchor="middle">APCER</text>',
            f'<text x="0" y="14">BPCER</text><polyline points="{line}" fill="none" stroke="#0969da" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0969da"/>' for x, y in corners),
        )
    )
    box = f"0 0 {EDGE + SIDE + 30} {TOP + SIDE + 52}"
    drawn = f'<svg viewBox="{box}" role="img" style="max-width:26rem">{inside}</svg>'
    said = both(
        "每个点是一个阈值；0 % 可能只是因为样本太少，见上表区间。",
        "Each point is a threshold; 0 % may be for want of samples: see the intervals above.",
    )
    return f"<h2>{both('攻击检测的误差权衡', 'DET of attack detection')}</h2>{drawn}<p>{said}</p>"


def _tick(at: float) -> str:
    """A line of the grid each way, with its number."""
    x, y = EDGE + at * SIDE, TOP + (1 - at) * SIDE
    lines = f'<path d="M{x:.1f} {TOP}V{TOP + SIDE}M{EDGE} {y:.1f}H{EDGE + SIDE}" stroke="#8884"/>'
    across = f'<text x="{x:.1f}" y="{TOP + SIDE + 20}" text-anchor="middle">{at:.0%}</text>'
    return f'{lines}{across}<text x="{EDGE - 8}" y="{y + 5:.1f}" text-anchor="end">{at:.0%}</text>'


def _at_limits(found: Json) -> str:
    rows = [
        f"<tr><td>APCER {row['apcer']:.0%}</td>{cells(row, 'bpcer')}<td>{escape(row.get('reason') or '')}</td></tr>"
        for row in found["bpcer_at_apcer"]
    ]
    title = both("限定 APCER 时的 BPCER", "BPCER at APCER")
    return f'<h2>{title}</h2><div class="scroll"><table>{"".join(rows)}</table></div>'


def _about(found: Json) -> str:
    rows = [
        f"<tr><th>{both(zh, en)}</th><td><code>{escape(str(found[name]))}</code></td></tr>"
        for name, zh, en in _ABOUT
        if found.get(name) not in (None, "")
    ]
    return f"<h2>{both('出处', 'What stands behind it')}</h2><table>{''.join(rows)}</table>"
