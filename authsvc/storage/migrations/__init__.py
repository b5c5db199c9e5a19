"""The history of the durable schema, for Alembic."""
