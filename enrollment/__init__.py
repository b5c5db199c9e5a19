"""The enrolment application for people; a client of authsvc, which does not know it."""
