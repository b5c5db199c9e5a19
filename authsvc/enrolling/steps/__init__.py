"""The steps of an enrollment, one file each: what a person is shown, what they hand in, and what comes of it."""
