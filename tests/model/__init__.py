"""One account as an explicit-state model, searched whole for a way by which somebody gets more than they hold."""
