"""Gets weight files: from pinned packages, from URLs, from files; checks and lists them."""
