"""The face room: is the person in front of this camera the one who was enrolled, and are they there at all?"""
