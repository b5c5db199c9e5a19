"""The voice room: recordings into templates and comparisons, and whether the asked digits were spoken.

`service.py` says what the room does, `engine.py` what it needs, `*_engine.py` who provides it. Runs in a biometric worker;
`verifier.py` is what the flows see of it, and loads nothing heavy.
"""
