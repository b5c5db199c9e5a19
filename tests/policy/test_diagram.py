"""What is said of all cells at once is what every cell says alone: the walk and the difference against full enumeration."""

import pytest

from authsvc.policy import loading
from authsvc.policy.boxes import Boxes
from authsvc.policy.cells import Space
from authsvc.policy.diagram import Budget, Diagram, Unfinished


def test_what_takes_more_steps_than_granted_is_unfinished() -> None:
    policy = loading.shipped()
    space = Space(policy)
    with pytest.raises(Unfinished):
        Diagram(space, Boxes(space, [policy]), lambda states, last: 1 if last else None, Budget(10))
