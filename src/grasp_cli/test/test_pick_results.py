"""The sentence that `grasp sim` ends with."""

from grasp_bringup.pick_record import PickRecord
from grasp_cli.pick_results import summary_of


def record(name, success):
    return PickRecord(name, "OK" if success else "SLIPPED", success, None, None, 0.0, 1.0, "")


def test_the_interval_is_over_objects_where_they_come_again():
    once = [record(f"{index:03}", index < 7) for index in range(10)]
    assert summary_of(once).startswith(
        "7 of 10 picked (70 %, 95 % interval 40-89 %, wilson; 10 distinct objects)"
    )
    again = [record(name, name == "a") for name in "ab" * 5]
    assert summary_of(again).startswith(
        "5 of 10 picked (50 %, 95 % interval 0-100 %, bootstrap over objects; 2 distinct objects)"
    )
