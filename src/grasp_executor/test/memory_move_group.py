"""A move_group in memory: the port that MoveItPlanner asks, answered by the embedded planner.

It behaves as the real one was measured to: every failure of planning is FAILURE (99999) and may
come with a path, a straight line is a SUCCESS whatever share of it was followed, and its model
frame is not the robot's base frame.
"""

from __future__ import annotations

import itertools

import numpy as np

from grasp_core.errors import PlanFailure
from grasp_core.transform import Transform
from grasp_executor.planning.embedded import EmbeddedPlanner
from grasp_executor.planning.embedded_config import EmbeddedConfig
from grasp_executor.planning.inverse import InverseKinematics
from grasp_executor.planning.kinematics import Kinematics, interpolate_pose
from grasp_executor.planning.line import trace_line
from grasp_executor.planning.move_group import (
    AllowedContacts,
    Answer,
    SceneContents,
    TimedPath,
)
from grasp_executor.planning.moveit_codes import SUCCESS
from grasp_executor.planning.moveit_scene import CARRIED, links_of
from grasp_executor.scene import ATTACHED, Box, CollisionScene

FAILURE, NO_IK_SOLUTION, INVALID_LINK_NAME = 99999, -31, -18
T_MODEL_BASE = Transform.from_rpy((0.0, 0.0, 0.7), (0.4, -0.3, 0.2))


