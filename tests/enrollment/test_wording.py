"""How Chinese sentences are set: a line ends where a clause does."""

from enrollment.wording import clauses


def test_a_clause_stays_together():
    assert clauses("未扣款，账户未作变更。") == (
        '<span class="together">未扣款，</span><span class="together">账户未作变更。</span>'
    )


def test_other_text_is_as_it_is():
    assert (
        clauses("Nothing was paid, <b>or</b> changed.") == "Nothing was paid, &lt;b&gt;or&lt;/b&gt; changed."
    )
    assert clauses("") == ""
