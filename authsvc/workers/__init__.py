"""Biometric work in processes of its own: the web asks over a Unix-domain socket, and waits boundedly.

`server` accepts and queues, `runner` computes one job at a time in a process that may die, `client` is what the web imports.
"""
