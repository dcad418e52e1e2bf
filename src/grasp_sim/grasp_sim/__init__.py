"""A PyBullet cell behind the hardware's interfaces: table, arm, gripper, camera, objects."""
