"""From grasp candidates to a verified pick: poses, planning, the pick sequence, and its node."""
