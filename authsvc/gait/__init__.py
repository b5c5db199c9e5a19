"""How alike are two ways of walking, as an accelerometer in a pocket saw them?

A pilot, off until it is switched on: what it says of a payment can only make a policy stricter, and it never says that
somebody is who they claim to be. Knows words alone, and computes in plain Python, so that the web process can.
"""
