"""The lab: how often an engine errs, on whom, and how sure one can be of it.

For testers and whoever sets thresholds, as `authsvc lab`. It measures the rooms as they are, and is never on a request's path.
"""
