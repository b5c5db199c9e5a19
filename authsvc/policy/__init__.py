"""What a payer must prove for one payment: a document of data, the pure engine that reads it, and proofs about it.

For the flow, which asks `engine.py`, and for security teams: `analysis.py`, `diff.py` and `backtest.py`. It knows only words.
"""
