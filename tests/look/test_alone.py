"""A page in one file: nothing that stands in it is loaded, run or taken for markup."""

from authsvc.look.alone import both, document


def test_a_page_in_one_file_loads_and_runs_nothing():
    page = document("Evidence <script>", ["<p>as it is</p>"], "p { margin: 0; }")
    assert page.index("Content-Security-Policy") < page.index("<title>")
    assert "default-src 'none'" in page
    assert "script-src" not in page
    assert "<script>" not in page
    assert page.count("Evidence &lt;script&gt;") == 2
    assert "p { margin: 0; }" in page
    assert "<p>as it is</p>" in page


def test_both_languages_stand_beside_each_other():
    assert both("决策", "Decision") == '决策 <span class="en">Decision</span>'
