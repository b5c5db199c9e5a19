"""`authsvc demo`: one payment's story, told from the outside to whoever wants to see the service at work."""
