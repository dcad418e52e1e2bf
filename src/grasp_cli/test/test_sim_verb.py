"""What `grasp sim` takes from its arguments and from the parameter files."""

import argparse

from grasp_cli.verbs import sim as sim_command


def options_of(*arguments):
    parser = argparse.ArgumentParser()
    sim_command.add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_command_tells_what_the_files_decide(edit):
    edit("simulator", "noise: none", "noise: d435")
    edit("simulator", "clutter: 1", "clutter: 4")
    edit("detector", "detector: default", "detector: antipodal")
    options = options_of("--seed", "7")
    named = sim_command.check(options)
    assert named == {"seed": "7", "speed": "max", "continuous": "false"}
    assert (options.noise, options.clutter, options.detector) == ("d435", 4, "antipodal")
    options = options_of("--noise", "none", "--gui", "--camera-tilt", "20")
    named = sim_command.check(options)
    assert named == {
        **{"noise": "none", "gui": "true", "camera_tilt": "20.0"},
        **{"speed": "1", "continuous": "true"},
    }
    assert options.noise == "none"
