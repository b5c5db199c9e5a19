"""`authsvc demo` and the shop: one payment's story, played from the outside for whoever wants to see the service at work.

A client of the HTTP contract like any other; `shop/` has the pages of a shop that asks before it takes money.
"""
