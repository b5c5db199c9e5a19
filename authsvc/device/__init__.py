"""The device room: which phone is this, how well is it known, and did its key sign for this payment?

For the flows, by way of a verifier. WebAuthn stands in `webauthn.py`, and nowhere else; it knows only words.
"""
