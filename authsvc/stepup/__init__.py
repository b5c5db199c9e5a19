"""The one flow: how a payment is decided, challenged and released. Read `flow.py` from top to bottom first.

For services. Factors are known only as verifiers that bootstrap hands in; storage and web are not known at all.
"""
