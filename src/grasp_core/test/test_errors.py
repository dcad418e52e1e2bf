"""Which codes say that the stack failed, and which that a grasp did."""

from grasp_core.errors import Code

OF_THE_PICK = {
    *(Code.OK, Code.CANCELLED, Code.DRY_RUN),
    *(Code.NO_GRASP, Code.OBJECT_NOT_FOUND),
    *(Code.OUTSIDE_WORKSPACE, Code.TOO_WIDE, Code.UNREACHABLE, Code.PLANNING_FAILED),
    *(Code.COLLISION, Code.UNEXPECTED_CONTACT),
    *(Code.EMPTY_GRIP, Code.SLIPPED, Code.DROPPED, Code.HAND_NOT_EMPTY, Code.NOT_PLACED),
}


def test_every_code_is_of_the_pick_or_a_fault_of_the_stack():
    """A new code fails here until somebody has decided."""
    assert {code for code in Code if not code.is_stack_fault} == OF_THE_PICK
