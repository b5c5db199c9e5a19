"""What every page of ours has in common, whoever serves it: the style sheet, scripts, headers, languages, and whose form it is.

`enrollment` and the console look and behave alike because both take it from here; it knows neither of them.
"""
