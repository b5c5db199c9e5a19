"""Step-up authentication for payments: what must this payer prove, did they, and a receipt that says so."""

__version__ = "0.1.0"
