"""Does the maker of a phone's system vouch for the app that made a capture? One file an attester, none of them on by default.

Each takes a statement as JSON and the challenge that stands for payment and capture, and says what it found or raises Refused.
"""
