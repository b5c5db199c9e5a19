"""Everything that knows a database: schema, statements, the group-commit ledger, sealing, and the ephemeral stores."""
