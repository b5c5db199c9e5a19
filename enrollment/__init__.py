"""The pages for people: confirming a payment, enrolling a phone, a code and a face, and looking after them.

A client of authsvc, which does not know it: everything here goes through the HTTP contract, with the token that a payment
backend handed over. `beside` puts the pages next to the API under one origin.
"""
