"""The caller's side of the HTTP contract: what `authsvc.client` is made of. It knows the shared words and no room."""
