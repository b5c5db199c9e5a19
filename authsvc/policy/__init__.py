"""What a payer must prove for one payment: a document of data, and the pure engine that reads it."""
