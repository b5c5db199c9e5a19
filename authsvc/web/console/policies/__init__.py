"""The policy's pages of the console: what decides, what would decide, and every step from a draft to the policy that is active.

`versions` lists and leads a version through its life, `editor` shows what a text would do while it is written, `trials` asks
recorded and live payments, `thresholds` shows on whom a false match rate was measured. What they show is made by pure
functions (`table_view`, `report_view`, `steps`); a refusal is shown with what to do about it, and stands in the audit.
"""
