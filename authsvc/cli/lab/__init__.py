"""The part of `authsvc lab` that needs a whole service: samples replayed against it, and everything in one run."""
