"""The device room: which phone is this, and how well is it known?"""
