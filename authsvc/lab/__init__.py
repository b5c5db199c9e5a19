"""The lab: how often an engine errs, on whom, and how sure one can be of it. For testers and whoever sets thresholds."""
