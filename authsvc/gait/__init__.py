"""How alike are two ways of walking, as an accelerometer in a pocket saw them?

A pilot, for the lab alone: nothing of it is in the service, asks for a sensor or reaches a policy, and it never says that
somebody is who they claim to be. Knows words alone; the engine loads numpy.
"""
