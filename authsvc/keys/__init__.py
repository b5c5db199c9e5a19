"""Keys: the ring that signs and seals, its file, its public half as JWK, and what API keys and tokens open.

For bootstrap, storage and services. A room of words: it knows the clock, errors and nothing of payments.
"""
