"""What tests stand on: real servers that can be frozen and killed, free ports, the shared test data."""