class MemoryMoveGroup:
    """Answers at once, after asking ``wait``.

    Attributes:
        fails: Codes with which the next requests for a path fail, in order.
        followed: Most of a straight line that is followed, a share.
        intrude: Called before each request for a path or a line; may change the scene.
        T_model_base: Where the robot stands.
    """

    def __init__(self, robot):
        self._robot = robot
        self._kinematics = Kinematics(robot)
        self._inverse = InverseKinematics(robot, self._kinematics)
        self._planner = EmbeddedPlanner(
            robot, EmbeddedConfig(padding_m=0.0, leave_depth_m=0.0, joint_margin_rad=0.0)
        )
        self._links, _ = links_of(robot)
        pairs = (frozenset(text.split()) for text in robot.arm.allowed_contacts)
        self.scene = SceneContents({}, (), AllowedContacts(self._links, frozenset(pairs), {}))
        self.T_model_base = T_MODEL_BASE
        self.fails = []
        self.followed = 1.0
        self.intrude = lambda: None
        self.changes = 0
        self._entered = None

    def read_scene(self, wait):
        wait()
        return self.scene

    def change_scene(self, put, remove, contacts, wait):
        wait()
        self.changes += 1
        solids = {name: s for name, s in self.scene.solids.items() if name not in set(remove)}
        solids.update((solid.name, solid) for solid in put)
        self.scene = SceneContents(solids, self.scene.others, _without_defaults(contacts))
        return True

    def remove(self, name):
        """As another client would."""
        self.change_scene((), [name], self.scene.contacts, lambda: None)

    def poses(self, state, links, wait):
        wait()
        tcp = self.T_model_base @ self._kinematics.forward(self._joints(state))
        known = {self._robot.arm.base_frame: self.T_model_base, self._robot.arm.tcp_frame: tcp}
        if not set(links) <= set(known):
            return INVALID_LINK_NAME, []
        return SUCCESS, [known[link] for link in links]

    def configurations(self, states, group, link, pose, wait):
        found = []
        for state in states:
            wait()
            seed = self._joints(state)
            joints = self._inverse.solve_from(self.T_model_base.inverse() @ pose, seed)
            if joints is None:
                found.append((NO_IK_SOLUTION, {}))
            else:
                names = self._robot.arm.joints
                found.append((SUCCESS, dict(zip(names, joints, strict=True))))
        return found

    def touching(self, states, group, wait):
        if states:
            self._enter(states[0])
        world = self._planner._clearance.padded
        found = []
        for state in states:
            wait()
            joints = self._joints(state)
            pairs = world.touching(joints) if world.collides(joints) else []
            names = [tuple(CARRIED if n == ATTACHED else n for n in pair) for pair in pairs]
            found.append(names)
        return found

    def plan(self, start, goal, group, scaling, time_s, wait):
        self.intrude()
        self._enter(start)
        begin = self._joints(start)
        end = np.array([goal[name] for name in self._robot.arm.joints])
        if self.fails:
            return Answer(self.fails.pop(0), self._path(np.linspace(begin, end, 5), scaling))
        try:
            planned = self._planner.plan_joints(begin, end, wait=wait)
        except PlanFailure as failure:
            straight = self._path(np.linspace(begin, end, 5), scaling)
            return Answer(FAILURE, straight, str(failure))
        return Answer(SUCCESS, self._path(planned.positions, scaling))

    def line(self, start, group, link, pose, step_m, scaling, avoid_collisions, wait):
        self.intrude()
        self._enter(start)
        wait()
        begin, target = self._joints(start), self.T_model_base.inverse() @ pose
        world, T_begin = self._planner._clearance.padded, self._kinematics.forward(begin)
        points, reached = [begin], 0.0
        for share in np.linspace(0.0, 1.0, 41)[1:]:
            between = interpolate_pose(T_begin, target, share)
            try:
                traced, _ = trace_line(
                    self._kinematics, points[-1], between, step_m=step_m, max_jump_rad=0.2
                )
            except PlanFailure:
                break
            if share > self.followed or (avoid_collisions and world.collides(traced[-1])):
                break
            points.extend(traced[1:])
            reached = share
        return Answer(SUCCESS, self._path(np.array(points), scaling), fraction=reached)

    def _joints(self, state):
        return np.array([state.positions[name] for name in self._robot.arm.joints])

    def _enter(self, state):
        """Put scene, fingers and carried box of a request into the embedded planner."""
        carried = state.carried
        self._planner.set_gap(sum(state.positions[name] for name in self._robot.gripper.joints))
        entered = (self.scene, None if carried is None else carried.solid.pose.matrix.tobytes())
        if entered == self._entered:
            return
        self._entered = entered
        T_base_model = self.T_model_base.inverse()
        boxes = tuple(
            Box(solid.name, solid.size_m, T_base_model @ solid.pose)
            for solid in self.scene.solids.values()
        )
        bodies = [*self._links, *([CARRIED] if carried is not None else [])]
        contacts = tuple(
            (ATTACHED if body == CARRIED else body, name)
            for body, name in itertools.product(bodies, self.scene.solids)
            if self.scene.contacts.allows(body, name)
        )
        held = None
        if carried is not None:
            held = Box(ATTACHED, carried.solid.size_m, carried.solid.pose, padded=False)
        self._planner.set_scene(CollisionScene(boxes, contacts))
        self._planner.attach(held)

    def _path(self, positions, scaling):
        """Timed as slowly as asked, joints in an order of its own."""
        order = list(reversed(range(positions.shape[1])))
        steps = np.abs(np.diff(positions, axis=0)).max(axis=1) / (2.0 * scaling.velocity)
        times = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-4))])
        names = tuple(self._robot.arm.joints[index] for index in order)
        return TimedPath(names, times, positions[:, order])


def _without_defaults(contacts):
    """A matrix as MoveIt keeps it: without what the defaults say already, names included."""
    by_default = AllowedContacts(defaults=contacts.defaults)
    kept = {
        name
        for pair in itertools.combinations(contacts.names, 2)
        if contacts.allows(*pair) is not by_default.allows(*pair)
        for name in pair
    }
    names = frozenset(kept | set(contacts.defaults))
    pairs = map(frozenset, itertools.combinations(names, 2))
    return AllowedContacts(
        names, frozenset(pair for pair in pairs if contacts.allows(*pair)), contacts.defaults
    )
