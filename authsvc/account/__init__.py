"""What a person or their backend does to an account: freeze, remove, withdraw, erase; and the fresh proof that it takes.

For services and flows. Knows the words, the rooms' values and the domain.
"""
