"""The production server: any WSGI application behind processes that idle, slow and greedy clients cannot stall.

For `authsvc serve`. It knows nothing of payments: an event loop reads and writes, threads compute, limits hold before both.
"""
