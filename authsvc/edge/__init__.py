"""What the world outside writes, and how it is written back: text that names somebody, amounts that people read, HTTP.

For everybody: it knows errors and nothing else of authsvc.
"""
