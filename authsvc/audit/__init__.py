"""What happened, so that it cannot be changed afterwards without being found out."""
