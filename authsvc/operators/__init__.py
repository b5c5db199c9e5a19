"""Those who operate the service: who they are, how they sign in, and what they look at and do.

Nothing is shared with payment backends and payers: other tables, other tokens, other labels under the key ring.
"""
