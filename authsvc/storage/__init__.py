"""Everything that knows a database: schema, statements, the group-commit ledger, sealing, and the ephemeral stores.

Implements the contract of `domain/store.py` on SQLite and PostgreSQL, and that of `ephemeral.py` on SQLite and Redis. Only
`bootstrap/` and `cli/` import it.
"""
