"""How is everything kept that a service is made of, and how does it come back?

`label.py` says what a backup is, `taking.py` makes one while the service runs, `restoring.py` brings one back: what it has
forgotten is named, what was taken away from people stays away, and the audit says who did it.
"""
