"""Trains the recogniser that tells whether the asked digits were spoken, on synthetic voices alone."""
