"""What is usual for one payer, and how far does this payment lie from it?

For the flow, which learns from settled payments and asks before each decision. Counts that fade, nothing else: whoever has the
numbers can check every signal by hand. Knows words alone; it keeps nothing and asks no clock.
"""
