"""A whole run as one page that loads nothing: verdict, every rate with its interval, DET curves, what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from authsvc.lab.pad_page import NOT_SHOWN, document, pad_curve, verdict
from authsvc.lab.page_pictures import Picture, section
from authsvc.look.alone import both

Json = Mapping[str, Any]  # Any: a report

_PARTS = {
    "face": ("人脸比对", "Face comparison"),
    "pad": ("呈现攻击检测", "Presentation attack detection"),
    "chain": ("整条链路，活体检测开启", "The whole chain, liveness on"),
    "voice chain": ("声音整条链路", "The whole chain, voices"),
    "voice": ("声音比对", "Voice comparison"),
    "prompt": ("数字核对", "Digits heard"),
}
_RATES = {
    "fta": "FTA",
    "fte": "FTE",
    "non_response": "无响应 non-response",
    "accepted": "接受 accepted",
    "rejected": "拒绝 rejected",
}
_GROUPS = {"bona_fide": "真人 bona fide"}
_HEAD = (("样本组", "Group"), ("比率", "Rate"))
_NUMBERS = (("k / n", ""), ("%", ""), ("95 %", ""), ("≤ 95 %", ""), ("阈值", "Threshold"))
MET_BY = "每项上界以单侧 95 % 计；多人共享的比较另以按人重抽样计，取较大者。"
MET_BY_EN = "Bounds: exact, and by resampling people; the one farther out."


def page(run: Json, pictures: Sequence[Picture] = ()) -> str:
    parts = [
        verdict(run),
        *(
            _table(part, list(rows)) + _worst(part, run)
            for part, rows in groupby(run["figures"], lambda row: row["part"])
        ),
        f"<p>{both(MET_BY, MET_BY_EN)}</p>",
        _drawn(run),
        pad_curve((run.get("pad") or {}).get("det", ())),
        section(pictures),
        _warnings(run),
        _about(run),
    ]
    return document("实验室报告 · Lab report", parts)


def _table(part: str, rows: Sequence[Json]) -> str:
    head = "".join(f"<th>{both(zh, en)}</th>" for zh, en in _HEAD)
    head += "".join(f'<th class="n">{both(zh, en)}</th>' for zh, en in _NUMBERS)
    body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in rows)
    title = both(*_PARTS[part])
    return f'<h2>{title}</h2><div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _worst(part: str, run: Json) -> str:
    """Attacks are never pooled: the species that gets through the most is named."""
    of_attacks = {
        "pad": [run.get("pad")],
        "chain": [run.get("chain")],
        "voice chain": run.get("voice_chains", ()),
    }
    named = [each["worst_species"] for each in of_attacks.get(part, ()) if each and each["worst_species"]]
    said = ", ".join(f"<b>{escape(each)}</b>" for each in named)
    return f"<p>{both('最差类别', 'Worst species')}: {said}</p>" if named else ""


def _cells(row: Json) -> Iterator[str]:
    yield f"<td>{_GROUPS.get(row['group'], escape(row['group']))}</td>"
    yield f"<td>{_RATES.get(row['rate'], row['rate'].upper())}</td>"
    if row["value"] is None:
        yield f'<td colspan="4">{NOT_SHOWN}<br><span class="en">{escape(row["why"])}</span></td>'
    else:
        yield from (f'<td class="n">{each}</td>' for each in _numbers(row))
    yield f'<td class="n">{_threshold(row["threshold"])}</td>'


def _numbers(row: Json) -> tuple[str, ...]:
    low, high = row["interval"]
    counted = f"{row['errors']} / {row['trials']}"
    return counted, f"{row['value']:.2%}", f"{low:.2%} – {high:.2%}", f"{row['upper_bound']:.2%}"


def _threshold(value: Any) -> str:
    if isinstance(value, Mapping):
        return "<br>".join(escape(f"{name} {each}") for name, each in value.items())
    return "" if value is None else escape(str(value))


def _drawn(run: Json) -> str:
    svg = run.get("face_det")
    title = both("人脸检测误差权衡", "DET of face comparison")
    return f'<h2>{title}</h2><div class="scroll">{svg}</div>' if svg else ""


def _warnings(run: Json) -> str:
    items = "".join(f"<li>{escape(each)}</li>" for each in run["warnings"])
    return f"<h2>{both('未能证明的', 'What is not shown')}</h2><ul>{items}</ul>" if items else ""


def _about(run: Json) -> str:
    rows = [
        (both("数据", "Data"), run["data_set"]),
        (both("数据摘要", "Its digest"), run["data_set_digest"]),
        *((escape(model["id"]), f"{model['digest']}") for model in run["models"]),
        (both("策略", "Policy"), run["policy"]),
        (both("版本", "Version"), f"{run['version']} {run['commit'] or ''}"),
        (both("日期", "Date"), run["date"]),
    ]
    cells = "".join(
        f"<tr><th>{name}</th><td><code>{escape(str(value))}</code></td></tr>" for name, value in rows
    )
    return f"<h2>{both('出处', 'What stands behind it')}</h2><table>{cells}</table>"
