"""The production server: any WSGI application behind processes that idle, slow and greedy clients cannot stall."""
