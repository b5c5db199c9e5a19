"""The evidence of one decision as a page to read: Chinese and English beside each other, in one file that loads nothing.

It renders what the bundle says and what verifying it found; it shows no more than the bundle holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from authsvc.audit.witness import Witness
from authsvc.look.alone import both, document

Json = Mapping[str, Any]  # Any: what somebody else wrote; it is shown as text.

_STYLE = """
table { table-layout: fixed; }
th, td { overflow-wrap: anywhere; }
th { width: 30%; font-weight: 500; }
pre { overflow-x: auto; background: var(--wash); padding: .8rem; font-size: .8rem; }
"""

_NAMED = {
    "decision_id": ("决策", "Decision"),
    "subject": ("用户", "Payer"),
    "decided_at": ("时间", "Decided at"),
    "status": ("结果", "Status"),
    "level": ("级别", "Level"),
    "binding": ("支付摘要", "Binding of the payment"),
    "policy": ("策略", "Policy"),
    "device": ("设备", "Device"),
}


def page(bundle: Json, witness: Witness) -> str:
    """The whole page."""
    evidence = bundle.get("evidence")
    evidence = evidence if isinstance(evidence, dict) else {}
    parts = [
        _verdict(witness),
        _table("决策", "Decision", [(both(*_NAMED[name]), evidence.get(name)) for name in _NAMED]),
        _table("输入", "What the policy was told", _pairs(evidence.get("inputs"))),
        _table("规则", "Rules that fired", _numbered(evidence.get("reasons"))),
        _table("已完成的验证", "What was proven", _numbered(evidence.get("proofs"))),
        _table("经过", "Timeline", [(escape(str(line.get("at"))), _line(line)) for line in witness.timeline]),
        _table("审计", "Place in the audit", _places(bundle.get("timeline"))),
        _document(bundle.get("policy_document")),
    ]
    return document(f"证据 · Evidence {evidence.get('decision_id', '')}", parts, _STYLE)


def _verdict(witness: Witness) -> str:
    if witness.is_sound:
        text = both("已核对，未被改动。", "Verified: nothing was touched.")
        return f'<p class="verdict good">{text}<br><code>{escape(witness.evidence_hash)}</code></p>'
    faults = "".join(f"<li>{escape(each)}</li>" for each in witness.faults)
    return f'<div class="verdict bad">{both("核对失败：", "It does not hold:")}<ul>{faults}</ul></div>'


def _table(zh: str, en: str, rows: Sequence[tuple[str, object]]) -> str:
    if not rows:
        return f"<h2>{both(zh, en)}</h2><p>—</p>"
    body = "".join(f"<tr><th>{name}</th><td>{_value(value)}</td></tr>" for name, value in rows)
    return f"<h2>{both(zh, en)}</h2><table>{body}</table>"


def _value(value: object) -> str:
    if value is None or value in ({}, []):
        return "—"
    if isinstance(value, dict):
        return "<br>".join(f"{escape(str(name))}: {_value(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"<code>{escape(text)}</code>"


def _pairs(value: object) -> list[tuple[str, object]]:
    return [(escape(str(name)), each) for name, each in value.items()] if isinstance(value, dict) else []


def _numbered(value: object) -> list[tuple[str, object]]:
    return [(str(number), each) for number, each in enumerate(value, 1)] if isinstance(value, list) else []


def _line(line: Json) -> dict[str, object]:
    return {f"{line.get('actor')} {line.get('action')}": line.get("result")}


def _places(timeline: object) -> list[tuple[str, object]]:
    return list(_of_paths(timeline)) if isinstance(timeline, list) else []


def _of_paths(timeline: Sequence[Any]) -> Iterator[tuple[str, object]]:  # Any: as above.
    for path in timeline:
        if isinstance(path, dict) and path.get("links"):
            last = path["links"][-1]
            signed = path.get("head") or path.get("checkpoint") or {}
            yield (
                f"{escape(str(last.get('chain')))} {last.get('seq')}",
                {"hash": last.get("hash"), "key": signed.get("key_id")},
            )


def _document(document: object) -> str:
    text = escape(json.dumps(document, ensure_ascii=False, indent=1))
    return f"<h2>{both('策略全文', 'The policy as it was')}</h2><details><summary>JSON</summary><pre>{text}</pre></details>"
