"""How a process comes to life: opens stores, wires services, launches and watches, says whether it is healthy.

For `authsvc serve`, the commands and the tests. Stands above all else and may know everything.
"""
