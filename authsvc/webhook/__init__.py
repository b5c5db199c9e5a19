"""Events on their way to the payment backends' own addresses: signed, repeated, in order where that is possible.

For the sender process. What is due stands in the store, behind `services/outbox.py`; the room itself knows only words.
"""
