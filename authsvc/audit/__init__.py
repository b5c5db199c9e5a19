"""What happened, so that it cannot be changed afterwards without being found out.

For auditors and every part that records. A chain of lines, signed heads and checkpoints, a verifier; it knows words, and what a
page in one file is.
"""
