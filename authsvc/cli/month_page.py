"""A month's figures as one page that loads nothing, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from authsvc.lab.pad_page import NOT_SHOWN, document
from authsvc.look.alone import both

Json = Mapping[str, Any]  # Any: a report

_TABLES = (
    ("decisions", "决策（状态：级别）", "Decisions (status:level)"),
    ("challenges", "验证如何结束", "How challenges ended"),
    ("factors", "各验证方式的结果", "Factors as judged"),
    ("liveness_rejects", "活体检测拒绝", "Liveness rejects"),
    ("outcomes", "后端所报结果", "Outcomes that backends recorded"),
    ("warnings", "付款警示", "Warnings"),
    ("account_acts", "账户操作", "Acts on accounts"),
)


def page(report: Json) -> str:
    parts = [
        f"<p>{escape(report['since'])} – {escape(report['until'])} (UTC)</p>",
        _headline(report),
        *(_counts(both(zh, en), report[name]) for name, zh, en in _TABLES),
        _exemptions(report["exemptions"]),
        _lab(report.get("lab")),
        _findings(report["open_findings"]),
        _about(report),
    ]
    return document("风险控制月报 · Monthly risk-control report", parts)


def _headline(report: Json) -> str:
    fraud, rejects, freeze = report["fraud"], report["false_rejects"], report["time_to_freeze"]
    rows = (
        (both("标记为欺诈", "Labelled as fraud"), f"{fraud['labelled']}"),
        (both("其中已通过验证", "Of them authenticated"), f"{fraud['of_them_authenticated']}"),
        (both("误拒（随后由本人通过）", "False rejects (their payer passed then)"), _share(rejects)),
        (both("锁定期间的尝试", "Tries while locked out"), f"{report['lock_outs']}"),
        (both("欺诈至冻结", "From fraud to freeze"), _waited(freeze)),
    )
    return _table("".join(f'<tr><th>{name}</th><td class="n">{value}</td></tr>' for name, value in rows))


def _share(rejects: Json) -> str:
    k, n = rejects["challenges"], rejects["of_authenticated"]
    return f"{k} / {n}" if n else NOT_SHOWN


def _waited(freeze: Json) -> str:
    if freeze["seconds"] is None:
        return f"{NOT_SHOWN} ({freeze['frozen']} / {freeze['frauds']})"
    median, longest = (round(freeze["seconds"][name] / 60) for name in ("median", "longest"))
    frozen = f"{freeze['frozen']} / {freeze['frauds']}"
    return f"{frozen}; {both('中位', 'median')} {median} min, {both('最长', 'longest')} {longest} min"


def _counts(title: str, counts: Mapping[str, int]) -> str:
    rows = "".join(
        f'<tr><td><code>{escape(name)}</code></td><td class="n">{count}</td></tr>'
        for name, count in counts.items()
    )
    return f"<h2>{title}</h2>{_table(rows)}"


def _exemptions(exemptions: Mapping[str, Json]) -> str:
    rows = "".join(
        f'<tr><td><code>{escape(name)}</code></td><td class="n">{each["payments"]}</td>'
        f'<td class="n">{escape(", ".join(_amounts(each)))}</td></tr>'
        for name, each in exemptions.items()
    )
    return f"<h2>{both('豁免', 'Exemptions, with sums in minor units')}</h2>{_table(rows)}"


def _amounts(exemption: Json) -> Iterator[str]:
    return (f"{currency} {amount}" for currency, amount in exemption["amount_minor"].items())


def _lab(lab: Json | None) -> str:
    title = both("实验室", "Lab")
    if lab is None:
        return f"<h2>{title}</h2><p>{NOT_SHOWN}</p>"
    faults = (lab["gate"] or {}).get("faults")
    passed, missed = both("满足所有限值", "every limit is met"), both("未满足", "not met")
    verdict = both("未设限值", "no limits") if faults is None else missed if faults else passed
    made = f"{escape(str(lab['date']))}, {escape(str(lab['data_set']))}"
    items = "".join(f"<li>{escape(each)}</li>" for each in faults or ())
    return f"<h2>{title}</h2><p>{made}: {verdict}</p>" + (f"<ul>{items}</ul>" if items else "")


def _findings(findings: list[str] | None) -> str:
    title = both("未决事项", "Open findings")
    if findings is None:
        return f"<h2>{title}</h2><p>{NOT_SHOWN}</p>"
    items = "".join(f"<li>{escape(each)}</li>" for each in findings)
    return f"<h2>{title}</h2>" + (f"<ul>{items}</ul>" if items else f"<p>{both('无', 'none')}</p>")


def _about(report: Json) -> str:
    audit = report["audit"]
    state = both("完好", "sound") if audit["sound"] else both("有损", "not sound")
    lines = f"{both('取自审计日志', 'From the audit log')}: {audit['lines']} {both('行', 'lines')}, {state}"
    return f"<h2>{both('出处', 'What stands behind it')}</h2><p>{lines}</p>"


def _table(rows: str) -> str:
    if not rows:
        return f"<p>{both('无', 'none')}</p>"
    return f'<div class="scroll"><table>{rows}</table></div>'
