"""The life of a policy: draft, analysis, backtest, shadow, approval by a second person, activation, rollback.

For security teams, by API and console. The document and its proofs are `policy/`; here is what is stored and who may do it.
"""
