"""What must hold whatever happens, shown against real processes on both kinds of store."""
