"""What is wrong with this deployment, and what is to be done about it? For `authsvc doctor`.

Each module looks at one subject and yields findings; `examination.py` lists them all. Nothing is changed, and a service
may run meanwhile.
"""
