"""Application services: what a payment backend, a payer, a person who enrolls and an operator can ask for, one file each.

For the web, which parses, calls one of these and renders. They open transactions, and know flows, domain and rooms.
"""
