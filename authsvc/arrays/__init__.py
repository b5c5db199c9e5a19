"""What face and voice both do with arrays: vectors and their likeness, networks, and the table that says what a network takes.

Words of the biometric rooms alone: whoever imports this brings numpy with it.
"""
