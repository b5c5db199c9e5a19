"""The other flow: a one-time ticket of the payment backend, step by step, and all of it counts at once or nothing does.

For the enrollment service. `flow.py` is read first; `steps/` has one file a step, `recovery.py` serves who has lost the phone.
"""
