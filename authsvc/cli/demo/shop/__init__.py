"""A small shop that plays the payment backend, with nothing but `authsvc.client`: for looking at, and for the browser tests."""
