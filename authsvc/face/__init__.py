"""The face room: is the person in front of this camera the one who was enrolled, and are they there at all?

`service.py` says what the room does, `engine.py` what it needs, `*_engine.py` who provides it. Runs in a biometric worker;
`verifier.py` is what the flows see of it, and loads nothing heavy.
"""
