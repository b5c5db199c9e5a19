"""`authsvc`: the commands of whoever runs the service, one file a group.

Groups of a room stand in the room (`audit/commands.py`, `lab/commands.py`); here are those that need stores and settings, and
`demo/`, which plays one payment from the outside, as a client of the HTTP contract.
"""
