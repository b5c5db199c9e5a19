"""The overview without a browser: what was asked of its owner, and saying that it was somebody else."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.enrollment.directed import ORIGIN, DirectedApi


@pytest.fixture
def owner(stranger: FlaskClient) -> FlaskClient:
    stranger.post("/o/ovw_1", base_url=ORIGIN, data={"token": "ct_good"})
    return stranger


def shown(owner: FlaskClient) -> str:
    return owner.get("/o/ovw_1", base_url=ORIGIN).text


def test_a_line_says_when_where_with_which_device_and_how_it_ended(owner: FlaskClient):
    page = shown(owner)
    line = page[page.index('id="verifications"') : page.index('id="devices"')]
    for word in ("友谊超市", "¥39,690.04", "2026年11月22日", "我的手机", "验证通过", "指纹/面容/锁屏密码"):
        assert word in line
    assert "剩余 9 个" in page


def test_a_face_that_was_enrolled_anew_is_told_beside_the_check_that_did_it(
    owner: FlaskClient, api: DirectedApi
):
    sentence = "已用这次验证重新提取您的人脸特征信息"
    assert sentence not in shown(owner)
    api.overview["verifications"][0]["face_renewed"] = True
    assert shown(owner).count(sentence) == 1


@pytest.mark.parametrize(("amount", "word"), [("masked", "CNY ***"), ("hidden", "友谊超市")])
def test_an_amount_is_shown_as_far_as_the_backend_wishes(
    owner: FlaskClient, api: DirectedApi, amount: str, word: str
):
    line: dict[str, Any] = api.overview["verifications"][0]
    line |= {"amount": amount, "amount_minor": None}
    page = shown(owner)
    assert word in page
    assert "39,690" not in page


def test_this_was_not_me_stands_on_each_line_until_it_is_said(owner: FlaskClient, api: DirectedApi):
    page = shown(owner)
    key = page.split('name="form_key" value="')[1].split('"')[0]
    answer = owner.post("/o/ovw_1/verifications/dec_1/not-me", base_url=ORIGIN, data={"form_key": key})
    assert (answer.status_code, api.asked[-1]) == (303, "POST /v1/overviews/ovw_1/verifications/dec_1/not-me")
    api.overview["verifications"][0]["declined"] = "not_me"
    page = shown(owner)
    assert "已标记为非本人操作" in page
    assert "dec_1/not-me" not in page
