"""The simulator node: stands for the robot's and the camera's drivers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from grasp_msgs.msg import ObjectTruth as ObjectTruthMsg
from grasp_msgs.srv import NewScene, PerturbObject, SceneTruth
from rclpy.node import Node
from std_msgs.msg import Float32

from grasp_core.camera_profile import load_camera
from grasp_core.errors import GraspStackError
from grasp_core.robot import load_robot
from grasp_ros.conversions import ns_to_stamp, pose_from_transform, vector
from grasp_ros.parameters import ParameterJudge
from grasp_ros.qos import RESULTS
from grasp_ros.spin import run
from grasp_sim.config import NO_BOARD
from grasp_sim.engine import Engine
from grasp_sim.node_config import SimNodeConfig
from grasp_sim.objects import ObjectSet, object_set
from grasp_sim.ros_controllers import ArmController
from grasp_sim.ros_hands import serve_hand
from grasp_sim.ros_running import Running
from grasp_sim.ros_sensors import Sensors
from grasp_sim.simulation import Simulation
from grasp_sim.truth import ObjectTruth

_THREADS = 8
_FACTOR_PERIOD_S = 1.0
_GOALS_END_S = 2.0


class SimulatorNode(Node):
    """Serves the hardware's topics and actions, and services to set and judge scenes."""

    def __init__(self) -> None:
        super().__init__("simulator")
        judge = ParameterJudge(self, self._change)
        self._config = config = judge.declare(SimNodeConfig)
        robot, camera = load_robot(config.robot, config.gripper), load_camera(config.camera)
        simulated = dataclasses.replace(config, noise=config.noise_of(camera))
        self._sensors = sensors = Sensors(self, config, robot, camera)
        self._arm_enabled = config.arm_enabled
        self._known_objects: set[tuple[str, str]] = set()
        self._engine = Engine(
            lambda: Simulation(simulated, robot, gui=config.gui), config.speed or config.max_speed
        )
        hand = robot.gripper
        hand_hz = min(config.joint_states_hz, hand.states_hz)
        self._engine.every(config.joint_states_hz, sensors.publish_time)
        self._engine.every(config.joint_states_hz, sensors.publish_joints)
        self._engine.every(config.joint_states_hz, sensors.publish_wrench)
        self._running = running = Running()
        tell = serve_hand(self, self._engine, running, hand)
        self._engine.every(hand_hz, tell or sensors.publish_hand)
        self._engine.every(config.tf_hz, sensors.publish_frames)
        self._engine.every(config.camera_hz, sensors.publish_images)
        self._engine.start()
        self._engine.call(self._begin)
        action = robot.arm.trajectory_action
        ArmController(self, action, self._engine, running, lambda: self._arm_enabled)
        self.create_service(NewScene, "~/new_scene", self._new_scene)
        self.create_service(PerturbObject, "~/perturb", self._perturb)
        self.create_service(SceneTruth, "~/truth", self._truth)
        self._factor = self.create_publisher(Float32, "~/real_time_factor", RESULTS)
        self.create_timer(_FACTOR_PERIOD_S, self._tell_factor)

    def destroy_node(self) -> None:
        """Stop the engine, let the goals end, then destroy."""
        self._engine.stop()
        self._running.wait(_GOALS_END_S)
        super().destroy_node()

    def _begin(self, simulation: Simulation) -> None:
        config = self._config
        names = ["a calibration board"]  # and nothing that could lie on it
        if config.board == NO_BOARD:
            drawn = simulation.objects.draw(config.clutter, config.seed)
            self._tell_findings(simulation.objects, drawn)
            names = simulation.new_scene(drawn, config.seed)
        simulation.scale_speed(config.speed_scaling)
        self._sensors.publish_camera_pose(simulation)
        self.get_logger().info(f"{', '.join(names)} in the cell; renderer {simulation.renderer}")

    def _tell_findings(self, objects: ObjectSet, names: Sequence[str]) -> None:
        """Say what was replaced in the files of objects that come for the first time."""
        new = {(objects.name, name) for name in names} - self._known_objects
        self._known_objects |= new
        for sentence in objects.findings(name for _, name in new):
            self.get_logger().warning(f"objects {objects.name}: {sentence}")

    def _change(self, config: SimNodeConfig) -> None:
        self._arm_enabled = config.arm_enabled
        self._sensors.camera_enabled = config.camera_enabled
        self._engine.call(lambda simulation: simulation.scale_speed(config.speed_scaling))

    def _new_scene(
        self, request: NewScene.Request, response: NewScene.Response
    ) -> NewScene.Response:
        def build(simulation: Simulation) -> list[str]:
            objects = object_set(request.objects) if request.objects else simulation.objects
            count = request.clutter or self._config.clutter
            names = list(request.names) or objects.draw(count, request.seed)
            self._tell_findings(objects, names)
            return simulation.new_scene(names, request.seed, objects)

        try:
            response.names = self._engine.call(build)
            response.renderer = self._engine.call(lambda simulation: simulation.renderer)
            response.success = True
        except GraspStackError as error:
            response.message = str(error)
        return response

    def _perturb(
        self, request: PerturbObject.Request, response: PerturbObject.Response
    ) -> PerturbObject.Response:
        offset = np.array([request.vector.x, request.vector.y, request.vector.z])
        operations = {
            PerturbObject.Request.REMOVE: lambda s: s.remove(request.name),
            PerturbObject.Request.MOVE: lambda s: s.move(request.name, offset),
            PerturbObject.Request.PULL: lambda s: s.pull(request.name, offset, request.duration_s),
        }
        if request.operation not in operations:
            response.message = (
                f"operation {request.operation} is none of {', '.join(map(str, operations))}"
            )
            return response
        try:
            response.message = self._engine.call(operations[request.operation])
            response.success = True
        except GraspStackError as error:
            response.message = str(error)
        return response

    def _truth(
        self, request: SceneTruth.Request, response: SceneTruth.Response
    ) -> SceneTruth.Response:
        def look(simulation: Simulation) -> None:
            response.stamp = ns_to_stamp(simulation.time_ns)
            response.objects = [_truth_message(truth) for truth in simulation.truth()]
            response.opening_m = simulation.gap_m
            response.arm_speed = float(np.abs(simulation.arm_state()[1]).max())
            response.renderer = simulation.renderer

        try:
            self._engine.call(look)
        except (GraspStackError, ValueError) as error:  # ValueError: a pose that is not finite
            self.get_logger().error(f"the truth is not to be had: {error}")
            return SceneTruth.Response()
        return response

    def _tell_factor(self) -> None:
        self._engine.check()  # without its simulation the node has nothing left to do
        self._factor.publish(Float32(data=float(self._engine.real_time_factor)))


def _truth_message(truth: ObjectTruth) -> ObjectTruthMsg:
    return ObjectTruthMsg(
        name=truth.name,
        pose=pose_from_transform(truth.pose),
        size=vector(truth.size_m),
        mass_kg=truth.mass_kg,
        in_bin=truth.in_bin,
        between_fingers=truth.between_fingers,
        on_support=truth.on_support,
    )


def main() -> None:
    """Run the simulator node."""
    raise SystemExit(run(SimulatorNode, _THREADS))


if __name__ == "__main__":
    main()
