"""Words for what the audit says in codes."""

import pytest
from flask import Flask, g

from authsvc.web.console.codes import actor

PEOPLE = {"opr_ann": "安"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("operator:opr_ann", "<bdi>安</bdi>"),
        ("opr_ann", "<bdi>安</bdi>"),
        ("operator:opr_gone", "opr_gone"),
        ("backend", "接入方"),
        ("authsvc:restore", "从备份恢复"),
        ("command-line:root", "命令行 <bdi>root</bdi>"),
        ("command-line:10001", "命令行 <bdi>10001</bdi>"),
        ("operator:0", "命令行 <bdi>0</bdi>"),
    ],
)
def test_whoever_acted_has_a_name_that_is_read(name: str, shown: str) -> None:
    with Flask("here").app_context():
        g.language = "zh"
        assert str(actor(name, PEOPLE)) == shown
