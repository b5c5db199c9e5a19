"""The voice room: from hostile bytes to a comparison."""
