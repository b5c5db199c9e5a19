"""Drills: attacks played over HTTP as an attacker would, each with the control that must stop it.

For security teams, as `authsvc drill`. A drill prepares people of its own, attacks them, and says what the service answered; it
knows the service's HTTP contract and nothing of its inside. Files are sorted by what the attacker has.
"""
