"""The caller's side of the HTTP contract: what `authsvc.client` is made of.

For payment backends, which may have nothing else of us installed. It knows the words and no room.
"""
