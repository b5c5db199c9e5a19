"""The HTTP API, for payment backends, payers' pages and operators: the only place with status codes.

`operations` is the vocabulary of a declared call; `backend`, `payer`, `enrollment`, `users`, `records` and `public` declare
them, one room of the API each; `dispatch` turns declarations into Flask routes and `openapi` into the published document.
"""
