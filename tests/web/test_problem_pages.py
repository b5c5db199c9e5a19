"""What a problem means, on a plain page and as JSON: nothing of it runs, and code looks like code."""

import json

import pytest

from authsvc.web.problem_pages import as_json, as_page, index
from authsvc.web.problems import PROBLEMS


@pytest.mark.parametrize("slug", PROBLEMS)
def test_a_problem_is_explained_in_both_languages(slug: str) -> None:
    problem, page = PROBLEMS[slug], as_page(PROBLEMS[slug]).body.decode()
    assert '<p lang="en">' in page
    assert '<p lang="zh">' in page
    assert "`" not in page.partition("<body>")[2]
    assert json.loads(as_json(problem).body)["status"] == problem.status


def test_all_of_them_are_listed_and_nothing_may_run() -> None:
    reply = index(PROBLEMS.values())
    assert all(f"/v1/problems/{slug}" in reply.body.decode() for slug in PROBLEMS)
    assert "default-src 'none'" in dict(reply.headers)["Content-Security-Policy"]
    assert b"<script" not in reply.body
