"""The values that are kept, and the contract of the store that keeps them: account, decision, challenge, ticket, receipt.

For flows, services and storage. Frozen values without reach: they know the words and the rooms' values, never a database.
What can be done to an account (freeze, remove, withdraw, erase) and the fresh proof that it takes stand in `account_*`.
"""
