"""The voice room: recordings into templates and comparisons, and whether the asked digits were spoken."""
